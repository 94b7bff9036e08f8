/**
 * `--help` from a table of flags: groups in the order of FLAG_GROUPS, flags in alphabetic order,
 * lines of 100 columns.
 */
import { FLAG_GROUPS, type Flag, type FlagGroup, type FlagType } from './flag.ts';

const WIDTH = 100;
const INDENT = 10;

const VALUE: Readonly<Record<FlagType, string>> = {
  bool: '',
  string: 'TEXT',
  int: 'N',
  float: 'NUMBER',
  duration: 'DURATION',
  quantity: 'QUANTITY',
  list: 'A,B',
  boolMap: 'NAME=BOOL,…',
  vmodule: 'PATTERN=N,…',
  paths: 'PATH…',
  version: '',
};

/** @returns lines without the newline at the end */
export function flagHelp(table: readonly Flag[]): string {
  const groups = Object.keys(FLAG_GROUPS) as FlagGroup[];
  return groups
    .map((group) => ({ group, flags: table.filter((flag) => flag.group === group) }))
    .filter(({ flags }) => flags.length > 0)
    .map(
      ({ group, flags }) =>
        `${FLAG_GROUPS[group]}:\n${flags.toSorted(byName).map(entry).join('\n')}`,
    )
    .join('\n\n');
}

function byName(a: Flag, b: Flag): number {
  return a.name < b.name ? -1 : 1;
}

function entry(flag: Flag): string {
  const shorthand = flag.shorthand === undefined ? '' : `-${flag.shorthand}, `;
  const value = flag.value ?? VALUE[flag.type];
  const standard = flag.default === undefined ? '' : ` (default ${flag.default})`;
  const deprecated = flag.deprecated === undefined ? '' : ` DEPRECATED: ${flag.deprecated}`;
  const head = `  ${shorthand}--${flag.name}${value === '' ? '' : ` ${value}`}`;
  return `${head}\n${wrap(flag.help + standard + deprecated)}`;
}

function wrap(text: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && INDENT + line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].map((each) => ' '.repeat(INDENT) + each).join('\n');
}
