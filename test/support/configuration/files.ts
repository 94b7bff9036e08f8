/**
 * KubeProxyConfigurations that kube-proxy 1.37.2 and this program are given alike, as what stands
 * below the head of one in mode ipvs.
 */
export const FIELD_LINES: readonly string[] = `
bindAddress: "::"
bindAddress: ""
bindAddress: x
bindAddressHardFail: true
bindAddressHardFail: 1
clientConnection: { kubeconfig: /k, qps: 50, burst: 100 }
clientConnection: { burst: -1 }
clientConnection: { qps: -1 }
clientConnection: { acceptContentTypes: application/json, contentType: application/json }
clientConnection: null
clientConnection: []
clusterCIDR: 10.0.0.0/8
clusterCIDR: 10.0.0.0/8,fd00::/64
clusterCIDR: 10.0.0.0/8,11.0.0.0/8
clusterCIDR: 10.0.0.0/8,fd00::/64,fd01::/64
clusterCIDR: "10.0.0.0/8, fd00::/64"
clusterCIDR: ""
clusterCIDR: x
clusterCIDR: [10.0.0.0/8]
configSyncPeriod: 0s
configSyncPeriod: -1s
configSyncPeriod: 1m
conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s }
conntrack: { maxPerCore: null, min: null, tcpEstablishedTimeout: null }
conntrack: { min: -1 }
conntrack: { maxPerCore: 1.5 }
conntrack: { tcpBeLiberal: true, udpTimeout: 10s, udpStreamTimeout: 1h }
conntrack: { udpTimeout: -1s }
detectLocalMode: ""
detectLocalMode: ClusterCIDR
detectLocalMode: NodeCIDR
detectLocalMode: BridgeInterface
detectLocalMode: Nowhere
detectLocal: { bridgeInterface: cni0, interfaceNamePrefix: cali }
enableProfiling: true
featureGates: { KubeProxyIPVS: true, ComponentFlagz: false }
featureGates: { NoSuchGate: true }
featureGates: { SupportIPVSProxyMode: true }
featureGates: { ComponentFlagz: "true" }
featureGates: null
healthzBindAddress: ""
healthzBindAddress: 127.0.0.1
healthzBindAddress: "::1"
healthzBindAddress: 127.0.0.1:99999
healthzBindAddress: localhost:1
metricsBindAddress: 0.0.0.0
metricsBindAddress: "[::]:10249"
metricsBindAddress: x
hostnameOverride: Node-1
iptables: { masqueradeBit: 0, masqueradeAll: true, localhostNodePorts: false }
iptables: { masqueradeBit: 32 }
iptables: { syncPeriod: 5s, minSyncPeriod: 2s }
iptables: { syncPeriod: -5s }
ipvs: { syncPeriod: 0s, minSyncPeriod: 0s }
ipvs: { syncPeriod: 10s, minSyncPeriod: 11s }
ipvs: { syncPeriod: -1s }
ipvs: { minSyncPeriod: -1s }
ipvs: { scheduler: sh, strictARP: true, excludeCIDRs: [10.0.0.0/8] }
ipvs: { excludeCIDRs: [10.0.0.1] }
ipvs: { excludeCIDRs: null }
ipvs: { tcpTimeout: 1m, tcpFinTimeout: 1m, udpTimeout: 1m }
ipvs: { udpTimeout: -1m }
ipvs: { syncPeriod: 30 }
ipvs: { schedular: rr }
logging: { format: json, verbosity: 4, flushFrequency: 1000000000 }
logging: { flushFrequency: 1s, vmodule: [{ filePattern: a, verbosity: 3 }] }
logging: { format: json, vmodule: [{ filePattern: a, verbosity: 3 }] }
logging: { vmodule: [{ filePattern: "", verbosity: 3 }] }
logging: { vmodule: [{ filePattern: "a=b", verbosity: 3 }] }
logging: { format: xml }
logging: { verbosity: -1 }
logging: { options: { text: { splitStream: true } } }
logging: { options: { json: { infoBufferSize: 64Ki } } }
mode: nosuch
nftables: { masqueradeBit: 3, masqueradeAll: true, syncPeriod: 5s }
nodePortAddresses: [all]
nodePortAddresses: [localhost]
nodePortAddresses: [primary, localhost]
nodePortAddresses: [primary, 10.0.0.0/8, primary]
nodePortAddresses: [10.0.0.1]
nodePortAddresses: 10.0.0.0/8
nodePortAddresses: [10.0.0.0/8, null]
oomScoreAdj: 0
oomScoreAdj: null
oomScoreAdj: 1001
oomScoreAdj: "0"
portRange: 30-40
portRange: x
showHiddenMetricsForVersion: abc
showHiddenMetricsForVersion: "1.36"
windowsRunAsService: true
winkernel: { networkName: n, sourceVip: 10.0.0.1, enableDSR: true }
noSuchField: 1
oomScoreAdj: 1\\noomScoreAdj: 2
hostnameOverride: yes
hostnameOverride: 10:20
`
  .trim()
  .split('\n')
  .map((line) => line.replaceAll(String.raw`\n`, '\n'));

const HEAD = 'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n';

/** Whole files, by what is special about them. */
export const WHOLE_FILES: Readonly<Record<string, string>> = {
  empty: '',
  'only a comment': '# nothing\n',
  'no kind': 'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nmode: ipvs\n',
  'no apiVersion': 'kind: KubeProxyConfiguration\nmode: ipvs\n',
  'another version': 'apiVersion: kubeproxy.config.k8s.io/v1\nkind: KubeProxyConfiguration\n',
  'another kind': 'apiVersion: v1\nkind: ConfigMap\n',
  'a list': '- 1\n',
  'no YAML': '{',
  JSON: JSON.stringify({
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'ipvs',
    ipvs: { scheduler: 'lc' },
  }),
  'a marker before': `---\n${HEAD}mode: ipvs\n`,
  'a marker behind': `${HEAD}mode: ipvs\n---\n`,
  'two documents': `${HEAD}mode: ipvs\n---\n${HEAD}mode: ipvs\nclusterCIDR: 10.0.0.0/8\n`,
  'a byte order mark': `\uFEFF${HEAD}mode: ipvs\n`,
  'an anchor': `${HEAD}mode: &m ipvs\nhostnameOverride: *m\n`,
  'a tab': `${HEAD}mode: ipvs\nipvs:\n\tscheduler: rr\n`,
};

/** @param line of {@link FIELD_LINES} */
export function fileOf(line: string): string {
  return line.startsWith('mode:') ? `${HEAD}${line}\n` : `${HEAD}mode: ipvs\n${line}\n`;
}
