/**
 * Whether any rule of this network namespace may have changed, in whatever variant of iptables,
 * without a process: the programs take tens of milliseconds, and with thousands of rules of others
 * much more, at each audit.
 */
import { createHash } from 'node:crypto';
import { FAMILIES, type Family } from '../net/family.ts';
import {
  AF_INET,
  AF_INET6,
  IPT_SO_GET_ENTRIES,
  IPT_SO_GET_INFO,
  SOL_IP,
  SOL_IPV6,
} from '../netlink/constants.ts';
import {
  decodeInfoSize,
  encodeEntriesRequest,
  encodeInfoRequest,
  entriesWithoutCounters,
  INFO_BYTES,
} from '../netlink/xtables.ts';
import { type OpenSocket, openSocket, type ReadOption, readOption } from './addon.ts';
import { isUnknownSubsystem } from './errors.ts';
import { nftGeneration } from './nftTables.ts';
import { legacyTables } from './tablesInUse.ts';

/** @returns the same text only as long as no rule changes; undefined when that cannot be told */
export type RuleStamp = () => Promise<string | undefined>;

interface Kernel {
  readonly open: OpenSocket;
  readonly readOption: ReadOption;
  /** `/proc/net` */
  readonly procNet: string;
}

const THIS_KERNEL: Kernel = { open: openSocket, readOption, procNet: '/proc/net' };

/** @param kernel played by tests */
export async function ruleStamp(kernel: Kernel = THIS_KERNEL): Promise<string | undefined> {
  try {
    const legacy = FAMILIES.map((family) => legacyStamp(family, kernel));
    const stamps = await Promise.all([nftStamp(kernel), ...legacy]);
    return stamps.includes(undefined) ? undefined : stamps.join(' ');
  } catch {
    // Another kernel, or rules changed between two questions: the programs know better.
    return undefined;
  }
}

/** One transaction, one generation: of all families and tables, nft's own too. */
async function nftStamp({ open }: Kernel): Promise<string> {
  try {
    return `nft=${await nftGeneration(open)}`;
  } catch (error) {
    if (isUnknownSubsystem(error)) return 'nft=none';
    throw error;
  }
}

const SOCKET: Readonly<Record<Family, { readonly domain: number; readonly level: number }>> = {
  IPv4: { domain: AF_INET, level: SOL_IP },
  IPv6: { domain: AF_INET6, level: SOL_IPV6 },
};

async function legacyStamp(family: Family, kernel: Kernel): Promise<string | undefined> {
  const tables = await legacyTables(kernel.procNet, family);
  if (tables === undefined) return undefined;
  const hash = createHash('sha256');
  for (const table of tables.toSorted()) {
    const ask = (name: number, request: Uint8Array, bytes: number) =>
      kernel.readOption({ ...SOCKET[family], name }, request, bytes);
    const size = decodeInfoSize(ask(IPT_SO_GET_INFO, encodeInfoRequest(table), INFO_BYTES));
    const { request, answerBytes } = encodeEntriesRequest(table, size);
    const answer = ask(IPT_SO_GET_ENTRIES, request, answerBytes);
    hash.update(`${table} ${size} `).update(entriesWithoutCounters(answer, family));
  }
  return `${family}=${tables.length} ${hash.digest('base64')}`;
}
