/**
 * The nat table: which connections are marked for masquerading (KUBE-SERVICES on the way in,
 * KUBE-POSTROUTING on the way out). Fixed by configuration: rules refer to sets, an empty set
 * matches nothing, so rules that kube-proxy writes only for non-empty sets are always here. Four
 * things differ from kube-proxy on purpose: the KUBE-IPVS-DROP rule of KUBE-SERVICES, that
 * ClusterIPs come first in it, where it looks for NodePorts, and that no rule needs `physdev`.
 */
import type { Family } from '../net/family.ts';
import { formatPrefix } from '../net/prefix.ts';
import type { DataplaneOptions, LocalDetector } from '../dataplane/options.ts';
import type { TableRules } from './contributor.ts';
import { hexMark, serviceRuleWriter as ruleWriter } from './ruleText.ts';

export const NAT_CHAINS = [
  'KUBE-SERVICES',
  'KUBE-LOAD-BALANCER',
  'KUBE-NODE-PORT',
  'KUBE-MARK-MASQ',
  'KUBE-POSTROUTING',
] as const;

export function natRules(
  family: Family,
  options: DataplaneOptions,
  hasRandomFully: boolean,
): TableRules {
  const portals = 'kubernetes service portals';
  const masquerade = 'kubernetes postrouting rules';
  const rules: Readonly<Record<(typeof NAT_CHAINS)[number], readonly string[]>> = {
    'KUBE-SERVICES': servicesChain(family, options),
    'KUBE-LOAD-BALANCER': loadBalancerChain(family),
    'KUBE-NODE-PORT': nodePortChain(family),
    'KUBE-MARK-MASQ': [markMasqRule(options)],
    'KUBE-POSTROUTING': postroutingChain(family, options, hasRandomFully),
  };
  return {
    chains: new Map(NAT_CHAINS.map((chain) => [chain, rules[chain]])),
    jumps: [
      { slot: 'nat PREROUTING', comment: portals, to: 'KUBE-SERVICES' },
      { slot: 'nat OUTPUT', comment: portals, to: 'KUBE-SERVICES' },
      { slot: 'nat POSTROUTING', comment: masquerade, to: 'KUBE-POSTROUTING' },
    ],
  };
}

function servicesChain(family: Family, options: DataplaneOptions): readonly string[] {
  const { rule, set, commented } = ruleWriter('KUBE-SERVICES', family);
  const loopback = family === 'IPv4' ? '127.0.0.0/8' : '::1/128';
  return [
    rule(`-s ${loopback}`, 'RETURN'),
    // Most connections are to ClusterIPs, which are in no other set of this chain.
    ...clusterIpRules(family, options),
    rule(set('KUBE-CLUSTER-IP', 'dst,dst'), 'ACCEPT'),
    // Pods and this node reach the cluster's endpoints through such a frontend (outsiders are
    // dropped in filter INPUT); masqueraded, because a client on the endpoint's own node would
    // otherwise be answered past this node.
    commented('KUBE-IPVS-DROP', 'dst,dst', 'KUBE-MARK-MASQ'),
    commented('KUBE-LOAD-BALANCER', 'dst,dst', 'KUBE-LOAD-BALANCER'),
    commented('KUBE-EXTERNAL-IP', 'dst,dst', 'KUBE-MARK-MASQ'),
    acceptExternalIp('KUBE-EXTERNAL-IP', family),
    acceptExternalIp('KUBE-EXTERNAL-IP-LOCAL', family),
    // not for addresses on kube-ipvs0: a ClusterIP whose port equals a nodePort is no NodePort
    // (kubernetes issue 132068)
    rule(`-m addrtype --dst-type LOCAL ${set('KUBE-IPVS-IPS', 'dst', '!')}`, 'KUBE-NODE-PORT'),
    rule(set('KUBE-LOAD-BALANCER', 'dst,dst'), 'ACCEPT'),
  ];
}

