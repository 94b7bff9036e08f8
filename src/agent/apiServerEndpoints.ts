/** Where the API servers are now, followed change by change. */
import { API_SERVERS, apiServersOf } from '../model/apiServers.ts';
import type { ClusterChange } from '../model/clusterStore.ts';
import type { Address } from '../net/address.ts';

export class ApiServerEndpoints {
  #addresses: readonly Address[] = [];

  get addresses(): readonly Address[] {
    return this.#addresses;
  }

  /** @returns whether they differ now */
  note(change: ClusterChange): boolean {
    if (change.kind !== 'EndpointSlice' || change.key !== API_SERVERS) return false;
    const before = this.#addresses.join();
    this.#addresses = apiServersOf(change.object);
    return this.#addresses.join() !== before;
  }
}
