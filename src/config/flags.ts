/**
 * The one table of `run`'s flags: every flag of kube-proxy, so that a DaemonSet can swap the image
 * alone, and our few. The parser, `--help`, the mapping to KubeProxyConfiguration and the warning
 * about flags without effect all read it.
 */
import { CONNTRACK_FLAGS } from './conntrackFlags.ts';
import type { Flag } from './flag.ts';
import { FLAGS_WITHOUT_EFFECT, LOGGING_WITHOUT_EFFECT } from './flagsWithoutEffect.ts';
import { GONE_FLAGS } from './goneFlags.ts';
import { KUBERNETES_VERSION } from './kubernetesVersion.ts';
import { MASQUERADE_FLAGS } from './masqueradeFlags.ts';

/** What `run` reads without a cluster and without --manifests. */
export const DEFAULT_MANIFESTS = '/etc/kubernetes/kube-ipvs/manifests';

export const MANIFESTS_FLAG: Flag = {
  name: 'manifests',
  type: 'paths',
  group: 'source',
  help:
    'files and folders of YAML or JSON manifests to read Services from instead of an API server; may be repeated, and several ' +
    `may follow. Without any cluster (no --kubeconfig, no --master, not in a pod) the default is ${DEFAULT_MANIFESTS}`,
};

export const CONFIG_FLAG: Flag = {
  name: 'config',
  value: 'FILE',
  type: 'string',
  group: 'configuration',
  help:
    'KubeProxyConfiguration v1alpha1, YAML or JSON. Flags that the file can express are then ignored, ' +
    'except --hostname-override and the logging flags',
};

export const FEATURES_FLAG: Flag = {
  name: 'features',
  type: 'paths',
  group: 'configuration',
  help:
    'files and folders of YAML or JSON with our own documents, such as FeaturesConfiguration (kube-ipvs.io/v1alpha1); may be ' +
    'repeated, and several may follow. What is not there is off; flags win over a document',
};

const sourceFlags: readonly Flag[] = [
  {
    name: 'kubeconfig',
    value: 'FILE',
    type: 'string',
    group: 'source',
    fields: ['clientConnection.kubeconfig'],
    help: "kubeconfig file for the API server; without it and without --master the pod's service account is used",
  },
  {
    name: 'master',
    value: 'URL',
    type: 'string',
    group: 'source',
    help: 'address of the API server; overrides the one in the kubeconfig file',
  },
  MANIFESTS_FLAG,
  {
    name: 'kube-api-qps',
    type: 'float',
    default: '5',
    group: 'source',
    fields: ['clientConnection.qps'],
    help: 'requests a second to the API server',
  },
  {
    name: 'kube-api-burst',
    type: 'int',
    default: '10',
    group: 'source',
    fields: ['clientConnection.burst'],
    help: 'requests to the API server that may be ahead of --kube-api-qps',
  },
];

const nodeFlags: readonly Flag[] = [
  {
    name: 'hostname-override',
    value: 'NAME',
    type: 'string',
    group: 'node',
    fields: ['hostnameOverride'],
    winsOverFile: true,
    isUnsetByEmpty: true,
    help: 'name of the Node object; without it the host name',
  },
  {
    name: 'bind-address',
    value: 'IP',
    type: 'string',
    default: '0.0.0.0',
    group: 'node',
    fields: ['bindAddress'],
    isUnsetByEmpty: true,
    help: "overrides what the Node object says is this node's address of that family and makes the family primary; 0.0.0.0 and :: do not",
  },
  {
    name: 'nodeport-addresses',
    value: 'CIDR,…',
    type: 'list',
    group: 'proxy',
    fields: ['nodePortAddresses'],
    help:
      'which addresses of the node serve NodePorts: CIDRs and the keywords "primary" (those of the Node object), "localhost" ' +
      '(127.0.0.0/8 and ::1/128) and "all"; empty: all. 127.0.0.1 serves TCP only, ::1 none',
  },
];

