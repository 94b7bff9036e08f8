/**
 * The text form in which iptables-save (and `iptables -S`) prints rules and iptables-restore takes
 * them, line by line: what a line says, and what is to be made of it, is the reader's.
 */
import type { TableName } from './tables.ts';

export type SavedLine =
  /** of whatever follows, until the next; perhaps none that we know */
  | { readonly kind: 'table'; readonly table: string }
  | { readonly kind: 'chain'; readonly chain: string }
  /** whole, as it is printed */
  | { readonly kind: 'rule'; readonly chain: string; readonly rule: string };

/** @returns in the order of the text; comments and COMMIT are left out */
export function* savedLines(text: string): Generator<SavedLine> {
  for (const line of text.split('\n')) {
    const [, mark, name = ''] = LINE.exec(line) ?? [];
    if (mark === '-A ') yield { kind: 'rule', chain: name, rule: line.trimEnd() };
    else if (mark === '*') yield { kind: 'table', table: name };
    else if (mark !== undefined) yield { kind: 'chain', chain: name };
  }
}

const LINE = /^(\*|:|-N |-A )(\S+)/;

/** Input of iptables-restore: all of it is done, or nothing. */
export function transaction(table: TableName, lines: readonly string[]): string {
  return [`*${table}`, ...lines, 'COMMIT', ''].join('\n');
}
