/**
 * The text of iptables-save and iptables-restore, reduced to what is ours: chains by name, and in
 * the built-in chains the rules that jump to them. Rules stay whole as the tool prints them;
 * nothing else of a table is read or written.
 */
import { type SavedLine, savedLines, transaction } from '../dataplane/savedRules.ts';
import {
  type Chains,
  mapTables,
  type TableName,
  TABLES,
  type Tables,
} from '../dataplane/tables.ts';
import { isBuiltInChain, jumpRepair, targetOf } from '../plan/ruleDifference.ts';

/** Names of the chains that are ours, by table. */
export type ChainNames = Tables<readonly string[]>;

/** What is ours in a table. */
export interface Table {
  readonly chains: Chains;
  /**
   * where our jumps stand in their built-in chain, from 1 on, one each; a chain may be missing: not
   * known
   */
  readonly places: ReadonlyMap<string, readonly number[]>;
}

export type ReadTables = Tables<Table>;

/** @param text output of iptables-save for one family, one table or all */
export function parseTables(text: string, ours: ChainNames): ReadTables {
  const tables = mapTables(ours, (names) => new TableReader(names));
  let table: TableReader | undefined;
  for (const line of savedLines(text)) {
    if (line.kind === 'table') table = tables[line.table as TableName];
    else table?.take(line);
  }
  return tables;
}

/** @param text what `iptables -S CHAIN` prints, or several of them */
export function parseTable(text: string, ours: readonly string[]): Table {
  const reader = new TableReader(ours);
  for (const line of savedLines(text)) if (line.kind !== 'table') reader.take(line);
  return reader;
}

/**
 * Tables that iptables-nft says it cannot print, because somebody put something into them with
 * `nft` that has no iptables form. It leaves them out and ends with success: they are not empty.
 */
export function incompatibleTables(text: string): readonly TableName[] {
  const found = [...text.matchAll(INCOMPATIBLE)];
  return [...new Set(found.map(([, name]) => name as TableName))];
}

const INCOMPATIBLE = new RegExp(`table [\`'"]?(${TABLES.join('|')})['"]? is incompatible`, 'gi');

class TableReader implements Table {
  readonly chains = new Map<string, string[]>();
  readonly places = new Map<string, number[]>();
  readonly #ours: ReadonlySet<string>;
  /** rules of each built-in chain so far */
  readonly #counts = new Map<string, number>();

  constructor(ours: readonly string[]) {
    this.#ours = new Set(ours);
  }

  take(line: Exclude<SavedLine, { kind: 'table' }>): void {
    const { chain } = line;
    if (line.kind === 'chain') {
      if (this.#ours.has(chain)) this.chains.set(chain, []);
      return;
    }
    const place = (this.#counts.get(chain) ?? 0) + 1;
    this.#counts.set(chain, place);
    const isJump = isBuiltInChain(chain) && this.#ours.has(targetOf(line.rule) ?? '');
    if (isJump) append(this.places, chain, place);
    if (isJump || this.#ours.has(chain)) append(this.chains, chain, line.rule);
  }
}

function append<T>(lists: Map<string, T[]>, key: string, item: T): void {
  const list = lists.get(key) ?? [];
  list.push(item);
  lists.set(key, list);
}

/**
 * One transaction that makes our chains hold exactly these rules, and each of our jumps stand once.
 * A declared chain is emptied by it, a built-in one must not be declared. Jumps that are missing go
 * to the head, the first on top; of one that stands several times the first place is kept: rules of
 * others before it stay before it.
 *
 * @param present what the table holds now
 */
export function restoreInput(table: TableName, chains: Chains, present: Table): string {
  const own = [...chains].filter(([chain]) => !isBuiltInChain(chain));
  const builtIn = [...chains].filter(([chain]) => isBuiltInChain(chain));
  return transaction(table, [
    ...own.map(([chain]) => `:${chain} - [0:0]`),
    ...own.flatMap(([, rules]) => rules),
    ...builtIn.flatMap(([chain, jumps]) => jumpLines(chain, jumps, present)),
  ]);
}

function jumpLines(chain: string, desired: readonly string[], table: Table): string[] {
  const present = table.chains.get(chain) ?? [];
  const { missing, doubled } = jumpRepair(desired, present);
  const placeOf = (at: number) => table.places.get(chain)?.[at] ?? 1;
  const removed = doubled.flatMap(({ copies }) => copies);
  const byPlace = doubled.toSorted((one, other) => one.copies[0]! - other.copies[0]!);
  // Those before it that went, less those that were put back already.
  const placeAfter = (first: number, put: number) =>
    placeOf(first) - removed.filter((at) => placeOf(at) < placeOf(first)).length + put;
  return [
    ...removed.map((at) => present[at]!.replace(/^-A /, '-D ')),
    ...byPlace.map(({ jump, copies }, put) => insertion(jump, placeAfter(copies[0]!, put))),
    ...missing.toReversed().map((jump) => insertion(jump, 1)),
  ];
}

function insertion(jump: string, place: number): string {
  return jump.replace(/^-A (\S+)/, `-I $1 ${place}`);
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

/** Of what is present these chains, and the jumps to them. */
export function only(names: readonly string[], present: Chains): Chains {
  const wanted = new Set(names);
  const found = [...present].map(([chain, rules]) => {
    const jumps = rules.filter((rule) => wanted.has(targetOf(rule) ?? ''));
    return [chain, isBuiltInChain(chain) ? jumps : rules] as const;
  });
  return new Map(
    found.filter(
      ([chain, rules]) => wanted.has(chain) || (isBuiltInChain(chain) && rules.length > 0),
    ),
  );
}
