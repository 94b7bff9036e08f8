/**
 * Flags, configuration file and our own documents as the one value that the rest of the program
 * reads. Precedence and defaults are kube-proxy's (its traps included, see applyFlags.ts) except
 * that changes are applied at once unless a minimum period is asked for. Everything wrong is
 * reported together; what is merely odd, or without effect, is a warning.
 */
import type { DataplaneOptions } from '../dataplane/options.ts';
import type { Address } from '../net/address.ts';
import type { Prefix } from '../net/prefix.ts';
import { parseSloppyAddress, parseSloppyPrefix } from '../net/sloppy.ts';
import { applyFlags } from './applyFlags.ts';
import { parseDuration } from './duration.ts';
import { isGateOn } from './featureGates.ts';
import type { Features } from './featureKinds.ts';
import { DEFAULT_MANIFESTS } from './flags.ts';
import { type KubeProxyConfiguration, defaultConfiguration } from './kubeProxyConfiguration.ts';
import { nodePortChoices } from './nodePortAddresses.ts';
import type { FlagValues, VmodulePattern } from './parseFlags.ts';
import { type HostPort, parseHostPort } from '../net/hostPort.ts';
import { type ConfigurationProblem, validateConfiguration } from './validate.ts';
import { configurationWarnings } from './warnings.ts';
import { wrongFlags } from './wrongFlags.ts';

export interface ResolvedConfig {
  readonly source: SourceSettings;
  readonly dataplane: DataplaneSettings;
  /** as given; empty: the host's name. See nodeName.ts */
  readonly hostnameOverride: string;
  /** a specific address replaces the Node object's of its family; `0.0.0.0` and `::` say nothing */
  readonly bindAddress: Address;
  /** absent: the server is off */
  readonly healthAddress?: HostPort;
  readonly metricsAddress?: HostPort;
  readonly bindAddressHardFail: boolean;
  /** the metrics server lets itself be profiled, and its verbosity be set */
  readonly isProfiling: boolean;
  /** how often the whole kernel state is audited */
  readonly syncPeriodMs: number;
  /** least time between two rounds; 0: none */
  readonly minSyncPeriodMs: number;
  readonly logging: LoggingSettings;
  readonly conntrack: ConntrackSettings;
  readonly oomScoreAdj: number;
  /** the file of --config, which run watches */
  readonly configFile?: string;
  /** --init-only: only what takes full privileges, then exit */
  readonly isInitOnly: boolean;
  /** start beside another Service proxy */
  readonly isTakeover: boolean;
  /** --cleanup: remove what is programmed, then exit */
  readonly isCleanup: boolean;
  /** --dry-run, of a cleanup */
  readonly isDryRun: boolean;
  /** remove what kube-proxy's other modes have left */
  readonly cleansOtherModes: boolean;
  /** --load-balancer-allocator: may be the one that gives out load balancer addresses */
  readonly mayAllocate: boolean;
  /** what --features names: each feature reads its section, and one that is not there is off */
  readonly features: Features;
  /** of --features, which run watches */
  readonly featurePaths: readonly string[];
  /** --write-config-to */
  readonly writeConfigTo?: string;
  /** all of it as the document that --write-config-to writes and /configz shows */
  readonly document: KubeProxyConfiguration;
  readonly warnings: readonly string[];
}

export type SourceSettings =
  | {
      readonly kind: 'manifests';
      readonly paths: readonly string[];
      /** nobody named them: there is just no cluster */
      readonly isDefault: boolean;
    }
  | {
      readonly kind: 'apiServer';
      /** empty: the pod's service account */
      readonly kubeconfig: string;
      /** empty: the one of the kubeconfig */
      readonly master: string;
      readonly qps: number;
      readonly burst: number;
    };

/** The part of DataplaneOptions that needs no Node yet; dataplaneOptions.ts finishes it. */
export interface DataplaneSettings extends Omit<DataplaneOptions, 'detectLocal'> {
  readonly detectLocal: LocalDetection;
}

export type LocalDetection =
  | { readonly mode: 'ClusterCIDR'; readonly cidrs: readonly Prefix[] }
  | { readonly mode: 'NodeCIDR' }
  | { readonly mode: 'BridgeInterface'; readonly bridge: string }
  | { readonly mode: 'InterfaceNamePrefix'; readonly prefix: string };

export interface LoggingSettings {
  readonly format: 'text' | 'json';
  readonly verbosity: number;
  readonly vmodule: readonly VmodulePattern[];
}

/** 0 leaves the kernel's value. */
export interface ConntrackSettings {
  readonly maxPerCore: number;
  readonly min: number;
  readonly tcpEstablishedTimeoutMs: number;
  readonly tcpCloseWaitTimeoutMs: number;
  readonly tcpBeLiberal: boolean;
  readonly udpTimeoutMs: number;
  readonly udpStreamTimeoutMs: number;
}

export interface ConfigurationInput {
  readonly flags: FlagValues;
  /** what --config names, decoded */
  readonly file?: { readonly path: string; readonly configuration: KubeProxyConfiguration };
  /** what --features names, decoded */
  readonly features?: Features;
  /** a pod's service account is there */
  readonly isInCluster: boolean;
}

export type Resolution =
  | { readonly config: ResolvedConfig; readonly problems?: never }
  | { readonly config?: never; readonly problems: readonly ConfigurationProblem[] };

