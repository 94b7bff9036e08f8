/**
 * The filter table: who may not reach an address of ours (source ranges, no endpoint here, no
 * endpoint anywhere, ports that no Service has), and what must be let through a dropping FORWARD
 * policy. Fixed by configuration like the nat table. Traffic to a Service passes INPUT before IPVS
 * rewrites it, with the Service's address as destination; what this node's own processes send is
 * rewritten in OUTPUT already and never passes INPUT.
 */
import type { Family } from '../net/family.ts';
import type { DataplaneOptions } from '../dataplane/options.ts';
import type { TableRules } from './contributor.ts';
import { commentMatch, hexMark, serviceRuleWriter as ruleWriter } from './ruleText.ts';

export const FILTER_CHAINS = [
  'KUBE-FORWARD',
  'KUBE-NODE-PORT',
  'KUBE-PROXY-FIREWALL',
  'KUBE-SOURCE-RANGES-FIREWALL',
  'KUBE-IPVS-FILTER',
  'KUBE-IPVS-OUT-FILTER',
] as const;

export function filterRules(family: Family, options: DataplaneOptions): TableRules {
  const access = 'kubernetes ipvs access filter';
  const firewall = 'kube-proxy firewall rules';
  const healthChecks = 'kubernetes health check rules';
  const forwarding = 'kubernetes forwarding rules';
  const rules: Readonly<Record<(typeof FILTER_CHAINS)[number], readonly string[]>> = {
    'KUBE-FORWARD': forwardChain(family, options),
    'KUBE-NODE-PORT': healthCheckChain(family),
    'KUBE-PROXY-FIREWALL': firewallChain(family, options),
    'KUBE-SOURCE-RANGES-FIREWALL': sourceRangesChain(family),
    'KUBE-IPVS-FILTER': accessChain(family),
    'KUBE-IPVS-OUT-FILTER': outChain(family),
  };
  return {
    chains: new Map(FILTER_CHAINS.map((chain) => [chain, rules[chain]])),
    jumps: [
      // the access filter only returns for known ports, so the firewall still sees them
      { slot: 'filter INPUT', comment: access, to: 'KUBE-IPVS-FILTER' },
      { slot: 'filter INPUT', comment: firewall, to: 'KUBE-PROXY-FIREWALL' },
      { slot: 'filter INPUT', comment: healthChecks, to: 'KUBE-NODE-PORT' },
      { slot: 'filter FORWARD', comment: firewall, to: 'KUBE-PROXY-FIREWALL' },
      { slot: 'filter FORWARD', comment: forwarding, to: 'KUBE-FORWARD' },
      { slot: 'filter OUTPUT', comment: access, to: 'KUBE-IPVS-OUT-FILTER' },
    ],
  };
}

function forwardChain(family: Family, options: DataplaneOptions): readonly string[] {
  const { rule } = ruleWriter('KUBE-FORWARD', family);
  const mark = hexMark(options.masqueradeBit);
  return [
    rule(`${commentMatch('kubernetes forwarding rules')} -m mark --mark ${mark}/${mark}`, 'ACCEPT'),
    rule(
      `${commentMatch('kubernetes forwarding conntrack rule')} -m conntrack --ctstate RELATED,ESTABLISHED`,
      'ACCEPT',
    ),
  ];
}

function healthCheckChain(family: Family): readonly string[] {
  const { commented } = ruleWriter('KUBE-NODE-PORT', family);
  return [commented('KUBE-HEALTH-CHECK-NODE-PORT', 'dst', 'ACCEPT')];
}

/**
 * Source ranges first, for a client that they exclude learns nothing from a refusal; they hold for
 * what is established too, as kube-proxy's do. Everything else is about new connections, for a
 * draining endpoint keeps its own, and later packets are spared it.
 */
function firewallChain(family: Family, options: DataplaneOptions): readonly string[] {
  const { rule, commented } = ruleWriter('KUBE-PROXY-FIREWALL', family);
  return [
    commented('KUBE-LOAD-BALANCER-FW', 'dst,dst', 'KUBE-SOURCE-RANGES-FIREWALL'),
    rule('-m conntrack ! --ctstate NEW', 'RETURN'),
    dropRule(family, options),
    ...refusals(family).map(({ protocol, target }) =>
      commented('KUBE-IPVS-REJECT', 'dst,dst', target, { before: protocol }),
    ),
  ];
}

/** From neither this node nor a pod of its own. */
function dropRule(family: Family, options: DataplaneOptions): string {
  const { commented, set } = ruleWriter('KUBE-PROXY-FIREWALL', family);
  const fromOutside = '-m addrtype ! --src-type LOCAL';
  const detector = options.detectLocal[family];
  if (detector.kind === 'interface') {
    return commented('KUBE-IPVS-DROP', 'dst,dst', 'DROP', {
      before: `! -i ${detector.match}`,
      after: fromOutside,
    });
  }
  return commented('KUBE-IPVS-DROP', 'dst,dst', 'DROP', {
    after: `${fromOutside} ${set('KUBE-IPVS-INSIDE', 'src', '!')}`,
  });
}

function sourceRangesChain(family: Family): readonly string[] {
  const { rule, commented } = ruleWriter('KUBE-SOURCE-RANGES-FIREWALL', family);
  return [
    commented('KUBE-LOAD-BALANCER-SOURCE-CIDR', 'dst,dst,src', 'RETURN'),
    commented('KUBE-LOAD-BALANCER-SOURCE-IP', 'dst,dst,src', 'RETURN'),
    rule('', 'DROP'),
  ];
}

/**
 * Without it a daemon on the wildcard address answers on every Service address (kubernetes issue
 * 72236).
 */
function accessChain(family: Family): readonly string[] {
  const { rule, set } = ruleWriter('KUBE-IPVS-FILTER', family);
  return [
    rule(set('KUBE-CLUSTER-IP', 'dst,dst'), 'RETURN'),
    rule(set('KUBE-LOAD-BALANCER', 'dst,dst'), 'RETURN'),
    rule(set('KUBE-EXTERNAL-IP', 'dst,dst'), 'RETURN'),
    rule(set('KUBE-EXTERNAL-IP-LOCAL', 'dst,dst'), 'RETURN'),
    rule(set('KUBE-HEALTH-CHECK-NODE-PORT', 'dst'), 'RETURN'),
    ...refusals(family).map(({ protocol, target }) =>
      rule(
        [protocol, '-m conntrack --ctstate NEW', set('KUBE-IPVS-IPS', 'dst')].join(' ').trim(),
        target,
      ),
    ),
  ];
}

/**
 * Source is the LB address itself: what a local process gets that connects to an address of its own
 * machine.
 */
function outChain(family: Family): readonly string[] {
  const { commented } = ruleWriter('KUBE-IPVS-OUT-FILTER', family);
  return [commented('KUBE-LOAD-BALANCER-OUT-DENY', 'src,dst,dst', 'DROP')];
}

/**
 * How a new connection is refused, the first that fits. TCP by a reset: a client heeds an ICMPv6
 * error only at its next SYN, a second later, and ICMP errors are rate-limited. The rest by the
 * default of plain `-j REJECT`, which iptables-save spells out.
 */
function refusals(
  family: Family,
): readonly { readonly protocol: string; readonly target: string }[] {
  const unreachable = `${family === 'IPv4' ? 'icmp' : 'icmp6'}-port-unreachable`;
  return [
    { protocol: '-p tcp', target: 'REJECT --reject-with tcp-reset' },
    { protocol: '', target: `REJECT --reject-with ${unreachable}` },
  ];
}
