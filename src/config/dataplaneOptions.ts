/**
 * Finishes the dataplane's options once this node is known: which match tells local pods' traffic
 * from other traffic in each family (`detectLocalMode`), and what about that does not fit the node.
 *
 * @see kubernetes cmd/kube-proxy/app/server_linux.go, getLocalDetectors
 */
import type { DataplaneOptions, LocalDetector } from '../dataplane/options.ts';
import type { Problem } from '../model/problem.ts';
import { FAMILIES, type Family } from '../net/family.ts';
import { type Prefix, formatPrefix, parsePrefix } from '../net/prefix.ts';
import { unservedLoopback } from './nodePortAddresses.ts';
import type { DataplaneSettings } from './resolve.ts';

export interface NodeForOptions {
  readonly name: string;
  /** canonical CIDRs; empty while the Node has none or is unknown */
  readonly podCIDRs: readonly string[];
  /** what the host can program, the primary family first */
  readonly families: readonly Family[];
}

export interface BuiltOptions {
  readonly options: DataplaneOptions;
  readonly warnings: readonly string[];
  /** what the Node may still come to say: kube-proxy waits for it, everything else goes on here */
  readonly waiting: readonly Problem[];
  /** of interest only where a Service has a NodePort */
  readonly nodePortWarnings: readonly string[];
  /** the local-traffic mode cannot work on this node at all; kube-proxy does not start then */
  readonly problems: readonly Problem[];
}

export function buildDataplaneOptions(
  settings: DataplaneSettings,
  node: NodeForOptions,
): BuiltOptions {
  const detectors = {
    IPv4: detectorOf(settings, node, 'IPv4'),
    IPv6: detectorOf(settings, node, 'IPv6'),
  };
  const missing = node.families.filter((family) => detectors[family].kind === 'none');
  const isWaiting =
    settings.detectLocal.mode === 'NodeCIDR' && missing.length === node.families.length;
  const isFatal = missing.length > 0 && node.families.length === 1 && isModeBinding(settings);
  const isTold = isWaiting || isFatal || missing.length === 0;
  return {
    options: { ...settings, detectLocal: detectors },
    warnings: [
      ...(isTold ? [] : [missingDetector(settings, node, missing)]),
      ...excludeWarnings(settings, node.families),
    ],
    nodePortWarnings: nodePortWarnings(settings, node.families),
    waiting: isWaiting ? [missingPodCIDR(node, missing)] : [],
    problems: isFatal ? [fatalProblem(settings, missing[0]!)] : [],
  };
}

function detectorOf(
  { detectLocal }: DataplaneSettings,
  node: NodeForOptions,
  family: Family,
): LocalDetector {
  switch (detectLocal.mode) {
    case 'BridgeInterface':
      return { kind: 'interface', match: detectLocal.bridge };
    case 'InterfaceNamePrefix':
      return { kind: 'interface', match: `${detectLocal.prefix}+` };
    case 'NodeCIDR':
      return firstOf(prefixesOf(node.podCIDRs), family);
    default:
      return firstOf(detectLocal.cidrs, family);
  }
}

function prefixesOf(cidrs: readonly string[]): Prefix[] {
  return cidrs.map(parsePrefix).filter((prefix) => prefix !== undefined);
}

function firstOf(prefixes: readonly Prefix[], family: Family): LocalDetector {
  const prefix = prefixes.find((each) => each.family === family);
  return prefix === undefined ? { kind: 'none' } : { kind: 'prefix', prefix };
}

/** A clusterCIDR that is simply absent means "no detection", not "detection by nothing". */
function isModeBinding({ detectLocal }: DataplaneSettings): boolean {
  return detectLocal.mode === 'ClusterCIDR' && detectLocal.cidrs.length > 0;
}

function missingDetector(
  { detectLocal }: DataplaneSettings,
  { name }: NodeForOptions,
  families: readonly Family[],
): string {
  const which = families.join(' or ');
  const consequence =
    'traffic from outside the cluster to its ClusterIPs cannot be told from that of pods, so only that of this node ' +
    'itself is masqueraded';
  return detectLocal.mode === 'NodeCIDR'
    ? `Node ${name} has no ${which} CIDR in spec.podCIDRs (detectLocalMode NodeCIDR): ${consequence}`
    : `no ${which} CIDR in clusterCIDR (--cluster-cidr): ${consequence}`;
}

/** A new Node gets its CIDR from a controller some time after it registered. */
function missingPodCIDR({ name, podCIDRs }: NodeForOptions, families: readonly Family[]): Problem {
  const which = families.join(' or ');
  const problem = `holds no ${which} CIDR, which detectLocalMode NodeCIDR needs: let the cluster allocate node CIDRs or choose another mode`;
  const path = `Node/${name}.spec.podCIDRs`;
  return { path, value: podCIDRs, problem, consequence: 'PodsNotTold' };
}

function fatalProblem(settings: DataplaneSettings, family: Family): Problem {
  const cidrs = settings.detectLocal.mode === 'ClusterCIDR' ? settings.detectLocal.cidrs : [];
  return {
    path: 'KubeProxyConfiguration.DetectLocalConfiguration.ClusterCIDRs',
    value: cidrs.map(formatPrefix).join(','),
    problem: `holds no ${family} CIDR, but this node has ${family} only; give one (clusterCIDR, --cluster-cidr)`,
  };
}

function nodePortWarnings(
  { nodePortAddresses }: DataplaneSettings,
  families: readonly Family[],
): string[] {
  if (nodePortAddresses.length === 0) {
    return [
      'NodePorts are served on every address of this node; nodePortAddresses (--nodeport-addresses) narrows that, for example to "primary"',
    ];
  }
  const loopback = unservedLoopback(nodePortAddresses).map(formatPrefix);
  const unserved =
    loopback.length === 0
      ? []
      : [
          `nodePortAddresses names loopback addresses that serve no NodePort here (127.0.0.1 does, and /32 in 127.0.0.0/8): ${loopback.join(', ')}`,
        ];
  return [...unserved, ...unnarrowed(nodePortAddresses, families)];
}

function unnarrowed(
  choices: DataplaneOptions['nodePortAddresses'],
  families: readonly Family[],
): string[] {
  if (choices.includes('primary')) return [];
  const given = new Set((choices as readonly Prefix[]).map((prefix) => prefix.family));
  return families
    .filter((family) => !given.has(family))
    .map(
      (family) =>
        `nodePortAddresses holds no ${family} CIDR: ${family} NodePorts are served on every ${family} address of this node`,
    );
}

function excludeWarnings(
  { excludeCidrs }: DataplaneSettings,
  families: readonly Family[],
): string[] {
  const idle = excludeCidrs.filter(({ family }) => !families.includes(family)).map(formatPrefix);
  return FAMILIES.length === families.length || idle.length === 0
    ? []
    : [`excludeCIDRs of a family that this node does not have: ${idle.join(', ')}`];
}
