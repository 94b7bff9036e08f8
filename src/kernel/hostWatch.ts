/**
 * Listens to rtnetlink's notifications and says, at most every 100 ms, that an address of this node
 * or a default route came, changed or went. A link by itself is no news: nothing depends on it, and
 * every pod that starts makes one. Nor are addresses of kube-ipvs0, nor IPv6 link-local ones, which
 * each link makes for itself. After lost notifications everything may have changed, and that is
 * news.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { DUMMY_DEVICE } from '../dataplane/state.ts';
import { familyOf, isLinkLocal } from '../net/address.ts';
import * as c from '../netlink/constants.ts';
import { MessageCursor } from '../netlink/message.ts';
import { decodeRouteEvent, type RouteEvent } from '../netlink/rtnl.ts';
import type { Link } from '../netlink/rtnlLinks.ts';
import { isDefaultRoute } from '../netlink/rtnlRoutes.ts';
import type { OpenSocket, RawReplies, RawSocket } from './addon.ts';
import { hasCode } from './errors.ts';
import type { NamespaceOptions } from './genlFamily.ts';

/** Links only tell which number kube-ipvs0 has at the time. */
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

export class HostWatch {
  readonly #onChange: () => void;
  readonly #socket: RawSocket;
  readonly #ended: Promise<void>;
  #dummyIndex: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #stopped = new AbortController();

  /** Listens from here on. @throws KernelError */
  constructor(options: NamespaceOptions, open: OpenSocket, onChange: () => void) {
    this.#onChange = onChange;
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
        if (replies.isOverrun || this.#hasNews(replies)) this.#schedule();
      } catch (error) {
        if (signal.aborted || hasCode(error, 'ECANCELED', 'EBADF')) return;
        // A notification that could not be read says at least that there was one.
        this.#schedule();
        await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  #hasNews({ bytes }: RawReplies): boolean {
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
        const isOfLinkAlone = familyOf(address) === 'IPv6' && isLinkLocal(address);
        return index !== this.#dummyIndex && !isOfLinkAlone;
      }
      default:
        return isDefaultRoute(event.route);
    }
  }

  #noteLink(change: 'new' | 'gone', { index, name }: Link): void {
    if (name === DUMMY_DEVICE) this.#dummyIndex = change === 'new' ? index : undefined;
  }

  #schedule(): void {
    if (this.#stopped.signal.aborted) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#onChange();
    }, DEBOUNCE_MS);
  }
}