const serverFlags: readonly Flag[] = [
  {
    name: 'healthz-bind-address',
    value: 'IP:PORT',
    type: 'string',
    default: '0.0.0.0:10256',
    group: 'servers',
    fields: ['healthzBindAddress'],
    isUnsetByEmpty: true,
    help: 'IP and port of the health server; --healthz-port=0 turns it off',
  },
  {
    name: 'metrics-bind-address',
    value: 'IP:PORT',
    type: 'string',
    default: '127.0.0.1:10249',
    group: 'servers',
    fields: ['metricsBindAddress'],
    isUnsetByEmpty: true,
    help: 'IP and port of the metrics server; --metrics-port=0 turns it off',
  },
  {
    name: 'bind-address-hard-fail',
    type: 'bool',
    group: 'servers',
    fields: ['bindAddressHardFail'],
    help: 'exit when the health or metrics server cannot bind its address',
  },
  {
    name: 'profiling',
    type: 'bool',
    group: 'servers',
    fields: ['enableProfiling'],
    help: 'serve /debug/pprof (profiles and heap snapshots) and /debug/flags/v on the metrics server: docs/debugging.md',
  },
  {
    name: 'healthz-port',
    type: 'int',
    default: '10256',
    group: 'servers',
    deprecated: 'use --healthz-bind-address',
    help: 'port of the health server where --healthz-bind-address has none; 0 turns it off',
  },
  {
    name: 'metrics-port',
    type: 'int',
    default: '10249',
    group: 'servers',
    deprecated: 'use --metrics-bind-address',
    help: 'port of the metrics server where --metrics-bind-address has none; 0 turns it off',
  },
];

const proxyFlags: readonly Flag[] = [
  {
    name: 'feature-gates',
    type: 'boolMap',
    group: 'proxy',
    fields: ['featureGates'],
    help: 'gates of kube-proxy 1.37.2; AllowServiceExternalIPs=false serves no externalIPs, those of logging allow its options, others change nothing here',
  },
  {
    name: 'proxy-mode',
    value: 'ipvs',
    type: 'string',
    group: 'proxy',
    fields: ['mode'],
    help: 'ipvs; empty means ipvs too (in kube-proxy: iptables), any other mode is an error',
  },
  {
    name: 'ipvs-sync-period',
    type: 'duration',
    default: '30s',
    group: 'proxy',
    fields: ['ipvs.syncPeriod'],
    help: 'how often the whole kernel state is compared with the wanted one',
  },
  {
    name: 'ipvs-min-sync-period',
    type: 'duration',
    default: '0s',
    group: 'proxy',
    fields: ['ipvs.minSyncPeriod'],
    help: 'least time between two rounds of changes; 0s applies each change at once (kube-proxy run by flags alone: 1s)',
  },
  {
    name: 'ipvs-scheduler',
    value: 'NAME',
    type: 'string',
    default: 'rr',
    group: 'proxy',
    fields: ['ipvs.scheduler'],
    help: 'IPVS scheduler of every virtual server: rr, wrr, lc, wlc, lblc, lblcr, sh, dh, sed, nq, mh, fo, ovf, twos',
  },
  {
    name: 'ipvs-exclude-cidrs',
    value: 'CIDR,…',
    type: 'list',
    group: 'proxy',
    fields: ['ipvs.excludeCIDRs'],
    help: 'CIDRs whose virtual servers are never removed',
  },
  {
    name: 'ipvs-strict-arp',
    type: 'bool',
    group: 'proxy',
    fields: ['ipvs.strictARP'],
    help: 'set arp_ignore to 1 and arp_announce to 2, so that the node does not answer ARP for service addresses',
  },
  {
    name: 'ipvs-tcp-timeout',
    type: 'duration',
    default: '0s',
    group: 'proxy',
    fields: ['ipvs.tcpTimeout'],
    help: "timeout of idle TCP connections in IPVS; 0s leaves the kernel's",
  },
  {
    name: 'ipvs-tcpfin-timeout',
    type: 'duration',
    default: '0s',
    group: 'proxy',
    fields: ['ipvs.tcpFinTimeout'],
    help: "timeout of TCP connections after a FIN in IPVS; 0s leaves the kernel's",
  },
  {
    name: 'ipvs-udp-timeout',
    type: 'duration',
    default: '0s',
    group: 'proxy',
    fields: ['ipvs.udpTimeout'],
    help: "timeout of UDP flows in IPVS; 0s leaves the kernel's",
  },
];

