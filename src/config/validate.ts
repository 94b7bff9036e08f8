/**
 * What values make sense in a KubeProxyConfiguration whose types are right. All complaints are
 * collected, under the paths that kube-proxy gives them, so that log rules and run books keep
 * working; the sentence names the field and the flag.
 *
 * @see kubernetes pkg/proxy/apis/config/validation/validation.go
 */
import type { Problem } from '../model/problem.ts';
import { parseSloppyAddress, parseSloppyPrefix } from '../net/sloppy.ts';
import { fieldOf } from './applyFlags.ts';
import { type Gates, wrongGates } from './featureGates.ts';
import { RUN_FLAGS } from './flags.ts';
import type { KubeProxyConfiguration } from './kubeProxyConfiguration.ts';
import { KUBERNETES_VERSION, previousMinor } from './kubernetesVersion.ts';
import { LOGGING_RULES } from './loggingRules.ts';
import { parseHostPort } from '../net/hostPort.ts';
import { wrongNodePortAddresses } from './nodePortAddresses.ts';
import { type Check, type Rule, durationOf, notNegative, positive, rule } from './rule.ts';
import { suggestion } from './suggest.ts';

/** A problem that knows its field in the document, to find the line in the file. */
export interface ConfigurationProblem extends Problem {
  /** `ipvs.syncPeriod` */
  readonly field: string;
}

export const LOCAL_MODES = ['ClusterCIDR', 'NodeCIDR', 'BridgeInterface', 'InterfaceNamePrefix'];

const within =
  (min: number, max: number): Check =>
  (value) =>
    (value as number) < min || (value as number) > max
      ? `must be within ${min} and ${max}`
      : undefined;

const address: Check = (value) =>
  parseSloppyAddress(value as string) === undefined ? 'must be an IP address' : undefined;

const hostPort: Check = (value) =>
  value !== '' && parseHostPort(value as string) === undefined
    ? 'must be an IP address and a port of 1 to 65535, such as 0.0.0.0:10256 or [::]:10256'
    : undefined;

const prefixes: Check = (value) => {
  const bad = (value as string[]).filter((text) => parseSloppyPrefix(text) === undefined);
  return bad.length > 0 ? `must hold CIDRs only: ${bad.join(', ')}` : undefined;
};

const nodePortAddresses: Check = (value) => wrongNodePortAddresses(value as string[]);

const mode: Check = (value) =>
  value === '' || value === 'ipvs'
    ? undefined
    : `kube-ipvs proxies in mode ipvs only; say ipvs or leave it empty, or run kube-proxy for mode ${String(value)}`;

const localMode: Check = (value) =>
  value === '' || LOCAL_MODES.includes(value as string)
    ? undefined
    : `must be one of ${LOCAL_MODES.join(', ')}${suggestion(value as string, LOCAL_MODES)}`;

const minSyncPeriod: Check = (value, { ipvs }) =>
  notNegative(value, {} as never) ??
  (durationOf(ipvs.syncPeriod) > 0 && durationOf(value) > durationOf(ipvs.syncPeriod)
    ? `must not be greater than the sync period, ${ipvs.syncPeriod}`
    : undefined);

const requiredIn =
  (localModeName: string): Check =>
  (value, { detectLocalMode }) =>
    detectLocalMode === localModeName && value === ''
      ? `must not be empty with detectLocalMode ${localModeName}`
      : undefined;

/** One CIDR, or one of each family; what the mode does not read is not looked at. */
const clusterCidr: Check = (value, { detectLocalMode }) => {
  if (detectLocalMode !== 'ClusterCIDR' || value === '') return undefined;
  const texts = (value as string).split(',');
  const bad = texts.filter((text) => parseSloppyPrefix(text) === undefined);
  if (bad.length > 0) {
    const list = bad.map((text) => JSON.stringify(text)).join(', ');
    return `must be a CIDR, or one of each family with a comma and no space between: ${list}`;
  }
  const families = texts.map((text) => parseSloppyPrefix(text)!.family);
  return families.length === new Set(families).size
    ? undefined
    : 'must be one CIDR, or two of different families';
};

/** Kernel names: at most 15 characters; anything more is left to the kernel to know. */
const scheduler: Check = (value) =>
  value === '' || /^[a-z0-9_-]{1,15}$/.test(value as string)
    ? undefined
    : 'must be the name of an IPVS scheduler, such as rr';

