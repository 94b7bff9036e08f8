/**
 * nf_tables, as far as it tells whether the nft variant of iptables has any tables here and whether
 * anything changed, and as it takes to remove a table whole.
 */
import { putString } from './attributes.ts';
import { type ByteWriter, DecodeError } from '../net/bytes.ts';
import * as c from './constants.ts';
import { beginMessage, endMessage, type MessageCursor, type MessageHead } from './message.ts';
import { beginNetfilter, NETFILTER_HEADER_BYTES } from './netfilter.ts';

export interface NftTable {
  /** AF_INET, AF_INET6, NFPROTO_INET (1), ... */
  readonly addressFamily: number;
  readonly name: string;
}

const subsystem = c.NFNL_SUBSYS_NFTABLES;

/** @param head type set here; flags with NLM_F_DUMP */
export function encodeDumpTables(out: ByteWriter, head: MessageHead): void {
  const kind = { subsystem, type: c.NFT_MSG_GETTABLE, addressFamily: c.AF_UNSPEC };
  endMessage(out, beginNetfilter(out, kind, head));
}

/**
 * Removes a table with all that is in it. Changes of nf_tables come in transactions of several
 * messages, here of one sequence number: the kernel answers the change, and from Linux 6.10 on the
 * end of the transaction too.
 */
export function encodeDeleteTable(
  out: ByteWriter,
  head: MessageHead,
  { addressFamily, name }: NftTable,
): void {
  putBatchBorder(out, c.NFNL_MSG_BATCH_BEGIN, { ...head, flags: c.NLM_F_REQUEST });
  const start = beginNetfilter(out, { subsystem, type: c.NFT_MSG_DELTABLE, addressFamily }, head);
  putString(out, c.NFTA_TABLE_NAME, name);
  endMessage(out, start);
  putBatchBorder(out, c.NFNL_MSG_BATCH_END, head);
}

/** Names no subsystem in its type, but in the header: res_id of struct nfgenmsg. */
function putBatchBorder(out: ByteWriter, type: number, head: MessageHead): void {
  const start = beginMessage(out, { ...head, type });
  out.u8(c.AF_UNSPEC);
  out.u8(c.NFNETLINK_V0);
  out.u16be(subsystem);
  endMessage(out, start);
}

/** @param head type set here */
export function encodeGetGeneration(out: ByteWriter, head: MessageHead): void {
  const kind = { subsystem, type: c.NFT_MSG_GETGEN, addressFamily: c.AF_UNSPEC };
  endMessage(out, beginNetfilter(out, kind, head));
}

/** @returns another number after each change of any table of the namespace */
export function decodeGeneration(message: MessageCursor): number {
  const attributes = message.attributes(NETFILTER_HEADER_BYTES);
  while (attributes.next()) if (attributes.type === c.NFTA_GEN_ID) return attributes.u32be();
  throw new DecodeError('nftables generation without a number');
}

/** What the kernel lists; tests play the kernel with it. */
export function encodeTable(
  out: ByteWriter,
  head: MessageHead,
  { addressFamily, name }: NftTable,
): void {
  const start = beginNetfilter(out, { subsystem, type: c.NFT_MSG_NEWTABLE, addressFamily }, head);
  putString(out, c.NFTA_TABLE_NAME, name);
  endMessage(out, start);
}

export function decodeTable(message: MessageCursor): NftTable {
  const addressFamily = message.reader.u8(message.start);
  const attributes = message.attributes(NETFILTER_HEADER_BYTES);
  while (attributes.next()) {
    if (attributes.type === c.NFTA_TABLE_NAME) return { addressFamily, name: attributes.string() };
  }
  throw new DecodeError('nftables table without a name');
}
