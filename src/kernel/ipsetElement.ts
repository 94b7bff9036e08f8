/**
 * An element of a set as text and as netlink has it. The text is what `ipset save` prints,
 * protocols by name: both sides of a comparison speak it (dataplane/setEntries.ts).
 */
import type { IpSetType } from '../dataplane/state.ts';
import { PROTOCOL_NUMBER, protocolFromNumber } from '../net/family.ts';
import type { SetElement } from '../netlink/ipset.ts';

/** `10.0.0.1,tcp:80,10.0.0.0/8`; the number of a protocol that is not one of Kubernetes'. */
export function entryOf(element: SetElement): string {
  const { address, prefixLength, protocol, port, secondAddress, secondPrefixLength } = element;
  const parts = [
    address === undefined ? undefined : prefix(address, prefixLength),
    port === undefined ? undefined : portOf(port, protocol),
    secondAddress === undefined ? undefined : prefix(secondAddress, secondPrefixLength),
  ];
  return parts.filter((part) => part !== undefined).join(',');
}

function prefix(address: string, length: number | undefined): string {
  const isHost = length === undefined || length === (address.includes(':') ? 128 : 32);
  return isHost ? address : `${address}/${length}`;
}

const ICMP = 1;
const ICMPV6 = 58;

function portOf(port: number, protocol: number | undefined): string {
  if (protocol === undefined) return String(port);
  if (protocol === ICMP || protocol === ICMPV6) return `${protocol}:${port >> 8}/${port & 255}`;
  return `${protocolFromNumber(protocol)?.toLowerCase() ?? protocol}:${port}`;
}

/**
 * @param type of the set, which says what its entries hold @returns undefined for what is not of
 *   this form, for example a range: the ipset program knows more of them
 */
export function elementOf(type: IpSetType, entry: string): SetElement | undefined {
  const kinds = PARTS[type];
  const texts = entry.split(',');
  if (texts.length !== kinds.length) return undefined;
  const element: Mutable<SetElement> = {};
  for (const [i, kind] of kinds.entries()) {
    const isTaken = TAKE[kind](element, texts[i]!);
    if (!isTaken) return undefined;
  }
  return element;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };
type PartKind = 'ip' | 'net' | 'port' | 'bare port' | 'second ip' | 'second net';

const PARTS: Readonly<Record<IpSetType, readonly PartKind[]>> = {
  'hash:ip': ['ip'],
  'hash:ip,port': ['ip', 'port'],
  'hash:ip,port,ip': ['ip', 'port', 'second ip'],
  'hash:ip,port,net': ['ip', 'port', 'second net'],
  'hash:net': ['net'],
  'hash:net,port': ['net', 'port'],
  'bitmap:port': ['bare port'],
};

type Take = (element: Mutable<SetElement>, text: string) => boolean;

/** Each puts its part into the element. @returns false where the text has another form */
const TAKE: Readonly<Record<PartKind, Take>> = {
  ip: takeAddress('address'),
  net: takePrefix('address', 'prefixLength'),
  port: (element, text) => {
    const [, protocol = '', number, code] = PORT.exec(text) ?? [];
    const known = PROTOCOL_NUMBER[protocol.toUpperCase() as keyof typeof PROTOCOL_NUMBER];
    element.protocol = known ?? Number(protocol);
    element.port = code === undefined ? Number(number) : (Number(number) << 8) | Number(code);
    return element.protocol < 256 && element.port < 65_536;
  },
  'bare port': (element, text) => {
    element.port = Number(text);
    return /^\d+$/.test(text) && element.port < 65_536;
  },
  'second ip': takeAddress('secondAddress'),
  'second net': takePrefix('secondAddress', 'secondPrefixLength'),
};

function takeAddress(field: 'address' | 'secondAddress'): Take {
  return (element, text) => {
    element[field] = text;
    return ADDRESS.test(text);
  };
}

function takePrefix(
  field: 'address' | 'secondAddress',
  lengthField: 'prefixLength' | 'secondPrefixLength',
): Take {
  return (element, text) => {
    const [address = '', length, more] = text.split('/');
    element[field] = address;
    if (length !== undefined) element[lengthField] = Number(length);
    const isLength = length === undefined || /^\d{1,3}$/.test(length);
    return ADDRESS.test(address) && isLength && more === undefined;
  };
}

/** Canonical, as it comes from a comparison: only a range or a name must not be taken for one. */
const ADDRESS = /^(?:\d+\.\d+\.\d+\.\d+|[\da-f:]*:[\da-f:.]*)$/;
/** `tcp:80`, `112:0`; of ICMP `58:128/0`. */
const PORT = /^(tcp|udp|sctp|\d{1,3}):(\d{1,5})(?:\/(\d{1,3}))?$/;
