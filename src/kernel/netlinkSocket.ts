/**
 * A netlink socket that speaks in requests and replies: numbers messages, packs them into batches,
 * maps every answer back to its request, repeats dumps that the kernel reports as torn. One
 * exchange at a time, the rest queues. It decides nothing about what a refusal means: errno by
 * request goes to the caller (ipvsApply.ts, linkClient.ts).
 */
import { constants } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { ByteWriter, DecodeError } from '../net/bytes.ts';
import { NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NLMSG_ERROR } from '../netlink/constants.ts';
import {
  decodeAcknowledgement,
  type MessageHead,
  MessageCursor,
  noReplies,
  type Replies,
  takeReply,
} from '../netlink/message.ts';
import { type OpenSocket, openSocket, type RawReplies, type RawSocket } from './addon.ts';
import type { SocketOptions } from './addon.ts';
import { KernelError } from './errors.ts';

const { ENOBUFS, EPROTO, EAGAIN } = constants.errno;

/**
 * The gain flattens out there; a socket's receive queue holds the answers even if all of them are
 * errors.
 */
export const MAX_BATCH = 256;
/** Room for 256 error replies with extended text, several times over; the kernel doubles it. */
const RECEIVE_BUFFER_BYTES = 1024 * 1024;
/**
 * The kernel has executed a batch when send returns, so this passes only if something is badly
 * wrong.
 */
const TIMEOUT_MS = 30_000;
const MAX_READ_ATTEMPTS = 8;
/** Replies that are decoded before others have their turn: some milliseconds' worth. */
const TURN_BYTES = 128 * 1024;
const MAX_SEQUENCE = 0xffff_ffff;

export interface NetlinkRequest {
  /** for generic netlink the family's number; the encoders of rtnetlink set their own */
  readonly type?: number;
  /** besides REQUEST, ACK and DUMP, which the socket sets */
  readonly flags?: number;
  /** appends one whole message */
  readonly encode: (out: ByteWriter, head: MessageHead) => void;
}

/**
 * Called for each message that is not control; `index` is that of its request. Undefined = not one
 * of those asked for.
 */
export type Decode<T> = (message: MessageCursor, index: number) => T | undefined;

export interface Outcome {
  /** 0 = done; ENOBUFS = the answer was lost, executed or not is unknown */
  readonly errno: number;
  /** the kernel's own words */
  readonly extack?: string | undefined;
}

export class NetlinkSocket {
  readonly #options: SocketOptions;
  readonly #open: OpenSocket;
  readonly #writer = new ByteWriter(64 * 1024);
  #raw: RawSocket | undefined;
  #sequence = 1;
  #queue: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  /** Opens at the first use, and again after a failure of the socket itself. */
  constructor(options: SocketOptions, open: OpenSocket = openSocket) {
    this.#options = { receiveBufferBytes: RECEIVE_BUFFER_BYTES, ...options };
    this.#open = open;
  }

