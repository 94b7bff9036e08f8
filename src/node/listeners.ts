/**
 * Whose a listening TCP port is. A container in the node's network sees the sockets of all
 * processes with their users, though not the processes: enough to tell a proxy, which needs root,
 * from any program that has taken its port.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { HostPort } from '../net/hostPort.ts';
import { type Address, addressFromBytes, isUnspecified } from '../net/address.ts';
import { IS_LITTLE_ENDIAN } from '../net/bytes.ts';

export interface Listener {
  readonly address: Address;
  readonly port: number;
  /** as this process's user namespace counts */
  readonly user: number;
}

/** TCP_LISTEN of include/net/tcp_states.h */
const LISTEN = '0A';

/**
 * @param procfs `/proc`, another folder in tests. What cannot be read or understood is left out.
 */
export async function readListeners(procfs: string): Promise<readonly Listener[]> {
  const tables = ['tcp', 'tcp6'].map((name) =>
    readFile(path.join(procfs, 'net', name), 'utf8').catch(() => ''),
  );
  return (await Promise.all(tables)).flatMap((text) => text.split('\n').flatMap(listenerIn));
}

/**
 * `0: 0100007F:2809 00000000:0000 0A 00000000:00000000 00:00000000 00000000 1000 …`: local, remote,
 * state, …, user.
 */
function listenerIn(line: string): readonly Listener[] {
  const fields = /^ *\d+: ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) \S+ (\S\S)(?: +\S+){3} +(\d+) /;
  const [, address, port, state, user] = fields.exec(line) ?? [];
  if (address === undefined || state !== LISTEN) return [];
  return [{ address: addressOf(address), port: Number.parseInt(port!, 16), user: Number(user) }];
}

/** Words of four bytes, each printed as a number of this machine. */
function addressOf(hex: string): Address {
  const bytes = Buffer.from(hex, 'hex');
  if (IS_LITTLE_ENDIAN) bytes.swap32();
  const isMapped = bytes.length === 16 && bytes.subarray(0, 12).toString('hex') === MAPPED_PREFIX;
  return addressFromBytes(isMapped ? bytes.subarray(12) : bytes);
}

const MAPPED_PREFIX = '00000000000000000000ffff';

/**
 * Who would accept a connection to this place: sockets of the very address before those of all
 * addresses.
 *
 * @returns users, empty when that cannot be told
 */
export function usersAt(listeners: readonly Listener[], { address, port }: HostPort): number[] {
  const atPort = listeners.filter((each) => each.port === port);
  const exact = atPort.filter((each) => each.address === address);
  const any = atPort.filter((each) => isUnspecified(each.address));
  return (exact.length > 0 ? exact : any).map(({ user }) => user);
}
