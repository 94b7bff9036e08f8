/**
 * The nf_tables tables of this network namespace, by family and name: who uses nftables here,
 * without starting a program.
 */
import { NETLINK_NETFILTER } from '../netlink/constants.ts';
import { decodeTable, encodeDumpTables, type NftTable } from '../netlink/nftables.ts';
import { type OpenSocket, openSocket } from './addon.ts';
import { NetlinkSocket } from './netlinkSocket.ts';

/** @throws KernelError; see isUnknownSubsystem for a kernel without nf_tables */
export async function listNftTables(open: OpenSocket = openSocket): Promise<readonly NftTable[]> {
  const socket = new NetlinkSocket({ protocol: NETLINK_NETFILTER }, open);
  try {
    const request = { encode: encodeDumpTables };
    const [tables = []] = await socket.dump('list nftables', [request], decodeTable);
    return tables;
  } finally {
    socket.close();
  }
}
