/**
 * All flags of a command line as pflag prints them, given or not (but those that are gone): what
 * the `FLAG:` lines of the log and `/flagz` show. What a configuration file says is not in it, as
 * in kube-proxy.
 */
import type { Flag, FlagType } from './flag.ts';
import { RUN_FLAGS } from './flags.ts';
import type { FlagValue, FlagValues, VmodulePattern } from './parseFlags.ts';

/** Where the table names no default. */
const ZERO: Readonly<Record<FlagType, string>> = {
  bool: 'false',
  string: '',
  int: '0',
  float: '0',
  duration: '0s',
  quantity: '0',
  list: '[]',
  boolMap: '',
  vmodule: '',
  paths: '[]',
  version: 'false',
};

/** By name, in alphabetic order. */
export function flagTexts(
  values: FlagValues,
  table: readonly Flag[] = RUN_FLAGS,
): ReadonlyMap<string, string> {
  const isThere = ({ name, isGone }: Flag) => isGone !== true || values.has(name);
  const names = table
    .filter(isThere)
    .map(({ name }) => name)
    .toSorted();
  const byName = new Map(table.map((flag) => [flag.name, flag]));
  return new Map(names.map((name) => [name, flagText(byName.get(name)!, values.get(name))]));
}

function flagText({ type, default: standard }: Flag, value: FlagValue | undefined): string {
  if (value === undefined) return standard ?? ZERO[type];
  if (typeof value !== 'object') return String(value);
  switch (type) {
    case 'boolMap':
      return Object.entries(value as Readonly<Record<string, boolean>>)
        .map(([name, isOn]) => `${name}=${isOn}`)
        .toSorted()
        .join(',');
    case 'vmodule':
      return (value as readonly VmodulePattern[])
        .map(({ filePattern, verbosity }) => `${filePattern}=${verbosity}`)
        .join(',');
    default:
      return `[${(value as readonly string[]).join(',')}]`;
  }
}
