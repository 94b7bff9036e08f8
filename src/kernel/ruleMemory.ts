/**
 * What was last written to each table, and how it read back. A rule that an iptables prints in
 * other words than it was given looks missing for ever: what reads back different right after it
 * was written is taken for what was written, and told.
 */
import type { Chains, TableName } from '../dataplane/tables.ts';
import { type Part, rulesPart } from '../dataplane/part.ts';
import type { Family } from '../net/family.ts';
import { differingChain } from '../plan/ruleDifference.ts';

interface Written {
  readonly chains: Chains;
  /** what it looked like afterwards; undefined: like what was written, or not looked at */
  readonly shown?: Chains;
}

export interface TableWrite {
  readonly family: Family;
  readonly table: TableName;
  readonly chains: Chains;
}

export class RuleMemory {
  readonly #written = new Map<Part, Written>();

  wrote(write: TableWrite): void {
    this.#written.set(partOf(write), { chains: write.chains });
  }

  lastWritten(family: Family, table: TableName): Chains | undefined {
    return this.#written.get(partOf({ family, table }))?.chains;
  }

  /** @param shown what the table holds of ours right after the write */
  readBack({ chains, ...where }: TableWrite, shown: Chains): void {
    const isAsWritten = differingChain(chains, shown) === undefined;
    this.#written.set(partOf(where), isAsWritten ? { chains } : { chains, shown });
  }

  /**
   * @param read what the table holds of ours now
   * @returns what that means; with a doubt where it still looks as after a write and not as it was
   * written
   */
  understood(
    family: Family,
    table: TableName,
    read: Chains,
  ): { readonly chains: Chains; readonly doubt?: Error } {
    const part = partOf({ family, table });
    const { chains, shown } = this.#written.get(part) ?? {};
    if (chains === undefined || shown === undefined) return { chains: read };
    if (!isSame(shown, read)) {
      // Somebody changed it: that is worth another try.
      this.#written.set(part, { chains });
      return { chains: read };
    }
    return { chains, doubt: doubtAbout(chains, shown) };
  }
}

function partOf({ family, table }: Pick<TableWrite, 'family' | 'table'>): Part {
  return rulesPart(family, table);
}

function isSame(one: Chains, other: Chains): boolean {
  return JSON.stringify([...one]) === JSON.stringify([...other]);
}

function doubtAbout(chains: Chains, shown: Chains): Error {
  const chain = differingChain(chains, shown)!;
  const there = shown.get(chain) ?? [];
  const wanted = chains.get(chain)!.find((rule) => !there.includes(rule));
  const text =
    wanted === undefined
      ? `${chain} reads back with other rules than were written`
      : `written, but not found when read back: ${wanted}`;
  return new Error(
    `${text}; it is not written again until the table changes: compare it with iptables-save`,
  );
}
