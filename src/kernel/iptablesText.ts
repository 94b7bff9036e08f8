/**
 * The text of iptables-save and iptables-restore, reduced to what is ours: chains by name, and in the built-in chains the rules
 * that jump to them. Rules stay whole as the tool prints them; nothing else of a table is read or written.
 */
import type { Chains, TableName } from '../desired/state.ts';
import { isBuiltInChain, missingJumps } from '../plan/ruleDifference.ts';

/** Names of the chains that are ours, by table. */
export type ChainNames = Readonly<Record<TableName, readonly string[]>>;

export type Tables = Readonly<Record<TableName, Chains>>;

/** @param text output of iptables-save for one family, one table or all */
export function parseTables(text: string, ours: ChainNames): Tables {
  const tables = {
    nat: new Map<string, string[]>(),
    filter: new Map<string, string[]>(),
  };
  let table: TableName | undefined;
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) table = tableOf(line.slice(1).trim());
    else if (table !== undefined) readLine(line, tables[table], ours[table]);
  }
  return tables;
}

function tableOf(name: string): TableName | undefined {
  return name === 'nat' || name === 'filter' ? name : undefined;
}

function readLine(line: string, chains: Map<string, string[]>, ours: readonly string[]): void {
  const declared = /^:(\S+) /.exec(line)?.[1];
  if (declared !== undefined) {
    if (ours.includes(declared)) chains.set(declared, []);
    return;
  }
  const chain = /^-A (\S+)/.exec(line)?.[1];
  if (chain === undefined) return;
  const isJump = isBuiltInChain(chain) && ours.includes(targetOf(line) ?? '');
  if (!isJump && !ours.includes(chain)) return;
  const rules = chains.get(chain) ?? [];
  rules.push(line.trimEnd());
  chains.set(chain, rules);
}

/** Chain that a rule jumps or goes to; comments cannot be taken for it, for they are quoted before. */
export function targetOf(rule: string): string | undefined {
  return /(?:^| )(?:-j|-g) (\S+)/.exec(rule.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""'))?.[1];
}

/**
 * One transaction that makes our chains hold exactly these rules. A declared chain is emptied by it, a built-in one must not be
 * declared; jumps that are missing go to the head, the first on top.
 *
 * @param present what the table holds now
 */
export function restoreInput(table: TableName, chains: Chains, present: Chains): string {
  const own = [...chains].filter(([chain]) => !isBuiltInChain(chain));
  const jumps = [...chains]
    .filter(([chain]) => isBuiltInChain(chain))
    .flatMap(([chain, rules]) => missingJumps(rules, present.get(chain)).toReversed());
  return transaction(table, [
    ...own.map(([chain]) => `:${chain} - [0:0]`),
    ...own.flatMap(([, rules]) => rules),
    ...jumps.map((jump) => jump.replace(/^-A (\S+)/, '-I $1 1')),
  ]);
}

/** Removes our jumps, then our chains. @returns undefined when there is nothing of ours */
export function removalInput(table: TableName, present: Chains): string | undefined {
  const own = [...present.keys()].filter((chain) => !isBuiltInChain(chain));
  const jumps = [...present]
    .filter(([chain]) => isBuiltInChain(chain))
    .flatMap(([, rules]) => rules);
  if (own.length === 0 && jumps.length === 0) return undefined;
  return transaction(table, [
    ...own.map((chain) => `:${chain} - [0:0]`),
    ...jumps.map((jump) => jump.replace(/^-A /, '-D ')),
    ...own.map((chain) => `-X ${chain}`),
  ]);
}

function transaction(table: TableName, lines: readonly string[]): string {
  return ['*' + table, ...lines, 'COMMIT', ''].join('\n');
}
