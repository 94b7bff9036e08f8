/** What our ipsets are called. Which there are is said by those who fill them. */
import type { Family } from '../net/family.ts';

/** The IPv4 name, which stands for the sets of both families. */
export type KubeSetName = `KUBE-${string}`;

/** IPSET_MAXNAMELEN of linux/ip_set.h without the terminating zero. */
const LONGEST_NAME = 31;

/** Name in the kernel: the first `KUBE-` becomes `KUBE-6-` for IPv6, cut at 31 characters. */
export function setName(name: KubeSetName, family: Family): string {
  return family === 'IPv4' ? name : name.replace('KUBE-', 'KUBE-6-').slice(0, LONGEST_NAME);
}

/**
 * Which family's traffic a set of ours serves, by its name in the kernel: a bitmap has no family
 * there.
 */
export function familyOfSet(name: string): Family {
  return name.startsWith('KUBE-6-') ? 'IPv6' : 'IPv4';
}
