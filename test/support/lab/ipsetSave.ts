/** What the real program says of sets, to be compared with what our reader says. */
import type { IpSet, IpSetType } from '../../../src/dataplane/state.ts';
import { parseAddress } from '../../../src/net/address.ts';
import { type Family, protocolFromNumber } from '../../../src/net/family.ts';

/**
 * @param text output of `ipset save`
 * @returns by name, whatever the type; a set's `bucketsize` and `initval` differ from kernel to
 * kernel and are ignored
 */
export function parseSave(text: string): Map<string, IpSet> {
  const sets = new Map<string, IpSet & { readonly entries: Set<string> }>();
  for (const line of text.split('\n')) {
    const [verb, name, ...words] = line.split(' ');
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
