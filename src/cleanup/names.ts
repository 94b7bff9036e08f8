/**
 * What in a kernel bears the name of a proxy: ours, and kube-proxy's in mode ipvs, which has the
 * same names; and apart from them, what kube-proxy leaves in its other modes.
 */
import type { Footprint } from '../desired/contributor.ts';
import { FILTER_CHAINS } from '../desired/filterRules.ts';
import { SERVICE_SETS } from '../desired/ipsets.ts';
import { NAT_CHAINS } from '../desired/natRules.ts';
import { type KubeSetName, setName } from '../dataplane/setNames.ts';
import { TABLES, type TableName } from '../dataplane/tables.ts';
import { FAMILIES } from '../net/family.ts';

/** What is to go. */
export interface MeantRules {
  /** with the jumps to it that a proxy has made */
  readonly chain: (table: TableName, chain: string) => boolean;
  /** jumps to chains that stay, by their comment */
  readonly jump: (comment: string) => boolean;
}

/** kube-proxy's before 1.15, and ours while a set is replaced or a variant of iptables is tried. */
const FORMER_SETS: readonly KubeSetName[] = ['KUBE-NODE-PORT-SCTP', 'KUBE-NODE-PORT-LOCAL-SCTP'];
const PASSING_SET = 'KUBE-IPVS-REPLACEMENT';
const PASSING_CHAIN = 'KUBE-IPVS-PROBE';

export interface OwnNames {
  /** in the kernel, of both families; those that refer to others first */
  readonly sets: readonly string[];
  readonly chains: Readonly<Partial<Record<TableName, readonly string[]>>>;
}

/** @param features of every contributor beside the Services, on or off */
export function ownNames(features: readonly Footprint[]): OwnNames {
  const sets = [...SERVICE_SETS, ...features.flatMap((each) => each.sets)].map(({ name }) => name);
  const bothFamilies = [...sets, ...FORMER_SETS].flatMap((name) =>
    FAMILIES.map((family) => setName(name, family)),
  );
  const ofServices: Partial<Record<TableName, readonly string[]>> = {
    nat: [...NAT_CHAINS, PASSING_CHAIN],
    filter: FILTER_CHAINS,
  };
  const chains = TABLES.flatMap((table) => {
    const names = [ofServices, ...features.map((each) => each.chains)].flatMap(
      (each) => each[table] ?? [],
    );
    return names.length === 0 ? [] : [[table, names] as const];
  });
  return { sets: [...bothFamilies, PASSING_SET], chains: Object.fromEntries(chains) };
}

export function ownRules({ chains }: OwnNames): MeantRules {
  return {
    chain: (table, chain) => chains[table]?.includes(chain) === true,
    jump: () => false,
  };
}

export function either(one: MeantRules, other: MeantRules): MeantRules {
  return {
    chain: (table, chain) => one.chain(table, chain) || other.chain(table, chain),
    jump: (comment) => one.jump(comment) || other.jump(comment),
  };
}

/** One chain a Service, an endpoint, a firewall; XLB before 1.24. */
const PER_SERVICE = /^KUBE-(?:SVC|SVL|EXT|SEP|FW|XLB)-[A-Z0-9]{16}$/;

/**
 * Without those that mode ipvs has too, `KUBE-SERVICES` of the table nat among them.
 *
 * @see kubernetes pkg/proxy/iptables/proxier.go, CleanupLeftovers
 */
const OTHER_CHAINS: Readonly<Partial<Record<TableName, readonly string[]>>> = {
  mangle: ['KUBE-PROXY-CANARY'],
  nat: ['KUBE-NODEPORTS', 'KUBE-PROXY-CANARY'],
  filter: ['KUBE-SERVICES', 'KUBE-EXTERNAL-SERVICES', 'KUBE-NODEPORTS', 'KUBE-PROXY-CANARY'],
};

/** Left by kube-proxy's mode iptables. */
export const IPTABLES_MODE_RULES: MeantRules = {
  chain: (table, chain) =>
    OTHER_CHAINS[table]?.includes(chain) === true || (table === 'nat' && PER_SERVICE.test(chain)),
  // To KUBE-PROXY-FIREWALL, which mode ipvs has too, with jumps of its own.
  jump: (comment) => comment === 'kubernetes load balancer firewall',
};

/** Of the families ip and ip6, with all that kube-proxy's mode nftables has. */
export const NFTABLES_MODE_TABLE = 'kube-proxy';
