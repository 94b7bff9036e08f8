/**
 * The text that `ipset save` prints and `ipset restore` reads. Entries inside the program are as save prints them, protocols by
 * name; lines that are written carry protocol numbers, because for a name the tool reads /etc/protocols once an entry, which
 * makes it seven times slower, and fails where that file is missing.
 */
import type { IpSet, IpSetType } from '../desired/state.ts';
import { parseAddress } from '../net/address.ts';
import { type Family, PROTOCOL_NUMBER, protocolFromNumber } from '../net/family.ts';
import type { SetSpec } from '../plan/operations.ts';

/** The kernel's default, and kube-proxy's size. */
export const DEFAULT_MAX_ELEMENTS = 65_536;

/**
 * @param text output of `ipset save`, or of an interactive session, whose prompts it then contains
 * @returns by name, whatever the type; a set's `bucketsize` and `initval` differ from kernel to kernel and are ignored
 */
export function parseSave(text: string): Map<string, IpSet> {
  const sets = new Map<string, IpSet & { readonly entries: Set<string> }>();
  for (const line of text.split('\n')) {
    const [verb, name, ...words] = line.replace(/^(?:ipset> )+/, '').split(' ');
    if (name === undefined) continue;
    if (verb === 'create') sets.set(name, parseCreate(name, words));
    else if (verb === 'add' && words[0] !== undefined)
      sets.get(name)?.entries.add(canonicalEntry(words[0]));
  }
  return sets;
}

function parseCreate(name: string, words: readonly string[]): IpSet & { entries: Set<string> } {
  const option = (key: string): string | undefined => {
    const at = words.indexOf(key);
    return at < 0 ? undefined : words[at + 1];
  };
  const maxElements = option('maxelem');
  return {
    name,
    // a type that is not ours stays visible as it is: it differs from the desired one
    type: words[0] as IpSetType,
    family: familyFrom(option('family'), name),
    entries: new Set(),
    ...(maxElements === undefined ? {} : { maxElements: Number(maxElements) }),
  };
}

/** Bitmaps have no family in the kernel: their name tells which side they serve. */
function familyFrom(word: string | undefined, name: string): Family {
  if (word === undefined) return name.startsWith('KUBE-6-') ? 'IPv6' : 'IPv4';
  return word === 'inet6' ? 'IPv6' : 'IPv4';
}

/** Protocol names instead of numbers, RFC 5952 addresses, no /32 and /128. */
export function canonicalEntry(entry: string): string {
  return entry.split(',').map(canonicalPart).join(',');
}

function canonicalPart(part: string): string {
  const numbered = /^(\d+):(\d+)$/.exec(part);
  if (numbered !== null) {
    const protocol = protocolFromNumber(Number(numbered[1]));
    return protocol === undefined ? part : `${protocol.toLowerCase()}:${numbered[2]}`;
  }
  const [address, length] = part.split('/') as [string, string?];
  // inet_ntop writes ::ffff:10.0.0.1 where RFC 5952 as we use it has hexadecimal groups
  const canonical = address.includes(':') ? (parseAddress(address) ?? address) : address;
  const isHost = length === undefined || length === (canonical.includes(':') ? '128' : '32');
  return isHost ? canonical : `${canonical}/${length}`;
}

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

/** @param text output of `ipset list -t` @returns entries by set name; a set whose header does not tell is left out */
export function parseCounts(text: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const block of text.split(/\n\n+/)) {
    const name = /^Name: (.+)$/m.exec(block)?.[1];
    const count = /^Number of entries: (\d+)$/m.exec(block)?.[1];
    if (name !== undefined && count !== undefined) counts.set(name, Number(count));
  }
  return counts;
}
