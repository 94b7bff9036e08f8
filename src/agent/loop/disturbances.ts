/**
 * What somebody else did to the dummy device, for the round that puts it right; and whose the
 * virtual servers are on an address that was taken away. What the kernel tells comes late: by the
 * time that it is heard, an audit may have mended it, or a round of ours have changed it again. So
 * what contradicts what we did is a reason to look at the device, and what is there counts.
 */
import type { DummyNews } from '../../dataplane/dataplane.ts';
import { serverKey } from '../../dataplane/state.ts';
import type { Ledger } from '../../kernel/ledger.ts';
import type { Address } from '../../net/address.ts';
import type { Disturbance, KernelView } from './kernelView.ts';

export class Disturbances {
  readonly #view: KernelView;
  readonly #ledger: Pick<Ledger, 'add'>;
  /** told, and not yet compared with what we did */
  #news: DummyNews[] = [];
  #isDoubtful = false;

  constructor(view: KernelView, ledger: Pick<Ledger, 'add'>) {
    this.#view = view;
    this.#ledger = ledger;
  }

  told(news: DummyNews): void {
    this.#news.push(news);
  }

  /** Not while a round is under way: what that did is known only at its end. */
  compare(): void {
    for (const news of this.#news.splice(0)) this.#isDoubtful ||= this.#view.contradicts(news);
  }

  /**
   * Where an address of ours was, the virtual servers are ours too, and until it is bound again
   * nothing but the ledger says so: their Service may be deleted meanwhile.
   *
   * @param before addresses that were known, or have come or gone since
   */
  lost(before: ReadonlySet<Address>): void {
    const gone = new Set([...before].filter((address) => !this.#view.addresses.has(address)));
    if (gone.size === 0) return;
    for (const server of this.#view.state.virtualServers.values()) {
      if (gone.has(server.address)) this.#ledger.add(serverKey(server));
    }
  }

  /** Nothing is to be looked at. */
  get isEmpty(): boolean {
    return !this.#isDoubtful;
  }

  /** For a round to put right. @throws when the device cannot be read */
  async look(): Promise<Disturbance> {
    this.#isDoubtful = false;
    const disturbance = await this.#view.refreshDummy();
    this.lost(disturbance.addresses);
    return disturbance;
  }
}
