/**
 * What was last written to each table, and how it read back. A rule that an iptables prints in
 * other words than it was given looks missing for ever: what reads back different in the same way
 * after two writes is taken for what was written, and told. After one it may be that somebody
 * changed it meanwhile: a firewall that is restarted flushes everybody's rules.
 */
import type { Chains, TableName } from '../dataplane/tables.ts';
import { type Part, rulesPart } from '../dataplane/part.ts';
import type { Family } from '../net/family.ts';
import { differingChain } from '../plan/ruleDifference.ts';

interface Written {
  readonly chains: Chains;
  /** what it looked like after each of two writes; undefined: as written, or not known */
  readonly shown?: Chains;
  /** what it looked like after one */
  readonly shownOnce?: Chains;
}

export interface TableWrite {
  readonly family: Family;
  readonly table: TableName;
  readonly chains: Chains;
}

export class RuleMemory {
  readonly #written = new Map<Part, Written>();

  wrote({ chains, ...where }: TableWrite): void {
    const before = this.#written.get(partOf(where));
    const shownOnce = before && isSame(before.chains, chains) ? before.shownOnce : undefined;
    this.#written.set(partOf(where), { chains, ...(shownOnce && { shownOnce }) });
  }

  lastWritten(family: Family, table: TableName): Chains | undefined {
    return this.#written.get(partOf({ family, table }))?.chains;
  }

  /** @param shown what the table holds of ours right after the write */
  readBack({ chains, ...where }: TableWrite, shown: Chains): void {
    const part = partOf(where);
    const { shownOnce } = this.#written.get(part) ?? {};
    if (differingChain(chains, shown) === undefined) this.#written.set(part, { chains });
    else if (shownOnce === undefined || !isSame(shownOnce, shown))
      this.#written.set(part, { chains, shownOnce: shown });
    else this.#written.set(part, { chains, shown });
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
