/**
 * The nf_tables tables of this network namespace, by family and name: who uses nftables here, and
 * the removal of one, without the program `nft`, which few nodes and no image of ours have.
 */
import { constants } from 'node:os';
import { NETLINK_NETFILTER } from '../netlink/constants.ts';
import {
  decodeTable,
  encodeDeleteTable,
  encodeDumpTables,
  type NftTable,
} from '../netlink/nftables.ts';
import { type OpenSocket, openSocket } from './addon.ts';
import { KernelError } from './errors.ts';
import type { NamespaceOptions } from './genlFamily.ts';
import { NetlinkSocket } from './netlinkSocket.ts';

/** @throws KernelError; see isUnknownSubsystem for a kernel without nf_tables */
export async function listNftTables(
  open: OpenSocket = openSocket,
  namespace: NamespaceOptions = {},
): Promise<readonly NftTable[]> {
  const socket = new NetlinkSocket({ ...namespace, protocol: NETLINK_NETFILTER }, open);
  try {
    const request = { encode: encodeDumpTables };
    const [tables = []] = await socket.dump('list nftables', [request], decodeTable);
    return tables;
  } finally {
    socket.close();
  }
}

/** With all that is in it; success when there is none. @throws KernelError */
export async function deleteNftTable(
  table: NftTable,
  open: OpenSocket = openSocket,
  namespace: NamespaceOptions = {},
): Promise<void> {
  const socket = new NetlinkSocket({ ...namespace, protocol: NETLINK_NETFILTER }, open);
  try {
    const [outcome] = await socket.execute([
      { encode: (out, head) => encodeDeleteTable(out, head, table) },
    ]);
    const { errno, extack } = outcome!;
    if (errno === 0 || errno === constants.errno.ENOENT) return;
    throw new KernelError({ op: `delete nftables table ${table.name}`, errno, extack });
  } finally {
    socket.close();
  }
}
