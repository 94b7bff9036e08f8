/**
 * What somebody else did to the dummy device, gathered from what the kernel tells for the next
 * round to put right. And whose the virtual servers are on an address that was taken away.
 */
import type { DummyNews } from '../../dataplane/dataplane.ts';
import { serverKey } from '../../dataplane/state.ts';
import type { Touched } from '../../dataplane/touched.ts';
import type { Ledger } from '../../kernel/ledger.ts';
import type { Address } from '../../net/address.ts';
import type { KernelView } from './kernelView.ts';

export class Disturbances {
  readonly #view: KernelView;
  readonly #ledger: Pick<Ledger, 'add'>;
  /** told, and not yet compared with what we did */
  #news: DummyNews[] = [];
  #addresses = new Set<Address>();
  #isDeviceLost = false;

  constructor(view: KernelView, ledger: Pick<Ledger, 'add'>) {
    this.#view = view;
    this.#ledger = ledger;
  }

  told(news: DummyNews): void {
    this.#news.push(news);
  }

  /** Not while a round is under way: what that did is known only at its end. */
  compare(): void {
    for (const news of this.#news.splice(0)) {
      const { addresses, isDeviceLost } = this.#view.noticed(news);
      this.lost(addresses);
      for (const address of addresses) this.#addresses.add(address);
      this.#isDeviceLost ||= isDeviceLost;
    }
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

  get isEmpty(): boolean {
    return this.#addresses.size === 0 && !this.#isDeviceLost;
  }

  /** For a round to look at; from then on nothing is left here. */
  take(): Touched {
    const addresses = this.#addresses;
    const hasNewRules = this.#isDeviceLost;
    this.#addresses = new Set();
    this.#isDeviceLost = false;
    return { servers: new Set(), addresses, entries: new Map(), hasNewRules };
  }
}
