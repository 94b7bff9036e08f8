/**
 * Whether this process may do what a proxy does. Asked before anything is tried, since iptables
 * does not say what it lacks.
 */
import { readFile } from 'node:fs/promises';
import { EnvironmentError } from './nodeEnvironment.ts';

/** Bits of linux/capability.h, and what each is for. */
const NEEDED = [
  ['CAP_NET_ADMIN', 12n, 'IPVS, ipset, rules and addresses'],
  // Of both variants: the match `-m set` asks for its sets over a raw socket ("Can't open socket to
  // ipset"), at each list too, and the legacy one does everything over one.
  ['CAP_NET_RAW', 13n, 'the raw socket over which iptables, nft or legacy, finds ipsets'],
] as const;

/** @throws EnvironmentError that names what is missing */
export async function checkCapabilities(statusFile = '/proc/self/status'): Promise<void> {
  const status = await readFile(statusFile, 'utf8').catch(() => '');
  const missing = missingCapabilities(status);
  if (missing.length === 0) return;
  throw new EnvironmentError(
    `this process lacks ${missing.join(' and ')}: run as root, or add the capabilities to the container`,
  );
}

/**
 * @param status text of /proc/self/status
 * @returns `CAP_NET_RAW (the raw socket …)`; nothing where the text does not tell
 */
export function missingCapabilities(status: string): readonly string[] {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  if (effective === undefined) return [];
  const bits = BigInt(`0x${effective}`);
  return NEEDED.filter(([, bit]) => ((bits >> bit) & 1n) === 0n).map(
    ([name, , purpose]) => `${name} (${purpose})`,
  );
}
