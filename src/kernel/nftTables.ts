/**
 * The nf_tables tables of this network namespace, by family and name: who uses nftables here, and
 * the removal of one, without the program `nft`, which few nodes and no image of ours have.
 */
import { constants } from 'node:os';
import { NETLINK_NETFILTER } from '../netlink/constants.ts';
import {
  decodeGeneration,
  decodeTable,
  encodeDeleteTable,
  encodeDumpTables,
  encodeGetGeneration,
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

/**
 * Another number after each change of any table.
 *
 * @throws KernelError; see isUnknownSubsystem for a kernel without nf_tables
 */
export async function nftGeneration(open: OpenSocket = openSocket): Promise<number> {
  const socket = new NetlinkSocket({ protocol: NETLINK_NETFILTER }, open);
  try {
    const request = { encode: encodeGetGeneration };
    return await socket.get('read the generation of nftables', request, decodeGeneration);
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
