/**
 * What is ours in the tables of one family, whatever else is in them. One save prints all; a table
 * that iptables-nft cannot print is read chain by chain: our own can be listed all the same, and in
 * a built-in chain that cannot be each jump is asked for.
 */
import { type Chains, mapTables, type TableName } from '../dataplane/tables.ts';
import type { Family } from '../net/family.ts';
import { isBuiltInChain } from '../plan/ruleDifference.ts';
import { ExecError } from './errors.ts';
import type { Argv, Runner } from './exec.ts';
import { type IptablesVariant, programName } from './iptablesPrograms.ts';
import {
  type ChainNames,
  incompatibleTables,
  parseTable,
  parseTables,
  type Table,
  type ReadTables,
} from './iptablesText.ts';

export interface TableQuestion {
  readonly run: Runner;
  readonly variant: IptablesVariant;
  readonly family: Family;
  readonly ours: ChainNames;
  /**
   * our jumps, by table and built-in chain: only they can be asked for where a chain cannot be
   * listed
   */
  readonly jumps: (table: TableName) => Chains | undefined;
}

/**
 * @param saved what iptables-save printed
 * @throws ExecError
 */
export async function readTables(saved: string, question: TableQuestion): Promise<ReadTables> {
  const { ours } = question;
  const unprinted = new Map<TableName, Table>();
  for (const table of incompatibleTables(saved)) {
    const names = ours[table];
    if (names !== undefined) unprinted.set(table, await readByChain(table, names, question));
  }
  return mapTables(parseTables(saved, ours), (read, table) => unprinted.get(table) ?? read);
}

async function readByChain(
  table: TableName,
  ours: readonly string[],
  question: TableQuestion,
): Promise<Table> {
  const own = await Promise.all(ours.map((chain) => listChain(table, chain, question)));
  const listed = own.map((text, i) => (text === UNPRINTABLE ? odd(ours[i]!) : text));
  const unlisted: [string, readonly string[]][] = [];
  for (const [chain, rules] of question.jumps(table) ?? []) {
    if (!isBuiltInChain(chain)) continue;
    const text = await listChain(table, chain, question);
    if (text === UNPRINTABLE) unlisted.push([chain, await presentJumps(table, rules, question)]);
    else listed.push(text);
  }
  const { chains, places } = parseTable(listed.join('\n'), ours);
  return { chains: new Map([...chains, ...unlisted]), places };
}

const UNPRINTABLE = Symbol('it holds what iptables cannot print');

/**
 * Ours must not hold such a thing: it counts as a rule that is wrong there. The program says the
 * same of a chain that is missing from such a table, which is wrong as well.
 */
function odd(chain: string): string {
  return `-N ${chain}\n-A ${chain} -m comment --comment "a rule that iptables cannot print"`;
}

/** @returns '' when there is no such chain */
async function listChain(
  table: TableName,
  chain: string,
  { run, variant, family }: TableQuestion,
): Promise<string | typeof UNPRINTABLE> {
  try {
    const { stdout } = await run([programName(family, variant), '-t', table, '-S', chain]);
    return stdout;
  } catch (error) {
    if (!(error instanceof ExecError) || error.exitCode === undefined) throw error;
    if (error.stderr.includes('is incompatible')) return UNPRINTABLE;
    if (/No chain\/target\/match by that name/.test(error.stderr)) return '';
    throw error;
  }
}

/** One process each: there are at most three in a chain. */
async function presentJumps(
  table: TableName,
  jumps: readonly string[],
  { run, variant, family }: TableQuestion,
): Promise<readonly string[]> {
  const isThere = jumps.map(async (jump) => {
    const argv: Argv = [programName(family, variant), '-t', table, ...checkWords(jump)];
    try {
      await run(argv);
      return true;
    } catch (error) {
      if (error instanceof ExecError && isNotThere(error)) return false;
      throw error;
    }
  });
  const answers = await Promise.all(isThere);
  return jumps.filter((_, i) => answers[i]);
}

/** 1 = no such rule; 2 = not even the chain that it would jump to */
function isNotThere({ exitCode, stderr }: ExecError): boolean {
  return exitCode === 1 || (exitCode === 2 && /does not exist|Couldn't load target/.test(stderr));
}

/** `-A INPUT -m comment --comment "a b" -j X` as the arguments of a check. */
export function checkWords(rule: string): string[] {
  const words = rule.match(/"(?:[^"\\]|\\.)*"|\S+/g) ?? [];
  return words.map((word, i) => {
    if (i === 0) return '-C';
    return word.startsWith('"') ? word.slice(1, -1).replaceAll(/\\(.)/g, '$1') : word;
  });
}
