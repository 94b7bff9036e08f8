/** Address families by the kernel's numbers; every layer above the attributes needs them. */
import type { Family } from '../net/family.ts';
import { DecodeError } from '../net/bytes.ts';
import { AF_INET, AF_INET6 } from './constants.ts';

export function familyNumber(family: Family): number {
  return family === 'IPv4' ? AF_INET : AF_INET6;
}

export function familyFromNumber(number: number): Family {
  if (number === AF_INET) return 'IPv4';
  if (number === AF_INET6) return 'IPv6';
  throw new DecodeError(`address family ${number}, expected ${AF_INET} or ${AF_INET6}`);
}
