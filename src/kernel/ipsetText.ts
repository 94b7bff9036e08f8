/**
 * The text that the `ipset` program reads. Entries inside the program are as save prints them,
 * protocols by name; lines that are written carry protocol numbers, because for a name the tool
 * reads /etc/protocols once an entry, which makes it seven times slower, and fails where that file
 * is missing.
 */
import { PROTOCOL_NUMBER } from '../net/family.ts';
import type { SetSpec } from '../dataplane/operations.ts';

/** The kernel's default, and kube-proxy's size. */
export const DEFAULT_MAX_ELEMENTS = 65_536;

/** `10.0.0.1,tcp:80` → `10.0.0.1,6:80`. */
function numericEntry(entry: string): string {
  return entry.replace(/(^|,)(tcp|udp|sctp):(?=\d+(?:,|$))/, (_, comma: string, name: string) => {
    const protocol = name.toUpperCase() as keyof typeof PROTOCOL_NUMBER;
    return `${comma}${PROTOCOL_NUMBER[protocol]}:`;
  });
}

/** @param name of the set to create, when it is not the set's own */
export function createLine(set: SetSpec, name: string = set.name): string {
  if (set.type === 'bitmap:port') return command('create', name, set.type, 'range', '0-65535');
  const family = set.family === 'IPv6' ? 'inet6' : 'inet';
  const maxElements = set.maxElements ?? DEFAULT_MAX_ELEMENTS;
  return command('create', name, set.type, 'family', family, 'maxelem', String(maxElements));
}

export function addLine(setName: string, entry: string): string {
  return command('add', setName, numericEntry(entry));
}

export function removeLine(setName: string, entry: string): string {
  return command('del', setName, numericEntry(entry));
}

export function swapLine(from: string, to: string): string {
  return command('swap', from, to);
}

export function renameLine(from: string, to: string): string {
  return command('rename', from, to);
}

export function destroyLine(name: string): string {
  return command('destroy', name);
}

/** `-exist`: adding the present and removing the missing succeed. */
function command(verb: string, ...words: readonly string[]): string {
  const bad = words.find((word) => !/^[^\s#"'\\]+$/.test(word));
  if (bad !== undefined) throw new TypeError(`not a word for ipset: ${JSON.stringify(bad)}`);
  return `${verb} -exist ${words.join(' ')}`;
}