const hiddenMetrics: Check = (value) =>
  value === '' || value === previousMinor()
    ? undefined
    : `must be empty or ${previousMinor()}, the only release whose hidden metrics ${KUBERNETES_VERSION} can show`;

const gates: Check = (value) => wrongGates(value as Gates);

const IPVS = 'KubeProxyIPVSConfiguration';
const CONNTRACK = 'KubeProxyConntrackConfiguration';

const RULES: readonly Rule[] = [
  rule('Mode', 'mode', mode),
  rule('KubeProxyIPTablesConfiguration.MasqueradeBit', 'iptables.masqueradeBit', within(0, 31)),
  rule('SyncPeriod', 'ipvs.syncPeriod', positive),
  rule('MinSyncPeriod', 'ipvs.minSyncPeriod', minSyncPeriod),
  rule(`${IPVS}.TCPTimeout`, 'ipvs.tcpTimeout', notNegative),
  rule(`${IPVS}.TCPFinTimeout`, 'ipvs.tcpFinTimeout', notNegative),
  rule(`${IPVS}.UDPTimeout`, 'ipvs.udpTimeout', notNegative),
  rule(`${IPVS}.Scheduler`, 'ipvs.scheduler', scheduler),
  rule(`${IPVS}.ExcludeCidrs`, 'ipvs.excludeCIDRs', prefixes),
  rule(`${CONNTRACK}.MaxPerCore`, 'conntrack.maxPerCore', notNegative),
  rule(`${CONNTRACK}.Min`, 'conntrack.min', notNegative),
  rule(`${CONNTRACK}.TCPEstablishedTimeout`, 'conntrack.tcpEstablishedTimeout', notNegative),
  rule(`${CONNTRACK}.TCPCloseWaitTimeout`, 'conntrack.tcpCloseWaitTimeout', notNegative),
  rule(`${CONNTRACK}.UDPTimeout`, 'conntrack.udpTimeout', notNegative),
  rule(`${CONNTRACK}.UDPStreamTimeout`, 'conntrack.udpStreamTimeout', notNegative),
  rule('KubeProxyLinuxConfiguration.OOMScoreAdj', 'oomScoreAdj', within(-1000, 1000)),
  rule('ClientConnection.Burst', 'clientConnection.burst', notNegative),
  rule('ConfigSyncPeriod', 'configSyncPeriod', positive),
  rule('BindAddress', 'bindAddress', address),
  rule('HealthzBindAddress', 'healthzBindAddress', hostPort),
  rule('MetricsBindAddress', 'metricsBindAddress', hostPort),
  rule('NodePortAddresses', 'nodePortAddresses', nodePortAddresses),
  rule('DetectLocalMode', 'detectLocalMode', localMode),
  rule('DetectLocalConfiguration.ClusterCIDRs', 'clusterCIDR', clusterCidr),
  rule(
    'DetectLocalConfiguration.InterfaceName',
    'detectLocal.bridgeInterface',
    requiredIn('BridgeInterface'),
  ),
  rule(
    'DetectLocalConfiguration.InterfacePrefix',
    'detectLocal.interfaceNamePrefix',
    requiredIn('InterfaceNamePrefix'),
  ),
  rule('ShowHiddenMetricsForVersion', 'showHiddenMetricsForVersion', hiddenMetrics),
  rule('FeatureGates', 'featureGates', gates),
  ...LOGGING_RULES,
];

export function validateConfiguration(
  configuration: KubeProxyConfiguration,
): readonly ConfigurationProblem[] {
  return RULES.flatMap(({ path, field, check }) => {
    const value = fieldOf(configuration, field);
    const wrong = check(value, configuration);
    if (wrong === undefined) return [];
    const problem = `${wrong} (${whereToSet(field)})`;
    return [{ path: `KubeProxyConfiguration.${path}`, value, problem, field }];
  });
}

/** `ipvs.syncPeriod, --ipvs-sync-period` */
function whereToSet(field: string): string {
  const flags = RUN_FLAGS.filter((flag) => flag.fields?.includes(field) === true);
  return [field, ...flags.map((flag) => `--${flag.name}`)].join(', ');
}
