/**
 * Address families and transport protocols as Kubernetes spells them, with the kernel's numbers.
 */

export type Family = 'IPv4' | 'IPv6';

export const FAMILIES: readonly Family[] = ['IPv4', 'IPv6'];

export type Protocol = 'TCP' | 'UDP' | 'SCTP';

/** IANA protocol numbers, as in linux/in.h. */
export const PROTOCOL_NUMBER: Readonly<Record<Protocol, number>> = { TCP: 6, UDP: 17, SCTP: 132 };

export function isProtocol(value: unknown): value is Protocol {
  return value === 'TCP' || value === 'UDP' || value === 'SCTP';
}

/** @returns undefined for a number that is not one of the three */
export function protocolFromNumber(number: number): Protocol | undefined {
  if (number === 6) return 'TCP';
  if (number === 17) return 'UDP';
  return number === 132 ? 'SCTP' : undefined;
}