export function resolveConfig({
  flags,
  file,
  features = {},
  isInCluster,
}: ConfigurationInput): Resolution {
  const base = file?.configuration ?? defaultConfiguration();
  const { configuration, ignored } = applyFlags(base, flags, file !== undefined);
  const problems = [
    ...wrongFlags(flags, configuration, file !== undefined),
    ...validateConfiguration(configuration),
  ];
  if (problems.length > 0) return { problems };

  const source = sourceSettings(configuration, flags, isInCluster);
  const { healthzBindAddress, metricsBindAddress, ipvs, logging } = configuration;
  const healthAddress = parseHostPort(healthzBindAddress);
  const metricsAddress = parseHostPort(metricsBindAddress);
  const writeConfigTo = flags.get('write-config-to') as string | undefined;
  return {
    config: {
      source,
      dataplane: dataplaneSettings(configuration, features),
      hostnameOverride: configuration.hostnameOverride,
      bindAddress: parseSloppyAddress(configuration.bindAddress)!,
      ...(healthAddress ? { healthAddress } : {}),
      ...(metricsAddress ? { metricsAddress } : {}),
      bindAddressHardFail: configuration.bindAddressHardFail,
      isProfiling: configuration.enableProfiling,
      syncPeriodMs: parseDuration(ipvs.syncPeriod)!,
      minSyncPeriodMs: parseDuration(ipvs.minSyncPeriod)!,
      logging: {
        format: logging.format as 'text' | 'json',
        verbosity: logging.verbosity,
        vmodule: logging.vmodule,
      },
      conntrack: conntrackSettings(configuration),
      oomScoreAdj: configuration.oomScoreAdj,
      isInitOnly: flags.get('init-only') === true,
      isCleanup: flags.get('cleanup') === true,
      isDryRun: flags.get('dry-run') === true,
      cleansOtherModes:
        (flags.get('cleanup-other-modes') ?? features.settings?.cleanupOtherModes) === true,
      isTakeover: (flags.get('takeover') ?? features.settings?.takeover) === true,
      mayAllocate: flags.get('load-balancer-allocator') !== false,
      features,
      featurePaths: (flags.get('features') ?? []) as readonly string[],
      ...(file ? { configFile: file.path } : {}),
      ...(writeConfigTo ? { writeConfigTo } : {}),
      document: configuration,
      warnings: configurationWarnings(configuration, flags, ignored),
    },
  };
}

function sourceSettings(
  { clientConnection }: KubeProxyConfiguration,
  flags: FlagValues,
  isInCluster: boolean,
): SourceSettings {
  const paths = (flags.get('manifests') ?? []) as readonly string[];
  if (paths.length > 0) return { kind: 'manifests', paths, isDefault: false };
  const { kubeconfig, qps, burst } = clientConnection;
  const master = (flags.get('master') ?? '') as string;
  if (kubeconfig === '' && master === '' && !isInCluster) {
    return { kind: 'manifests', paths: [DEFAULT_MANIFESTS], isDefault: true };
  }
  return { kind: 'apiServer', kubeconfig, master, qps, burst };
}

function dataplaneSettings(
  configuration: KubeProxyConfiguration,
  { loadBalancer }: Features,
): DataplaneSettings {
  const { ipvs, iptables } = configuration;
  return {
    scheduler: ipvs.scheduler || 'rr',
    masqueradeAll: iptables.masqueradeAll,
    masqueradeBit: iptables.masqueradeBit,
    // Every node has every address of a load balancer: else each of them would answer for it.
    strictArp: ipvs.strictARP || loadBalancer?.announcer.enabled === true,
    excludeCidrs: ipvs.excludeCIDRs.map((text) => parseSloppyPrefix(text)!),
    nodePortAddresses: nodePortChoices(configuration.nodePortAddresses),
    allowsExternalIPs: isGateOn(configuration.featureGates, 'AllowServiceExternalIPs'),
    detectLocal: localDetection(configuration),
    timeoutsSec: {
      tcp: wholeSeconds(ipvs.tcpTimeout),
      tcpFin: wholeSeconds(ipvs.tcpFinTimeout),
      udp: wholeSeconds(ipvs.udpTimeout),
    },
  };
}

/** Rounded up: a timeout below one second must not become 0, which means "leave the kernel's". */
function wholeSeconds(duration: string): number {
  return Math.ceil(parseDuration(duration)! / 1000);
}

function localDetection(configuration: KubeProxyConfiguration): LocalDetection {
  const { bridgeInterface, interfaceNamePrefix } = configuration.detectLocal;
  switch (configuration.detectLocalMode) {
    case 'NodeCIDR':
      return { mode: 'NodeCIDR' };
    case 'BridgeInterface':
      return { mode: 'BridgeInterface', bridge: bridgeInterface };
    case 'InterfaceNamePrefix':
      return { mode: 'InterfaceNamePrefix', prefix: interfaceNamePrefix };
    default: {
      const { clusterCIDR } = configuration;
      const texts = clusterCIDR === '' ? [] : clusterCIDR.split(',');
      return { mode: 'ClusterCIDR', cidrs: texts.map((text) => parseSloppyPrefix(text)!) };
    }
  }
}

function conntrackSettings({ conntrack }: KubeProxyConfiguration): ConntrackSettings {
  return {
    maxPerCore: conntrack.maxPerCore,
    min: conntrack.min,
    tcpEstablishedTimeoutMs: parseDuration(conntrack.tcpEstablishedTimeout)!,
    tcpCloseWaitTimeoutMs: parseDuration(conntrack.tcpCloseWaitTimeout)!,
    tcpBeLiberal: conntrack.tcpBeLiberal,
    udpTimeoutMs: parseDuration(conntrack.udpTimeout)!,
    udpStreamTimeoutMs: parseDuration(conntrack.udpStreamTimeout)!,
  };
}