const generalFlags: readonly Flag[] = [
  {
    name: 'oom-score-adj',
    type: 'int',
    default: '-999',
    group: 'general',
    fields: ['oomScoreAdj'],
    help: 'oom_score_adj of this process, -1000 to 1000',
  },
  {
    name: 'init-only',
    type: 'bool',
    group: 'general',
    help: 'load kernel modules, set sysctls, and exit; the proxy then needs no more than CAP_NET_ADMIN and CAP_NET_RAW',
  },
  {
    name: 'cleanup',
    type: 'bool',
    group: 'general',
    help: 'remove what this proxy, or a kube-proxy in mode ipvs, has programmed on this node, put sysctls back, and exit',
  },
  {
    name: 'dry-run',
    type: 'bool',
    group: 'general',
    help: 'with --cleanup: say what would be removed, and remove nothing',
  },
  {
    name: 'cleanup-other-modes',
    type: 'bool',
    group: 'general',
    help:
      "remove what kube-proxy's modes iptables and nftables have left on this node: by --cleanup with the rest, by the proxy as soon as " +
      'everything is programmed (cleanupOtherModes in FeaturesConfiguration)',
  },
  {
    name: 'takeover',
    type: 'bool',
    group: 'general',
    help: 'while kube-proxy, or another Service proxy, runs on this node wait for its end instead of ending (takeover in FeaturesConfiguration)',
  },
  {
    name: 'load-balancer-allocator',
    type: 'bool',
    default: 'true',
    group: 'general',
    help: 'where a LoadBalancerConfiguration of --features says so, stand for giving out the addresses of load balancers; one proxy of the cluster does it',
  },
  CONFIG_FLAG,
  FEATURES_FLAG,
  {
    name: 'write-config-to',
    value: 'FILE',
    type: 'string',
    group: 'configuration',
    help: 'write the resulting KubeProxyConfiguration to this file and exit',
  },
  {
    name: 'v',
    shorthand: 'v',
    type: 'int',
    group: 'logging',
    fields: ['logging.verbosity'],
    winsOverFile: true,
    help: 'verbosity of the log, 0 to 10',
  },
  {
    name: 'vmodule',
    type: 'vmodule',
    group: 'logging',
    fields: ['logging.vmodule'],
    winsOverFile: true,
    help: 'verbosity of single source files, which is what a line of the log names: --vmodule=syncLoop=4,round*=2',
  },
  {
    name: 'logging-format',
    value: 'FORMAT',
    type: 'string',
    default: 'text',
    group: 'logging',
    fields: ['logging.format'],
    winsOverFile: true,
    help: 'text or json',
  },
  { name: 'help', shorthand: 'h', type: 'bool', group: 'general', help: 'show this help' },
  {
    name: 'version',
    type: 'version',
    group: 'general',
    help: `print the version and exit; --version=raw prints more; --version=${KUBERNETES_VERSION}… is taken, without effect`,
  },
];

/** In the order in which flags are applied: of two that set one field the later wins. */
export const RUN_FLAGS: readonly Flag[] = [
  ...sourceFlags,
  ...nodeFlags,
  ...serverFlags,
  ...proxyFlags,
  ...MASQUERADE_FLAGS,
  ...CONNTRACK_FLAGS,
  ...generalFlags,
  ...LOGGING_WITHOUT_EFFECT,
  ...FLAGS_WITHOUT_EFFECT,
  ...GONE_FLAGS,
];
