/** What kube-proxy leaves of its modes iptables and nftables, where it does not run any more. */
import { IPTABLES_MODE_RULES, NFTABLES_MODE_TABLE } from '../names.ts';
import type { RemovedRules } from '../report.ts';
import { isUnknownSubsystem } from '../../kernel/errors.ts';
import type { Look } from '../../kernel/iptablesSurvey.ts';
import { deleteNftTable, listNftTables } from '../../kernel/nftTables.ts';
import { AF_INET, AF_INET6 } from '../../netlink/constants.ts';
import type { NftTable } from '../../netlink/nftables.ts';
import type { Findings } from './findings.ts';
import { findRules, removeRules } from './rules.ts';

/** Of this network namespace; tests look at another. */
export interface NftKernel {
  readonly list: () => Promise<readonly NftTable[]>;
  readonly delete: (table: NftTable) => Promise<void>;
}

export const NFT_KERNEL: NftKernel = { list: () => listNftTables(), delete: deleteNftTable };

const FAMILY_NAMES: ReadonlyMap<number, string> = new Map([
  [AF_INET, 'ip'],
  [AF_INET6, 'ip6'],
]);

/** @returns `ip kube-proxy` of each that went */
export async function removeNftTables(
  nft: NftKernel,
  isDryRun: boolean,
  to: Findings,
): Promise<readonly string[]> {
  const tables = await nft.list().catch((error: unknown) => {
    // A kernel without nf_tables has none.
    if (!isUnknownSubsystem(error)) to.fail('nftables', error);
    return [];
  });
  const removed: string[] = [];
  for (const table of tables) {
    const family = FAMILY_NAMES.get(table.addressFamily);
    if (table.name !== NFTABLES_MODE_TABLE || family === undefined) continue;
    try {
      if (!isDryRun) await nft.delete(table);
      removed.push(`${family} ${table.name}`);
    } catch (error) {
      to.fail(`nftables table ${family} ${table.name}`, error);
    }
  }
  return removed;
}

/** Of mode iptables; what mode ipvs has as well is left alone. */
export async function removeIptablesMode(look: Look, to: Findings): Promise<RemovedRules[]> {
  const nothing = { nat: new Map(), filter: new Map() };
  const question = {
    look,
    meant: IPTABLES_MODE_RULES,
    names: { sets: [], chains: {} },
    jumps: { IPv4: nothing, IPv6: nothing },
  };
  return removeRules(await findRules(question, to), look.run, to);
}
