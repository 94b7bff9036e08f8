/**
 * Values of ipvsadm's options, read as the C library's functions that it calls read them: strtol(),
 * inet_aton(), inet_pton(). Whoever calls hands in what names of hosts and ports mean.
 */
import { type Address, addressToBytes, familyOf, parseAddress } from '../../net/address.ts';

/** What the names on a command line mean. */
export interface KnownNames {
  /** IPv4 only; undefined = no such host */
  host(name: string): Address | undefined;
  /** @param protocol IANA number; 0 has no names */
  port(name: string, protocol: number): number | undefined;
}

export interface ParsedSocket {
  readonly address: Address;
  /** undefined = none was given */
  readonly port: number | undefined;
}

/**
 * `a.b.c.d[:port]`, `host[:port]`, `[v6]:port`, or a bare IPv6 address; digits alone are refused.
 *
 * @param protocol for which a port's name counts
 * @returns undefined when it is none of these, or a name in it is not known
 */
export function parseSocket(
  text: string,
  protocol: number,
  names: KnownNames,
): ParsedSocket | undefined {
  if (/^\d*$/.test(text)) return undefined;
  const parts = splitPort(text);
  if (parts === undefined) return undefined;
  const { host, portText } = parts;
  const address = parts.isIpv6 ? parseAddress(host) : parseHost(host, names);
  if (address === undefined) return undefined;
  if (portText === undefined) return { address, port: undefined };
  const port = integerFrom(portText, 0, 65_535) ?? names.port(portText, protocol);
  return port === undefined ? undefined : { address, port };
}

interface SocketParts {
  readonly host: string;
  readonly portText: string | undefined;
  readonly isIpv6: boolean;
}

/**
 * What brackets hold need not be IPv6: then the last colon in there counts, and none is in the way
 * of a port outside.
 */
function splitPort(text: string): SocketParts | undefined {
  if (!text.startsWith('[')) {
    return isIpv6(text) ? { host: text, portText: undefined, isIpv6: true } : splitLast(text);
  }
  const end = text.indexOf(']');
  if (end < 0 || text[end + 1] !== ':') return undefined;
  const host = text.slice(1, end);
  if (isIpv6(host)) return { host, portText: text.slice(end + 2), isIpv6: true };
  return splitLast(host);
}

function splitLast(text: string): SocketParts {
  const colon = text.lastIndexOf(':');
  if (colon < 0) return { host: text, portText: undefined, isIpv6: false };
  return { host: text.slice(0, colon), portText: text.slice(colon + 1), isIpv6: false };
}

function isIpv6(text: string): boolean {
  return text.includes(':') && parseAddress(text) !== undefined;
}

/** @returns undefined when the name is not known */
export function parseHost(text: string, names: KnownNames): Address | undefined {
  return parseLooseIpv4(text) ?? names.host(text);
}

/** isspace() in the C locale: the no-break space and its kind are letters there. */
const BLANK_TAIL = /[ \t\n\v\f\r].*$/s;

/**
 * The short and the octal and hexadecimal forms that inet_aton() takes, and anything behind a
 * blank: `10.1`, `0x0a000001`.
 */
function parseLooseIpv4(text: string): Address | undefined {
  const parts = text.replace(BLANK_TAIL, '').split('.');
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

/**
 * As strtol() reads a decimal number: blanks and a sign may lead. @returns undefined out of range
 * or with anything behind
 */
export function integerFrom(text: string, min: number, max: number): number | undefined {
  if (!/^[ \t\n\v\f\r]*[+-]?\d+$/.test(text)) return undefined;
  const number = Number(text);
  return number >= min && number <= max ? number : undefined;
}

/**
 * As atoi() reads it: what stands behind the digits does not matter, no digits are 0, and of 64
 * bits the low 32 count.
 */
export function leadingInteger(text: string): number {
  const number = BigInt(/^[ \t\n\v\f\r]*\+?(-?\d+)/.exec(text)?.[1] ?? 0);
  const limit = 1n << 63n;
  const long = number >= limit ? limit - 1n : number < -limit ? -limit : number;
  return Number(BigInt.asIntN(32, long));
}

/** What fits into a field of so many bytes, in whole characters. */
export function firstBytes(text: string, length: number): string {
  const bytes = new Uint8Array(length);
  return text.slice(0, new TextEncoder().encodeInto(text, bytes).read);
}

/** An IPv4 mask as a number: 255.255.255.0 = 0xffffff00. */
export function maskNumber(address: Address): number {
  const [a = 0, b = 0, c = 0, d = 0] = addressToBytes(address);
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
}

/** @returns undefined when it is none of that family */
export function parseMulticastGroup(text: string): Address | undefined {
  const address = parseAddress(text);
  if (address === undefined) return undefined;
  const [first = 0] = addressToBytes(address);
  const isGroup = familyOf(address) === 'IPv6' ? first === 0xff : first >> 4 === 0xe;
  return isGroup ? address : undefined;
}

/** Bad input that ends the program with exit code 2. */
export class BadValue extends Error {
  override readonly name = 'BadValue';
}

const MAX_TIMEOUT_SEC = 86_400 * 31;

/** @throws BadValue with `problem` when it is out of range or no number */
export function numberIn(text: string, min: number, max: number, problem: string): number {
  const number = integerFrom(text, min, max);
  if (number === undefined) throw new BadValue(problem);
  return number;
}

/** In seconds, at most 31 days. @throws BadValue */
export function timeoutIn(text: string, min: number): number {
  return numberIn(text, min, MAX_TIMEOUT_SEC, `invalid timeout value \`${text}' specified`);
}