/** At most one rule: who is masqueraded on the way to a ClusterIP. */
function clusterIpRules(family: Family, options: DataplaneOptions): readonly string[] {
  const { commented } = ruleWriter('KUBE-SERVICES', family);
  const to = (dirs: string, before = '') =>
    commented('KUBE-CLUSTER-IP', dirs, 'KUBE-MARK-MASQ', { before });
  if (options.masqueradeAll) return [to('dst,dst')];
  const detector = options.detectLocal[family];
  if (detector.kind === 'none') {
    // a process of the node that connects to a ClusterIP has that very address as its source
    // (kubernetes issue 63241)
    return [to('src,dst')];
  }
  const outside = notLocal(detector);
  return outside === undefined ? [] : [to('dst,dst', outside)];
}

/**
 * @returns undefined when every source is local (`! -s 0.0.0.0/0` matches nothing, and the
 * nf_tables backend refuses it)
 */
function notLocal(detector: Exclude<LocalDetector, { kind: 'none' }>): string | undefined {
  if (detector.kind === 'interface') return `! -i ${detector.match}`;
  return detector.prefix.length === 0 ? undefined : `! -s ${formatPrefix(detector.prefix)}`;
}

/**
 * kube-proxy has a rule before this one that accepts what no bridge port brought in (`-m physdev`):
 * the same packets, for every served address is local, and the match would load br_netfilter on
 * every node, which breaks large IPv6 datagrams that a bridge carries in fragments.
 */
function acceptExternalIp(
  name: 'KUBE-EXTERNAL-IP' | 'KUBE-EXTERNAL-IP-LOCAL',
  family: Family,
): string {
  const { commented } = ruleWriter('KUBE-SERVICES', family);
  return commented(name, 'dst,dst', 'ACCEPT', { after: '-m addrtype --dst-type LOCAL' });
}

function loadBalancerChain(family: Family): readonly string[] {
  const { rule, commented } = ruleWriter('KUBE-LOAD-BALANCER', family);
  return [commented('KUBE-LOAD-BALANCER-LOCAL', 'dst,dst', 'RETURN'), rule('', 'KUBE-MARK-MASQ')];
}

function nodePortChain(family: Family): readonly string[] {
  const { commented } = ruleWriter('KUBE-NODE-PORT', family);
  const tcp = { before: '-p tcp' };
  const udp = { before: '-p udp' };
  const sctp = { before: '-p sctp' };
  return [
    commented('KUBE-NODE-PORT-LOCAL-TCP', 'dst', 'RETURN', tcp),
    commented('KUBE-NODE-PORT-TCP', 'dst', 'KUBE-MARK-MASQ', tcp),
    commented('KUBE-NODE-PORT-LOCAL-UDP', 'dst', 'RETURN', udp),
    commented('KUBE-NODE-PORT-UDP', 'dst', 'KUBE-MARK-MASQ', udp),
    commented('KUBE-NODE-PORT-LOCAL-SCTP-HASH', 'dst,dst', 'RETURN', sctp),
    commented('KUBE-NODE-PORT-SCTP-HASH', 'dst,dst', 'KUBE-MARK-MASQ', sctp),
  ];
}

function markMasqRule(options: DataplaneOptions): string {
  const mark = hexMark(options.masqueradeBit);
  return `-A KUBE-MARK-MASQ -j MARK --set-xmark ${mark}/${mark}`;
}

function postroutingChain(
  family: Family,
  options: DataplaneOptions,
  hasRandomFully: boolean,
): readonly string[] {
  const { rule, commented } = ruleWriter('KUBE-POSTROUTING', family);
  const mark = hexMark(options.masqueradeBit);
  return [
    commented('KUBE-LOOP-BACK', 'dst,dst,src', 'MASQUERADE'),
    rule(`-m mark ! --mark ${mark}/${mark}`, 'RETURN'),
    // the bit goes, so that a packet wrapped by a tunnel is not masqueraded a second time
    // (kubernetes issue 88986)
    rule('', `MARK --set-xmark ${mark}/0x0`),
    rule(
      '-m comment --comment "kubernetes service traffic requiring SNAT"',
      hasRandomFully ? 'MASQUERADE --random-fully' : 'MASQUERADE',
    ),
  ];
}
