/**
 * Numbers that the kernel keeps in files, read when somebody looks. Reading /proc never waits for a
 * disk. What cannot be read is undefined: a kernel without the part, a /proc that hides it.
 */
import { readFileSync } from 'node:fs';

export interface Octets {
  readonly in: number;
  readonly out: number;
}

export interface TableUse {
  readonly entries: number;
  /** 0: none */
  readonly limit: number;
}

/** As Go tells the limit of who has none. */
const UNLIMITED = 2 ** 64;

/** @param root another one in tests */
export function addressSpaceLimit(root = '/proc'): number | undefined {
  const limit = /^Max address space +(\S+)/m.exec(read(`${root}/self/limits`) ?? '')?.[1];
  if (limit === undefined) return undefined;
  return limit === 'unlimited' ? UNLIMITED : Number(limit);
}

/** Of IP, in this network namespace since its beginning. */
export function namespaceOctets(root = '/proc'): Octets | undefined {
  const lines = (read(`${root}/self/net/netstat`) ?? '').split('\n');
  const [names = [], values = []] = lines
    .filter((line) => line.startsWith('IpExt:'))
    .map((line) => line.split(' '));
  const [inside, outside] = [names.indexOf('InOctets'), names.indexOf('OutOctets')];
  if (inside < 0 || outside < 0) return undefined;
  return { in: Number(values[inside]), out: Number(values[outside]) };
}

/** Of netfilter's connection tracking; nothing where the kernel has not loaded it. */
export function conntrackUse(root = '/proc'): TableUse | undefined {
  const folder = `${root}/sys/net/netfilter`;
  const [entries, limit] = [`${folder}/nf_conntrack_count`, `${folder}/nf_conntrack_max`].map(read);
  if (entries === undefined || limit === undefined) return undefined;
  return { entries: Number(entries), limit: Number(limit) };
}

/** Rows of IPVS' hash table of connections; no limit, but a search walks along a row. */
export function ipvsTableRows(root = '/sys'): number | undefined {
  const bits = read(`${root}/module/ip_vs/parameters/conn_tab_bits`);
  return bits === undefined ? undefined : 2 ** Number(bits);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
