/**
 * rtnetlink's notifications as they come: links, addresses and routes of the node, whoever changes
 * them. It keeps nothing and waits for nothing; what is news is for hostWatch.ts and others to say.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import * as c from '../netlink/constants.ts';
import { MessageCursor } from '../netlink/message.ts';
import { decodeRouteEvent, type RouteEvent } from '../netlink/rtnl.ts';
import type { OpenSocket, RawSocket } from './addon.ts';
import { hasCode } from './errors.ts';
import type { NamespaceOptions } from './genlFamily.ts';

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
/** Before listening again after a failure that is not the end. */
const PAUSE_MS = 1000;

export interface RouteEventListener {
  /** False: it is not even decoded. Absent: all are. */
  isWanted?(message: MessageCursor): boolean;
  onEvent(event: RouteEvent): void;
  /** Some were lost, or could not be read: everything may have changed. */
  onLoss(): void;
}

export class RouteEvents {
  readonly #listener: RouteEventListener;
  readonly #socket: RawSocket;
  readonly #ended: Promise<void>;
  readonly #stopped = new AbortController();

  /** Listens from here on. @throws KernelError */
  constructor(
    { networkNamespacePath }: NamespaceOptions,
    open: OpenSocket,
    to: RouteEventListener,
  ) {
    this.#listener = to;
    this.#socket = open({
      ...(networkNamespacePath === undefined ? {} : { networkNamespacePath }),
      protocol: c.NETLINK_ROUTE,
      groups: GROUPS.reduce((mask, group) => mask | (1 << (group - 1)), 0),
      receiveBufferBytes: RECEIVE_BUFFER_BYTES,
    });
    this.#ended = this.#listen();
  }

  /** Nothing is told any more from here on. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#socket.close();
    await this.#ended;
  }

  async #listen(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      try {
        const { bytes, isOverrun } = await this.#socket.receive(-1);
        if (signal.aborted) return;
        this.#hear(bytes);
        if (isOverrun) this.#listener.onLoss();
      } catch (error) {
        if (signal.aborted || hasCode(error, 'ECANCELED', 'EBADF')) return;
        // A notification that could not be read says at least that there was one.
        this.#listener.onLoss();
        await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  #hear(bytes: Uint8Array): void {
    const message = new MessageCursor(bytes);
    while (message.next()) {
      if (this.#listener.isWanted?.(message) === false) continue;
      const event = decodeRouteEvent(message);
      if (event !== undefined) this.#listener.onEvent(event);
    }
  }
}
