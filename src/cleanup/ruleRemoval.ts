/**
 * What of iptables-save's text is to go, as the input for iptables-restore: chains of certain
 * names, and the jumps that a proxy has put into the built-in chains. A rule of anybody else stays
 * as it is, and so does a chain that one leads to, with all that it leads to in its turn.
 */
import { savedLines, transaction } from '../dataplane/savedRules.ts';
import { TABLES, type TableName } from '../dataplane/tables.ts';
import { isBuiltInChain, targetOf } from '../plan/ruleDifference.ts';
import type { MeantRules } from './names.ts';

/** Of one table. */
export interface RuleRemoval {
  readonly table: TableName;
  readonly chains: readonly string[];
  /** rules as they are printed */
  readonly jumps: readonly string[];
  readonly kept: readonly KeptChain[];
  /** of iptables-restore; '' when nothing goes */
  readonly input: string;
}

export interface KeptChain {
  readonly chain: string;
  /** the chain that leads to it */
  readonly referrer: string;
}

/** @param saved one family's, one table or all; @returns those in which there is anything */
export function ruleRemovals(saved: string, meant: MeantRules): readonly RuleRemoval[] {
  return parse(saved)
    .map((table) => removalOf(table, meant))
    .filter(({ chains, jumps, kept }) => chains.length + jumps.length + kept.length > 0);
}

interface SavedTable {
  readonly name: TableName;
  /** in the order of the text, rules whole */
  readonly chains: Map<string, string[]>;
}

function parse(saved: string): SavedTable[] {
  const tables: SavedTable[] = [];
  let current: SavedTable | undefined;
  for (const line of savedLines(saved)) {
    if (line.kind === 'table') {
      const name = TABLES.find((each) => each === line.table);
      current = name === undefined ? undefined : { name, chains: new Map() };
      if (current !== undefined) tables.push(current);
    } else if (current !== undefined) {
      const rules = current.chains.get(line.chain) ?? [];
      current.chains.set(line.chain, rules);
      if (line.kind === 'rule') rules.push(line.rule);
    }
  }
  return tables;
}

function removalOf(
  { name, chains }: SavedTable,
  { chain: isMeant, jump }: MeantRules,
): RuleRemoval {
  const candidates = new Set(
    [...chains.keys()].filter((chain) => !isBuiltInChain(chain) && isMeant(name, chain)),
  );
  const jumps: string[] = [];
  const kept = new Map<string, string>();
  for (const [chain, rules] of chains) {
    if (candidates.has(chain)) continue;
    for (const rule of rules) {
      const target = targetOf(rule) ?? '';
      const comment = isBuiltInChain(chain) ? proxyComment(rule) : undefined;
      const isJump = comment !== undefined && (candidates.has(target) || jump(comment));
      if (isJump) jumps.push(rule);
      else if (candidates.has(target)) kept.set(target, chain);
    }
  }
  // A map takes what is added while it is walked.
  for (const [chain] of kept) {
    for (const rule of chains.get(chain)!) {
      const target = targetOf(rule) ?? '';
      if (candidates.has(target) && !kept.has(target)) kept.set(target, chain);
    }
  }
  const gone = [...candidates].filter((chain) => !kept.has(chain));
  return {
    table: name,
    chains: gone,
    jumps,
    kept: [...kept].map(([chain, referrer]) => ({ chain, referrer })),
    input: inputFor(name, gone, jumps),
  };
}

/**
 * kube-proxy and we say in a comment what a jump is for, and ask for nothing more than a new
 * connection; a rule that asks for anything else is somebody's own.
 *
 * @returns the comment of such a jump
 */
function proxyComment(rule: string): string | undefined {
  const found = / -m comment --comment (?:"((?:kubernetes|kube-proxy) [^"]*)"|\S+)/.exec(rule);
  if (found?.[1] === undefined) return undefined;
  const rest = rule.replace(found[0], '').replace(/ -m conntrack --ctstate NEW(?= )/, '');
  return /^-A \S+ -j \S+$/.test(rest) ? found[1] : undefined;
}

function inputFor(table: TableName, chains: readonly string[], jumps: readonly string[]): string {
  if (chains.length + jumps.length === 0) return '';
  return transaction(table, [
    ...chains.map((chain) => `:${chain} - [0:0]`),
    ...jumps.map((jump) => jump.replace(/^-A /, '-D ')),
    ...chains.map((chain) => `-X ${chain}`),
  ]);
}
