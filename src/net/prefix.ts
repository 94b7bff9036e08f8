/** Address prefixes (CIDR) as values in canonical form: host bits cleared. */
import {
  type Address,
  addressFromBytes,
  addressToBytes,
  familyOf,
  parseAddress,
} from './address.ts';
import type { Family } from './family.ts';

export interface Prefix {
  readonly family: Family;
  /** network address, host bits zero */
  readonly address: Address;
  /** 0..32 or 0..128 */
  readonly length: number;
}

/**
 * @returns undefined unless `text` is `address/length`; host bits are accepted and cleared, as
 * kube-proxy does
 */
export function parsePrefix(text: string): Prefix | undefined {
  const slash = text.indexOf('/');
  if (slash < 0) return undefined;
  const address = parseAddress(text.slice(0, slash));
  const lengthText = text.slice(slash + 1);
  if (address === undefined || !/^(0|[1-9]\d{0,2})$/.test(lengthText)) return undefined;
  const length = Number(lengthText);
  if (length > addressBits(familyOf(address))) return undefined;
  return prefixOf(address, length);
}

export function addressBits(family: Family): 32 | 128 {
  return family === 'IPv4' ? 32 : 128;
}

/** The prefix of `length` bits that holds `address`. */
export function prefixOf(address: Address, length: number): Prefix {
  const bytes = addressToBytes(address);
  for (let i = 0; i < bytes.length; i++) {
    const kept = Math.min(8, Math.max(0, length - 8 * i));
    bytes[i]! &= 0xff << (8 - kept);
  }
  return { family: familyOf(address), address: addressFromBytes(bytes), length };
}

export function formatPrefix(prefix: Prefix): string {
  return `${prefix.address}/${prefix.length}`;
}

/** `10.0.0.1/32` or `fd00::1/128`. */
export function hostPrefix(address: Address): string {
  return `${address}/${addressBits(familyOf(address))}`;
}

/** False also when the families differ. */
export function prefixContains(prefix: Prefix, address: Address): boolean {
  if (familyOf(address) !== prefix.family) return false;
  return prefixOf(address, prefix.length).address === prefix.address;
}
