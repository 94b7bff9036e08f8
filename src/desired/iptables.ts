/**
 * The whole rule set of a host, all tables and families: what the contributors put into the slots,
 * and their chains. It does not depend on Services: iptables runs at start, when a contributor has
 * other rules, and when the audit finds damage.
 */
import type { DataplaneOptions } from '../dataplane/options.ts';
import type { DesiredState } from '../dataplane/state.ts';
import { TABLES, type TableName, type Tables } from '../dataplane/tables.ts';
import type { HostNetwork } from '../model/host.ts';
import type { Family } from '../net/family.ts';
import type { ContributedRules, Contributor } from './contributor.ts';
import { RULE_SLOTS, type RuleSlot } from './ruleSlots.ts';
import { jumpRule } from './ruleText.ts';

/** @returns both families; one that the host cannot program has empty tables */
export function desiredIptables(
  contributors: readonly Pick<Contributor, 'rules'>[],
  options: DataplaneOptions,
  host: Pick<HostNetwork, 'families' | 'hasRandomFully'>,
): DesiredState['iptables'] {
  const tables = (family: Family): Tables => {
    if (!host.families.includes(family)) return tablesOf([]);
    const rules = contributors.map((each) => each.rules?.(family, options, host));
    return tablesOf(rules.filter((each) => each !== undefined));
  };
  return { IPv4: tables('IPv4'), IPv6: tables('IPv6') };
}

/** Built-in chains first, then the contributors' own. */
function tablesOf(contributed: readonly ContributedRules[]): Tables {
  const tables: Partial<Record<TableName, Map<string, readonly string[]>>> = {};
  const of = (table: TableName) => (tables[table] ??= new Map<string, readonly string[]>());
  for (const slot of Object.keys(RULE_SLOTS) as RuleSlot[]) {
    const { table, chain } = RULE_SLOTS[slot];
    const jumps = contributed.flatMap(({ jumps: all }) => all.filter((jump) => jump.slot === slot));
    if (jumps.length === 0) continue;
    const rules = jumps.map(({ comment, to }) => jumpRule(chain, comment, to));
    of(table).set(chain, [...(of(table).get(chain) ?? []), ...rules]);
  }
  for (const { chains } of contributed) {
    for (const table of TABLES) {
      for (const [chain, rules] of chains[table] ?? []) of(table).set(chain, rules);
    }
  }
  const { nat = new Map(), filter = new Map(), ...others } = tables;
  return { ...others, nat, filter };
}