  /**
   * Sends changes in this order, at most `batch` in one system call. A failed one does not stop the
   * others.
   *
   * @returns one outcome a request, in the same order
   * @throws KernelError when the socket fails; requests of that batch and later ones may then have
   * been executed or not
   */
  async execute(
    requests: readonly NetlinkRequest[],
    batch: number = MAX_BATCH,
  ): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = [];
    for (let at = 0; at < requests.length; at += batch) {
      const part = requests.slice(at, at + batch);
      outcomes.push(...(await this.#exclusively(() => this.#executeBatch(part))));
    }
    return outcomes;
  }

  /**
   * One plain request that is answered by a message. @throws KernelError with `op` when the kernel
   * refuses
   */
  async get<T>(op: string, request: NetlinkRequest, decode: Decode<T>): Promise<T> {
    const [items] = await this.#readWhole(op, [request], NLM_F_ACK, decode);
    if (items?.[0] !== undefined) return items[0];
    throw new KernelError({ op, errno: EPROTO, hint: 'acknowledged, but not answered' });
  }

  /**
   * Dumps, as many as wanted for one trip to the kernel and back; each is whole or repeated by
   * itself.
   *
   * @returns the decoded messages of each request, in the same order
   * @throws KernelError with `op`: the kernel refuses, or (EAGAIN) the table never held still
   */
  async dump<T>(
    op: string,
    requests: readonly NetlinkRequest[],
    decode: Decode<T>,
  ): Promise<readonly (readonly T[])[]> {
    const lists: T[][] = [];
    for (let at = 0; at < requests.length; at += MAX_BATCH) {
      const part = requests.slice(at, at + MAX_BATCH);
      const decodeOwn: Decode<T> = (message, index) => decode(message, at + index);
      lists.push(...(await this.#readWhole(op, part, NLM_F_DUMP, decodeOwn)));
    }
    return lists;
  }

  /** Idempotent. Whatever is queued fails with EBADF. */
  close(): void {
    this.#isClosed = true;
    this.#discard();
  }

  /** Asks again for what came torn: interrupted by a change, or with replies lost. */
  async #readWhole<T>(
    op: string,
    requests: readonly NetlinkRequest[],
    flags: number,
    decode: Decode<T>,
  ): Promise<T[][]> {
    const lists: T[][] = [];
    let missing = requests.map((_, index) => index);
    for (let attempt = 0; attempt < MAX_READ_ATTEMPTS && missing.length > 0; attempt++) {
      const wanted = missing;
      const part = wanted.map((index) => requests[index]!);
      const decodeOwn: Decode<T> = (message, i) => decode(message, wanted[i]!);
      const gathered = await this.#exclusively(() => this.#collect(part, flags, decodeOwn));
      missing = [];
      gathered.forEach((replies, i) => {
        const index = wanted[i]!;
        if (replies.isInterrupted) {
          missing.push(index);
        } else {
          checkEnd(op, replies.end);
          lists[index] = replies.items;
        }
      });
    }
    if (missing.length === 0) return lists;
    const hint = `changed under each of ${MAX_READ_ATTEMPTS} attempts to read it`;
    throw new KernelError({ op, errno: EAGAIN, hint });
  }

  /**
   * Only the last message asks for an acknowledgement: failures are answered in any case, and
   * silence before the last is success.
   */
  async #executeBatch(requests: readonly NetlinkRequest[]): Promise<Outcome[]> {
    const last = requests.length - 1;
    const { first, replies } = await this.#transact(requests, (i) => (i === last ? NLM_F_ACK : 0));
    const silence: Outcome = { errno: replies.isOverrun ? ENOBUFS : 0 };
    const outcomes = requests.map(() => silence);
    let isEndSeen = false;
    const message = new MessageCursor(replies.bytes);
    while (message.next()) {
      const index = message.sequence - first;
      if (message.type !== NLMSG_ERROR || index < 0 || index > last) continue;
      const { errno, text } = decodeAcknowledgement(message);
      // A transaction is answered twice: once for its change, once for its end.
      const isRefused = outcomes[index] !== silence && outcomes[index]!.errno !== 0;
      if (!isRefused) outcomes[index] = { errno, extack: text };
      isEndSeen ||= index === last;
    }
    if (!isEndSeen && !replies.isOverrun) {
      throw new DecodeError('a batch was answered without its last acknowledgement');
    }
    return outcomes;
  }

  /** Requests that are answered by messages; one whose replies were lost counts as interrupted. */
  async #collect<T>(
    requests: readonly NetlinkRequest[],
    flags: number,
    decode: Decode<T>,
  ): Promise<readonly Replies<T>[]> {
    const { first, replies } = await this.#transact(requests, () => flags);
    const gathered = requests.map(() => noReplies<T>());
    const message = new MessageCursor(replies.bytes);
    let turnEnd = TURN_BYTES;
    while (message.next()) {
      const index = message.sequence - first;
      const one = gathered[index];
      if (one !== undefined) takeReply(one, message, () => decode(message, index));
      if (message.end < turnEnd) continue;
      await setImmediate();
      turnEnd = message.end + TURN_BYTES;
    }
    if (replies.isOverrun) {
      for (const one of gathered) one.isInterrupted ||= one.end === undefined;
    }
    return gathered;
  }

  async #transact(
    requests: readonly NetlinkRequest[],
    flagsOf: (index: number) => number,
  ): Promise<{ first: number; replies: RawReplies }> {
    const first = this.#reserve(requests.length);
    this.#writer.reset();
    requests.forEach(({ type = 0, flags = 0, encode }, i) => {
      const all = NLM_F_REQUEST | flags | flagsOf(i);
      encode(this.#writer, { type, flags: all, sequence: first + i });
    });
    const raw = this.#opened();
    try {
      const replies = await raw.transact(this.#writer.written(), TIMEOUT_MS);
      return { first, replies };
    } catch (error) {
      // Late answers and a half-read dump would meet the next request: a new socket has neither.
      this.#discard();
      throw error;
    }
  }

  #opened(): RawSocket {
    if (this.#isClosed) {
      throw new KernelError({ op: 'use a closed netlink socket', errno: constants.errno.EBADF });
    }
    this.#raw ??= this.#open(this.#options);
    return this.#raw;
  }

  #discard(): void {
    this.#raw?.close();
    this.#raw = undefined;
  }

  #reserve(count: number): number {
    if (this.#sequence + count > MAX_SEQUENCE) this.#sequence = 1;
    const first = this.#sequence;
    this.#sequence += count;
    return first;
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined);
    return result;
  }
}

function checkEnd(op: string, end: Replies<unknown>['end']): void {
  if (end === undefined) {
    throw new KernelError({ op, errno: EPROTO, hint: 'the reply has no end' });
  }
  if (end.errno !== 0) throw new KernelError({ op, errno: end.errno, extack: end.text });
}
