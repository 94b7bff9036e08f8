/**
 * In which variants of iptables this network namespace has any tables, without starting a process
 * for each variant and family to hear that there are none: processes are what start-up time is made
 * of. Where that cannot be told the programs are asked.
 */
import { readFile } from 'node:fs/promises';
import { FAMILIES, type Family } from '../net/family.ts';
import { AF_INET, AF_INET6 } from '../netlink/constants.ts';
import type { NftTable } from '../netlink/nftables.ts';
import { type OpenSocket, openSocket } from './addon.ts';
import { hasCode, isUnknownSubsystem } from './errors.ts';
import type { IptablesVariant } from './iptablesPrograms.ts';
import { listNftTables } from './nftTables.ts';

/**
 * @returns the families whose tables may hold rules; undefined when the kernel cannot do this
 * variant at all
 */
export type TablesInUse = (variant: IptablesVariant) => Promise<readonly Family[] | undefined>;

/** For namespaces that this process is not in. */
export const askPrograms: TablesInUse = async () => FAMILIES;

export const tablesInUse: TablesInUse = async (variant) => {
  if (variant === 'legacy') return legacyFamilies('/proc/net');
  return variant === 'nft' ? nftFamilies() : FAMILIES;
};

const LEGACY_NAMES: Readonly<Record<Family, string>> = {
  IPv4: 'ip_tables_names',
  IPv6: 'ip6_tables_names',
};

/**
 * @param procNet `/proc/net`, another folder in tests. A missing file is a module that nobody has
 * needed yet.
 * @returns names of tables; undefined when that cannot be told
 */
export async function legacyTables(
  procNet: string,
  family: Family,
): Promise<readonly string[] | undefined> {
  try {
    const text = await readFile(`${procNet}/${LEGACY_NAMES[family]}`, 'utf8');
    return text.split('\n').filter((name) => name !== '');
  } catch (error) {
    return hasCode(error, 'ENOENT') ? [] : undefined;
  }
}

/** @param procNet see {@link legacyTables} */
export async function legacyFamilies(procNet: string): Promise<readonly Family[]> {
  const tables = await Promise.all(FAMILIES.map((family) => legacyTables(procNet, family)));
  return FAMILIES.filter((_, i) => tables[i]?.length !== 0);
}

/**
 * Tables of these names in the families ip and ip6 are those of iptables-nft; all others are nft's
 * own.
 */
const IPTABLES_TABLES = new Set(['filter', 'nat', 'mangle', 'raw', 'security']);
const NFT_FAMILY: Readonly<Record<Family, number>> = { IPv4: AF_INET, IPv6: AF_INET6 };

export async function nftFamilies(
  open: OpenSocket = openSocket,
): Promise<readonly Family[] | undefined> {
  try {
    const tables = await listNftTables(open);
    return FAMILIES.filter((family) => tables.some((table) => isOfIptables(table, family)));
  } catch (error) {
    return isUnknownSubsystem(error) ? undefined : FAMILIES;
  }
}

function isOfIptables({ addressFamily, name }: NftTable, family: Family): boolean {
  return addressFamily === NFT_FAMILY[family] && IPTABLES_TABLES.has(name);
}
