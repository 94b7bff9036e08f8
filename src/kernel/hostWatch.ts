/**
 * Listens to rtnetlink's notifications about links and addresses and says, at most every 100 ms, that something changed. What is
 * kube-ipvs0's, and link notifications that change neither name nor state, are not news. After lost notifications everything may
 * have changed, and that is news.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { DUMMY_DEVICE } from '../desired/state.ts';
import * as c from '../netlink/constants.ts';
import { MessageCursor } from '../netlink/message.ts';
import { decodeRouteEvent, type RouteEvent } from '../netlink/rtnl.ts';
import type { Link } from '../netlink/rtnlLinks.ts';
import type { OpenSocket, RawReplies, RawSocket } from './addon.ts';
import { hasCode } from './errors.ts';
import type { NamespaceOptions } from './genlFamily.ts';

const GROUPS = [c.RTNLGRP_LINK, c.RTNLGRP_IPV4_IFADDR, c.RTNLGRP_IPV6_IFADDR];
/** Holds the notifications of some ten thousand addresses that we bind ourselves. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;
const DEBOUNCE_MS = 100;
/** Before listening again after a failure that is not the end. */
const PAUSE_MS = 1000;

export class HostWatch {
  readonly #onChange: () => void;
  readonly #socket: RawSocket;
  readonly #ended: Promise<void>;
  readonly #links = new Map<number, string>();
  #dummyIndex: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

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

  /** Links as they are; without it the first notification of each is news. */
  know(links: readonly Link[]): void {
    for (const link of links) this.#isLinkNews('new', link);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#socket.close();
    await this.#ended;
  }

  async #listen(): Promise<void> {
    while (!this.#isStopped) {
      try {
        const replies = await this.#socket.receive(-1);
        if (replies.isOverrun || this.#hasNews(replies)) this.#schedule();
      } catch (error) {
        if (this.#isStopped || hasCode(error, 'ECANCELED', 'EBADF')) return;
        // A notification that could not be read says at least that there was one.
        this.#schedule();
        await sleep(PAUSE_MS);
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
    if (event.kind === 'address') return event.address.index !== this.#dummyIndex;
    return event.kind === 'link' && this.#isLinkNews(event.change, event.link);
  }

  #isLinkNews(change: 'new' | 'gone', link: Link): boolean {
    const { index, name, flags } = link;
    if (name === DUMMY_DEVICE) {
      this.#dummyIndex = change === 'new' ? index : undefined;
      return false;
    }
    if (change === 'gone') return this.#links.delete(index);
    const state = `${name} ${(flags & c.IFF_UP) === 0 ? 'down' : 'up'}`;
    if (this.#links.get(index) === state) return false;
    this.#links.set(index, state);
    return true;
  }

  #schedule(): void {
    if (this.#isStopped) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#onChange();
    }, DEBOUNCE_MS);
  }
}
