/** Whether this process may do what a proxy does. Asked before anything is tried, since iptables does not say what it lacks. */
import { readFile } from 'node:fs/promises';
import { EnvironmentError } from './nodeEnvironment.ts';

/** Bits of linux/capability.h, and what each is for. */
const NEEDED = [
  ['CAP_NET_ADMIN', 12n, 'IPVS, ipset, rules and addresses'],
  ['CAP_NET_RAW', 13n, 'the raw sockets of iptables'],
] as const;

/** @throws EnvironmentError that names what is missing */
export async function checkCapabilities(): Promise<void> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const missing = missingCapabilities(status);
  if (missing.length === 0) return;
  throw new EnvironmentError(
    `this process lacks ${missing.join(' and ')}: run as root, or add the capabilities to the container`,
  );
}

/**
 * @param status text of /proc/self/status
 * @returns `CAP_NET_RAW (the raw sockets of iptables)`; nothing where the text does not tell
 */
export function missingCapabilities(status: string): readonly string[] {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  if (effective === undefined) return [];
  const bits = BigInt(`0x${effective}`);
  return NEEDED.filter(([, bit]) => ((bits >> bit) & 1n) === 0n).map(
    ([name, , purpose]) => `${name} (${purpose})`,
  );
}
