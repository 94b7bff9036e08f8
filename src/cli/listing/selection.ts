/** The service that a listing is asked for: `-t`, `-u`, `--sctp-service` and `-f`, before any name in it is looked up. */
import { type Address, parseAddress } from '../../net/address.ts';
import type { Family } from '../../net/family.ts';

export type ServiceSelection =
  | { readonly kind: 'mark'; readonly fwmark: number; readonly family: Family }
  | {
      readonly kind: 'address';
      readonly protocol: number;
      /** an address, or a name that is to be one of IPv4 */
      readonly host: Address | { readonly name: string };
      readonly port: number | { readonly name: string };
    };

/** @returns undefined when `text` is none of `a.b.c.d[:port]`, `host[:port]`, `[v6]:port`, `v6` */
export function parseSelection(text: string, protocol: number): ServiceSelection | undefined {
  if (/^\d*$/.test(text)) return undefined;
  const parts = splitPort(text);
  if (parts === undefined) return undefined;
  const { host, portText } = parts;
  const port = portText === undefined ? 0 : parsePort(portText);
  if (host === '' || port === undefined) return undefined;
  const address = parseAddress(host) ?? parseLooseIpv4(host);
  return { kind: 'address', protocol, host: address ?? { name: host }, port };
}

function splitPort(text: string): { host: string; portText?: string } | undefined {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/s.exec(text);
  if (bracketed !== null) {
    const [, host = '', portText] = bracketed;
    return portText === undefined ? undefined : { host, portText };
  }
  if (text.startsWith('[')) return undefined;
  if (text.includes(':') && parseAddress(text) !== undefined) return { host: text };
  const colon = text.lastIndexOf(':');
  if (colon < 0) return { host: text };
  return { host: text.slice(0, colon), portText: text.slice(colon + 1) };
}

function parsePort(text: string): number | { name: string } | undefined {
  const number = integerFrom(text, 0, 65_535);
  if (number !== undefined) return number;
  return text === '' || /^\s*[+-]?\d+$/.test(text) ? undefined : { name: text };
}

/** As strtol() reads a decimal number: blanks and a sign may lead. @returns undefined out of range or with anything behind */
export function integerFrom(text: string, min: number, max: number): number | undefined {
  if (!/^\s*[+-]?\d+$/.test(text)) return undefined;
  const number = Number(text);
  return number >= min && number <= max ? number : undefined;
}

/** The short and the octal and hexadecimal forms that inet_aton() of the C library takes: `10.1`, `0x0a000001`. */
function parseLooseIpv4(text: string): Address | undefined {
  const parts = text.split('.');
  if (parts.length > 4 || !parts.every((part) => /^(0x[\da-f]+|0[0-7]*|[1-9]\d*)$/i.test(part))) {
    return undefined;
  }
  const numbers = parts.map((part) => Number(/^0\d/.test(part) ? `0o${part.slice(1)}` : part));
  const last = numbers.pop()!;
  const lastBytes = 4 - numbers.length;
  if (numbers.some((number) => number > 0xff) || last >= 256 ** lastBytes) return undefined;
  const tail = Array.from({ length: lastBytes }, (_, i) => {
    return Math.floor(last / 256 ** (lastBytes - 1 - i)) % 256;
  });
  return [...numbers, ...tail].join('.');
}
