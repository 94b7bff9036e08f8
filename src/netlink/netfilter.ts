/**
 * The frame of NETLINK_NETFILTER messages: their type names the subsystem, and struct nfgenmsg
 * stands in front of the attributes.
 */
import type { ByteWriter } from '../net/bytes.ts';
import * as c from './constants.ts';
import { beginMessage, type MessageHead } from './message.ts';

/** struct nfgenmsg */
export const NETFILTER_HEADER_BYTES = 4;

export interface NetfilterKind {
  /** NFNL_SUBSYS_... */
  readonly subsystem: number;
  readonly type: number;
  /** AF_UNSPEC for all of them */
  readonly addressFamily: number;
}

/** @returns what endMessage takes */
export function beginNetfilter(
  out: ByteWriter,
  { subsystem, type, addressFamily }: NetfilterKind,
  { flags, sequence }: MessageHead,
): number {
  const start = beginMessage(out, { type: (subsystem << 8) | type, flags, sequence });
  out.u8(addressFamily);
  out.u8(c.NFNETLINK_V0);
  out.u16be(0);
  return start;
}
