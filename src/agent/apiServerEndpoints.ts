/**
 * Where the API servers are, as they say themselves: the slice `default/kubernetes`, which they keep up. Whoever may write
 * slices can put others beside it under the same label; those do not make an address the API server's.
 */
import type { ClusterChange } from '../model/resources.ts';
import type { Address } from '../net/address.ts';
import { parseSloppyAddress } from '../net/sloppy.ts';

const SLICE = 'default/kubernetes';

export class ApiServerEndpoints {
  #addresses: readonly Address[] = [];

  get addresses(): readonly Address[] {
    return this.#addresses;
  }

  /** @returns whether they differ now */
  note(change: ClusterChange): boolean {
    if (change.kind !== 'EndpointSlice' || change.key !== SLICE) return false;
    const before = this.#addresses.join();
    const found = (change.object?.endpoints ?? []).map(({ address }) =>
      parseSloppyAddress(address),
    );
    this.#addresses = found.filter((address) => address !== undefined);
    return this.#addresses.join() !== before;
  }
}
