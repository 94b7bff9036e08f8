/**
 * Listens to rtnetlink's notifications and says, at most every 100 ms, that an address of this node
 * or a default route came, changed or went. A link by itself is no news: nothing depends on it, and
 * every pod that starts makes one. Nor are IPv6 link-local addresses, which each link makes for
 * itself. After lost notifications everything may have changed, and that is news. What is told of
 * kube-ipvs0 and its addresses is passed on apart: mostly it is our own doing, and whoever knows
 * what we did sees what somebody else did.
 */
import type { DummyNews } from '../dataplane/dataplane.ts';
import { DUMMY_DEVICE } from '../dataplane/state.ts';
import { type Address, familyOf, isLinkLocal } from '../net/address.ts';
import type { RouteEvent } from '../netlink/rtnl.ts';
import type { Link } from '../netlink/rtnlLinks.ts';
import { isDefaultRoute } from '../netlink/rtnlRoutes.ts';
import type { OpenSocket } from './addon.ts';
import type { NamespaceOptions } from './genlFamily.ts';
import { RouteEvents } from './routeEvents.ts';

const DEBOUNCE_MS = 100;

export interface HostListener {
  onChange(): void;
  onDummy(news: DummyNews): void;
}

export class HostWatch {
  readonly #listener: HostListener;
  readonly #events: RouteEvents;
  /** Links tell of kube-ipvs0 only: which number it has at the time, and that it went. */
  #dummyIndex: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** to be told when the time comes */
  #hasChange = false;
  #dummyAddresses = new Map<Address, boolean>();
  #isDummyGone = false;
  #isStopped = false;

  /** Listens from here on. @throws KernelError */
  constructor(options: NamespaceOptions, open: OpenSocket, listener: HostListener) {
    this.#listener = listener;
    this.#events = new RouteEvents(options, open, {
      onEvent: (event) => {
        if (this.#isNews(event)) this.#changed();
      },
      onLoss: () => this.#changed(),
    });
  }

  /** Links as they are, so that kube-ipvs0 is known when it is there already. */
  know(links: readonly Link[]): void {
    for (const link of links) this.#noteLink('new', link);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#events.stop();
  }

  /** @returns whether the host is another now, as far as anybody asks */
  #isNews(event: RouteEvent): boolean {
    switch (event.kind) {
      case 'link':
        this.#noteLink(event.change, event.link);
        return false;
      case 'address': {
        const { index, address } = event.address;
        if (familyOf(address) === 'IPv6' && isLinkLocal(address)) return false;
        if (index !== this.#dummyIndex) return true;
        this.#dummyAddresses.set(address, event.change === 'new');
        this.#schedule();
        return false;
      }
      default:
        return isDefaultRoute(event.route);
    }
  }

  #noteLink(change: 'new' | 'gone', { index, name }: Link): void {
    if (name !== DUMMY_DEVICE) return;
    this.#dummyIndex = change === 'new' ? index : undefined;
    if (change === 'new') return;
    this.#isDummyGone = true;
    this.#schedule();
  }

  #changed(): void {
    this.#hasChange = true;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isStopped) return;
    this.#timer ??= setTimeout(() => this.#tell(), DEBOUNCE_MS);
  }

  #tell(): void {
    this.#timer = undefined;
    const addresses = this.#dummyAddresses;
    const isDeviceGone = this.#isDummyGone;
    const hasChange = this.#hasChange;
    this.#dummyAddresses = new Map();
    this.#isDummyGone = false;
    this.#hasChange = false;
    if (addresses.size > 0 || isDeviceGone) this.#listener.onDummy({ addresses, isDeviceGone });
    if (hasChange) this.#listener.onChange();
  }
}
