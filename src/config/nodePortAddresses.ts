/**
 * `nodePortAddresses`: CIDRs and keywords, in any mixture. `primary` stays a word, because only the
 * Node object says what it is; the others are CIDRs by another name.
 *
 * @see kubernetes cmd/kube-proxy/app/server.go, expandNodePortAddressKeywords
 */
import type { DataplaneOptions } from '../dataplane/options.ts';
import { type Address, isLoopback } from '../net/address.ts';
import { type Prefix, prefixContains } from '../net/prefix.ts';
import { parseSloppyPrefix } from '../net/sloppy.ts';
import { suggestion } from './suggest.ts';

type Choices = DataplaneOptions['nodePortAddresses'];

const KEYWORDS = new Map<string, readonly string[] | 'primary'>([
  ['primary', 'primary'],
  ['localhost', ['127.0.0.0/8', '::1/128']],
  ['all', ['0.0.0.0/0', '::/0']],
]);

/** @param texts as configured, right by {@link wrongNodePortAddresses} */
export function nodePortChoices(texts: readonly string[]): Choices {
  return texts.flatMap((text): Choices => {
    const meaning = KEYWORDS.get(text) ?? [text];
    return meaning === 'primary' ? [meaning] : meaning.map((cidr) => parseSloppyPrefix(cidr)!);
  });
}

/** @returns what is wrong with the list; undefined when nothing is */
export function wrongNodePortAddresses(texts: readonly string[]): string | undefined {
  const names = [...KEYWORDS.keys()];
  const bad = texts.filter((text) => !KEYWORDS.has(text) && parseSloppyPrefix(text) === undefined);
  if (bad.length > 0) {
    const list = bad.map((text) => text + suggestion(text, names)).join(', ');
    return `must hold CIDRs, "primary", "localhost" or "all": ${list}`;
  }
  const twice = names.filter((name) => texts.indexOf(name) !== texts.lastIndexOf(name));
  return twice.length > 0 ? `must hold a keyword once: ${twice.join(', ')}` : undefined;
}

/** CIDRs that mean loopback addresses, not those that only cover them among others. */
export function explicitLoopback(choices: Choices): readonly Prefix[] {
  return choices.filter(
    (choice): choice is Prefix => choice !== 'primary' && isLoopback(choice.address),
  );
}

const LOCALHOST: Address = '127.0.0.1';

/**
 * Loopback addresses at which NodePorts are served, to be listened on one by one: 127.0.0.1 where a
 * CIDR inside 127.0.0.0/8 holds it (`localhost` does), and addresses of that net that are named by
 * themselves. What covers everything (`all`, an empty list) asks for none, as in 1.37's mode
 * nftables.
 */
export function loopbackAddresses(choices: Choices): readonly Address[] {
  const named = explicitLoopback(choices).flatMap((choice) => {
    if (choice.family === 'IPv6') return [];
    if (prefixContains(choice, LOCALHOST)) return [LOCALHOST];
    return choice.length === 32 ? [choice.address] : [];
  });
  return [...new Set(named)];
}

/** CIDRs that mean loopback addresses and serve nothing; `::1` beside 127.0.0.0/8 goes unsaid. */
export function unservedLoopback(choices: Choices): readonly Prefix[] {
  const served = loopbackAddresses(choices);
  return explicitLoopback(choices).filter((choice) =>
    choice.family === 'IPv6'
      ? served.length === 0
      : !served.some((address) => prefixContains(choice, address)),
  );
}
