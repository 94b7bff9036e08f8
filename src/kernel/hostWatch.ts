/**
 * Listens to rtnetlink's notifications and says, at most every 100 ms, that an address of this node
 * or a default route came, changed or went. A link by itself is no news: nothing depends on it, and
 * every pod that starts makes one. Nor are IPv6 link-local addresses, which each link makes for
 * itself. After lost notifications everything may have changed, and that is news. What is told of
 * kube-ipvs0 and its addresses is passed on apart: mostly it is our own doing, and whoever knows
 * what we did sees what somebody else did.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { DummyNews } from '../dataplane/dataplane.ts';
import { DUMMY_DEVICE } from '../dataplane/state.ts';
import { type Address, familyOf, isLinkLocal } from '../net/address.ts';
import * as c from '../netlink/constants.ts';
import { MessageCursor } from '../netlink/message.ts';
import { decodeRouteEvent, type RouteEvent } from '../netlink/rtnl.ts';
import type { Link } from '../netlink/rtnlLinks.ts';
import { isDefaultRoute } from '../netlink/rtnlRoutes.ts';
import type { OpenSocket, RawReplies, RawSocket } from './addon.ts';
import { hasCode } from './errors.ts';
import type { NamespaceOptions } from './genlFamily.ts';

/** Links only tell of kube-ipvs0: which number it has at the time, and that it went. */
const GROUPS = [
  c.RTNLGRP_LINK,
  c.RTNLGRP_IPV4_IFADDR,
  c.RTNLGRP_IPV6_IFADDR,
  c.RTNLGRP_IPV4_ROUTE,
  c.RTNLGRP_IPV6_ROUTE,
];
/**
 * Holds the notifications of some ten thousand addresses that we bind ourselves, each with its
 * local route.
 */
const RECEIVE_BUFFER_BYTES = 8 * 1024 * 1024;
const DEBOUNCE_MS = 100;
/** Before listening again after a failure that is not the end. */
const PAUSE_MS = 1000;

export interface HostListener {
  onChange(): void;
  onDummy(news: DummyNews): void;
}

export class HostWatch {
  readonly #listener: HostListener;
  readonly #socket: RawSocket;
  readonly #ended: Promise<void>;
  #dummyIndex: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** to be told when the time comes */
  #hasChange = false;
  #dummyAddresses = new Map<Address, boolean>();
  #isDummyGone = false;
  readonly #stopped = new AbortController();

  /** Listens from here on. @throws KernelError */
  constructor(options: NamespaceOptions, open: OpenSocket, listener: HostListener) {
    this.#listener = listener;
    this.#socket = open({
      ...options,
      protocol: c.NETLINK_ROUTE,
      groups: GROUPS.reduce((mask, group) => mask | (1 << (group - 1)), 0),
      receiveBufferBytes: RECEIVE_BUFFER_BYTES,
    });
    this.#ended = this.#listen();
  }

  /** Links as they are, so that kube-ipvs0 is known when it is there already. */
  know(links: readonly Link[]): void {
    for (const link of links) this.#noteLink('new', link);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    clearTimeout(this.#timer);
    this.#socket.close();
    await this.#ended;
  }

  async #listen(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      try {
        const replies = await this.#socket.receive(-1);
        if (this.#hear(replies) || replies.isOverrun) this.#changed();
      } catch (error) {
        if (signal.aborted || hasCode(error, 'ECANCELED', 'EBADF')) return;
        // A notification that could not be read says at least that there was one.
        this.#changed();
        await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** @returns whether the host is another now, as far as anybody asks */
  #hear({ bytes }: RawReplies): boolean {
    let hasNews = false;
    const message = new MessageCursor(bytes);
    while (message.next()) {
      const event = decodeRouteEvent(message);
      if (event !== undefined && this.#isNews(event)) hasNews = true;
    }
    return hasNews;
  }

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
    if (this.#stopped.signal.aborted) return;
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
