/**
 * Netlink messages: the 16-byte header, acknowledgements and errors with their extended text, the
 * end of a dump. It does not know what a message of a family means, nor which request a reply
 * belongs to: that is the socket's business.
 */
import { AttributeCursor } from './attributes.ts';
import { align, ByteReader, type ByteWriter, DecodeError } from '../net/bytes.ts';
import {
  NLM_F_ACK_TLVS,
  NLM_F_CAPPED,
  NLM_F_DUMP_INTR,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_NOOP,
  NLMSG_OVERRUN,
  NLMSGERR_ATTR_MSG,
  NLMSGERR_ATTR_OFFS,
} from './constants.ts';

export const MESSAGE_HEADER_BYTES = 16;

/** What the sender of a message decides; one object may be reused for a whole batch. */
export interface MessageHead {
  /** for generic netlink the family's number */
  type: number;
  /** NLM_F_* */
  flags: number;
  /** replies repeat it */
  sequence: number;
}

/** @returns where the message starts, for {@link endMessage} */
export function beginMessage(out: ByteWriter, head: MessageHead): number {
  const start = out.length;
  out.u32(0);
  out.u16(head.type);
  out.u16(head.flags);
  out.u32(head.sequence);
  out.u32(0); // port id: the kernel fills it in
  return start;
}

export function endMessage(out: ByteWriter, start: number): void {
  out.patchU32(start, out.length - start);
  out.padToAlignment();
}

/** Walks the messages of one buffer, which may hold many datagrams one after the other. */
export class MessageCursor {
  type = 0;
  flags = 0;
  sequence = 0;
  portId = 0;
  /** payload of the current message in `reader` */
  start = 0;
  end = 0;
  readonly reader: ByteReader;
  #next = 0;

  constructor(bytes: Uint8Array) {
    this.reader = new ByteReader(bytes);
  }

  /** @returns false at the end of the buffer */
  next(): boolean {
    const { reader } = this;
    const at = this.#next;
    if (at >= reader.length) return false;
    const length = reader.u32(at);
    if (length < MESSAGE_HEADER_BYTES || at + length > reader.length) {
      throw new DecodeError(`message at offset ${at} claims ${length} of ${reader.length} bytes`);
    }
    this.type = reader.u16(at + 4);
    this.flags = reader.u16(at + 6);
    this.sequence = reader.u32(at + 8);
    this.portId = reader.u32(at + 12);
    this.start = at + MESSAGE_HEADER_BYTES;
    this.end = at + length;
    this.#next = at + align(length);
    return true;
  }

  /** @param headerBytes size of the family's fixed header before the attributes */
  attributes(headerBytes: number): AttributeCursor {
    return new AttributeCursor(this.reader, this.start + headerBytes, this.end);
  }
}

/** Answer to one request. */
export interface Acknowledgement {
  readonly sequence: number;
  /** positive number, 0 = done */
  readonly errno: number;
  /** the kernel's own words, where it has any */
  readonly text?: string;
  /** bytes from the start of the request's header to what the kernel objects to */
  readonly offset?: number;
}

/** @param message positioned at a message of type NLMSG_ERROR, which success is too */
export function decodeAcknowledgement(message: MessageCursor): Acknowledgement {
  const { reader, start, end } = message;
  if (end - start < 4 + MESSAGE_HEADER_BYTES) {
    throw new DecodeError(`acknowledgement of ${end - start} bytes`);
  }
  const errno = errnoFrom(reader.i32(start));
  const ack = { sequence: message.sequence, errno };
  if ((message.flags & NLM_F_ACK_TLVS) === 0) return ack;
  // The request's header comes back always, its payload only when the kernel did not cap it.
  const requestBytes =
    (message.flags & NLM_F_CAPPED) === 0 ? reader.u32(start + 4) : MESSAGE_HEADER_BYTES;
  if (requestBytes > end - start - 4) {
    throw new DecodeError(`acknowledgement of a request of ${requestBytes} bytes is cut short`);
  }
  return {
    ...ack,
    ...extendedText(new AttributeCursor(reader, start + 4 + align(requestBytes), end)),
  };
}

function extendedText(attributes: AttributeCursor): Pick<Acknowledgement, 'text' | 'offset'> {
  const extended: { text?: string; offset?: number } = {};
  while (attributes.next()) {
    if (attributes.type === NLMSGERR_ATTR_MSG) extended.text = attributes.string();
    if (attributes.type === NLMSGERR_ATTR_OFFS) extended.offset = attributes.u32();
  }
  return extended;
}

/**
 * @param message positioned at a message of type NLMSG_DONE; a dump may report a late error only
 * here
 */
export function decodeDone(message: MessageCursor): Acknowledgement {
  const { reader, start, end, sequence } = message;
  if (start === end) return { sequence, errno: 0 };
  const done = { sequence, errno: errnoFrom(reader.i32(start)) };
  if ((message.flags & NLM_F_ACK_TLVS) === 0) return done;
  return { ...done, ...extendedText(new AttributeCursor(reader, start + 4, end)) };
}

function errnoFrom(negative: number): number {
  if (negative > 0) throw new DecodeError(`positive error number ${negative}`);
  return negative === 0 ? 0 : -negative;
}

/** Replies to one dump request, or to one plain request, gathered over any number of buffers. */
export interface Replies<T> {
  readonly items: T[];
  /** of the dump's end or of the acknowledgement; absent while neither has come */
  end?: Acknowledgement;
  /** the table changed under the dump: ask again (IPVS never says so, rtnetlink does) */
  isInterrupted: boolean;
}

export function noReplies<T>(): Replies<T> {
  return { items: [], isInterrupted: false };
}

/**
 * Adds one message to the replies of its request.
 *
 * @param decode reads a message that is not control; undefined = not one of those asked for
 */
export function takeReply<T>(
  replies: Replies<T>,
  message: MessageCursor,
  decode: () => T | undefined,
): void {
  if ((message.flags & NLM_F_DUMP_INTR) !== 0) replies.isInterrupted = true;
  if (message.type === NLMSG_ERROR) {
    replies.end = decodeAcknowledgement(message);
  } else if (message.type === NLMSG_DONE) {
    replies.end = decodeDone(message);
  } else if (message.type !== NLMSG_NOOP && message.type !== NLMSG_OVERRUN) {
    const item = decode();
    if (item !== undefined) replies.items.push(item);
  }
}
