/**
 * The datagram by which the announcers of a cluster know of each other, big endian: a header of 60
 * bytes, the node's name, a body (heartbeatBody.ts), 32 bytes of HMAC-SHA-256 over all before it.
 * Keys are not known here: the caller gets the signed bytes and the signature, and decodes after it
 * has checked. Nor is it decided here who is believed.
 */
import { ByteReader, ByteWriter } from '../net/bytes.ts';
import { decodeBody, encodeBody, type HeartbeatBody } from './heartbeatBody.ts';

/** Never fragmented: the least that IPv6 carries (1,280) less headers, with room for tunnels. */
export const MAX_DATAGRAM_BYTES = 1200;
export const SIGNATURE_BYTES = 32;

const HEADER_BYTES = 60;
/** `KIPV` */
const MAGIC = 0x4b49_5056;
const VERSION = 1;
const MAX_NAME_BYTES = 253;
/** RFC 1123: what a Node may be called. */
const NODE_NAME = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;

const TYPES = { beat: 1, attach: 2, claims: 3, release: 4, unable: 5, ask: 6 } as const;
const READY = 1;
const LEAVING = 2;
const API_SERVER_REACHABLE = 4;
const OBSERVER = 8;

export type HeartbeatType = keyof typeof TYPES;

export interface HeartbeatHeader {
  /** sender: name of its Node */
  readonly node: string;
  readonly isReady: boolean;
  readonly isLeaving: boolean;
  readonly isApiServerReachable: boolean;
  /** never announces */
  readonly isObserver: boolean;
  /** 64 random bits of the process, not 0 */
  readonly bootId: bigint;
  /** from 1, one more with each datagram to anybody */
  readonly sequence: bigint;
  /** since the process was ready, by a monotonic clock */
  readonly ageMs: number;
  /** of the table of claims, one more with each change */
  readonly generation: number;
  /** first 32 bits of the configuration's hash */
  readonly configurationHash: number;
  /** what the sender last heard of the receiver; boot id 0: nothing yet */
  readonly echo: { readonly bootId: bigint; readonly sequence: bigint };
}

export type Heartbeat = HeartbeatHeader & HeartbeatBody;

/**
 * Why a datagram is none: shorter or longer than it says; of another program or version; an
 * unknown type; a field or a part of the body that cannot be.
 */
export type HeartbeatRefusal =
  'short' | 'length' | 'magic' | 'version' | 'type' | 'name' | 'field' | 'body';

/** What the signature is made of, and the signature. */
export interface SignedBytes {
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
}

/** How many bytes of body a datagram of this node has room for. */
export function bodyCapacity(node: string): number {
  return MAX_DATAGRAM_BYTES - HEADER_BYTES - node.length - SIGNATURE_BYTES;
}

/**
 * @returns the bytes to be signed; {@link joinSignature} makes the datagram
 * @throws RangeError for a name that no Node has, or a body that is too long
 */
export function encodeHeartbeat(heartbeat: Heartbeat): Uint8Array {
  const { node, echo } = heartbeat;
  if (!isNodeName(node)) throw new RangeError(`not the name of a Node: ${node}`);
  const body = encodeBody(heartbeat);
  if (body.length > bodyCapacity(node)) {
    throw new RangeError(`a body of ${body.length} bytes: it takes more parts`);
  }
  const out = new ByteWriter(HEADER_BYTES + node.length + body.length);
  out.u32be(MAGIC);
  out.u8(VERSION);
  out.u8(TYPES[heartbeat.type]);
  out.u16be(flagsOf(heartbeat));
  out.u64be(heartbeat.bootId);
  out.u64be(heartbeat.sequence);
  out.u64be(BigInt(heartbeat.ageMs));
  out.u32be(heartbeat.generation);
  out.u32be(heartbeat.configurationHash);
  out.u64be(echo.bootId);
  out.u64be(echo.sequence);
  out.u16be(node.length);
  out.u16be(body.length);
  out.bytes(new TextEncoder().encode(node));
  out.bytes(body);
  return out.written();
}

function flagsOf(header: HeartbeatHeader): number {
  return (
    (header.isReady ? READY : 0) |
    (header.isLeaving ? LEAVING : 0) |
    (header.isApiServerReachable ? API_SERVER_REACHABLE : 0) |
    (header.isObserver ? OBSERVER : 0)
  );
}

/** @param signature 32 bytes */
export function joinSignature({ signed, signature }: SignedBytes): Uint8Array {
  if (signature.length !== SIGNATURE_BYTES) {
    throw new RangeError(`a signature has 32 bytes, not ${signature.length}`);
  }
  const datagram = new Uint8Array(signed.length + SIGNATURE_BYTES);
  datagram.set(signed);
  datagram.set(signature, signed.length);
  return datagram;
}

/**
 * Looks at what costs nothing, magic, version and lengths, so that little is done for a stranger.
 *
 * @returns views
 */
export function splitSignature(datagram: Uint8Array): SignedBytes | HeartbeatRefusal {
  if (datagram.length < HEADER_BYTES + 1 + SIGNATURE_BYTES) return 'short';
  if (datagram.length > MAX_DATAGRAM_BYTES) return 'length';
  const end = datagram.length - SIGNATURE_BYTES;
  const signed = datagram.subarray(0, end);
  const refusal = frameRefusal(new ByteReader(signed));
  return refusal ?? { signed, signature: datagram.subarray(end) };
}

/** @param signed of {@link splitSignature}, whose signature has been found right */
export function decodeHeartbeat(signed: Uint8Array): Heartbeat | HeartbeatRefusal {
  if (signed.length < HEADER_BYTES) return 'short';
  const reader = new ByteReader(signed);
  const refusal = frameRefusal(reader);
  if (refusal !== undefined) return refusal;
  const type = typeOf(reader.u8(5));
  if (type === undefined) return 'type';
  const nameBytes = reader.u16be(56);
  const bodyAt = HEADER_BYTES + nameBytes;
  const node = reader.string(HEADER_BYTES, nameBytes);
  if (node.length !== nameBytes || !isNodeName(node)) return 'name';
  const header = readHeader(reader);
  if (header === undefined) return 'field';
  const body = decodeBody(type, new ByteReader(signed.subarray(bodyAt)));
  return body === undefined ? 'body' : { node, ...header, ...body };
}

/** @param reader of all but the signature */
function frameRefusal(reader: ByteReader): HeartbeatRefusal | undefined {
  if (reader.u32be(0) !== MAGIC) return 'magic';
  if (reader.u8(4) !== VERSION) return 'version';
  const bytes = HEADER_BYTES + reader.u16be(56) + reader.u16be(58);
  return bytes === reader.length ? undefined : 'length';
}

function typeOf(number: number): HeartbeatType | undefined {
  const types = Object.keys(TYPES) as HeartbeatType[];
  return types.find((type) => TYPES[type] === number);
}

function isNodeName(name: string): boolean {
  return name.length <= MAX_NAME_BYTES && NODE_NAME.test(name);
}

function readHeader(reader: ByteReader): Omit<HeartbeatHeader, 'node'> | undefined {
  const flags = reader.u16be(6);
  const bootId = reader.u64be(8);
  const sequence = reader.u64be(16);
  const ageMs = Number(reader.u64be(24));
  if (bootId === 0n || sequence === 0n || !Number.isSafeInteger(ageMs)) return undefined;
  return {
    isReady: (flags & READY) !== 0,
    isLeaving: (flags & LEAVING) !== 0,
    isApiServerReachable: (flags & API_SERVER_REACHABLE) !== 0,
    isObserver: (flags & OBSERVER) !== 0,
    bootId,
    sequence,
    ageMs,
    generation: reader.u32be(32),
    configurationHash: reader.u32be(36),
    echo: { bootId: reader.u64be(40), sequence: reader.u64be(48) },
  };
}
