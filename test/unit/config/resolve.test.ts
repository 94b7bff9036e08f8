import { expect, test } from '@jest/globals';
import type { Features } from '../../../src/config/featureKinds.ts';
import { RUN_FLAGS } from '../../../src/config/flags.ts';
import {
  API_VERSION,
  KIND,
  decodeConfiguration,
} from '../../../src/config/kubeProxyConfiguration.ts';
import { parseFlags } from '../../../src/config/parseFlags.ts';
import { resolveConfig } from '../../../src/config/resolve.ts';

interface Given {
  readonly flags?: readonly string[];
  readonly features?: Features;
  readonly file?: object;
  readonly isInCluster?: boolean;
}

const resolution = ({ flags = [], file, features = {}, isInCluster = false }: Given) => {
  const parsed = parseFlags(flags, RUN_FLAGS);
  expect(parsed.problems).toEqual([]);
  if (file === undefined) return resolveConfig({ flags: parsed.values, features, isInCluster });
  const { configuration } = decodeConfiguration({ apiVersion: API_VERSION, kind: KIND, ...file });
  return resolveConfig({
    flags: parsed.values,
    file: { path: 'config.conf', configuration: configuration! },
    isInCluster,
  });
};
const resolve = (given: Given) => {
  const { config, problems } = resolution(given);
  expect(problems).toBeUndefined();
  return config!;
};
const pathsOf = (given: Given) => resolution(given).problems?.map(({ path }) => path);

test('without anything it is ipvs with round robin, every change applied at once', () => {
  const config = resolve({});
  expect(config).toMatchObject({
    syncPeriodMs: 30_000,
    minSyncPeriodMs: 0,
    healthAddress: { address: '0.0.0.0', port: 10256 },
    metricsAddress: { address: '127.0.0.1', port: 10249 },
    oomScoreAdj: -999,
    dataplane: {
      scheduler: 'rr',
      masqueradeAll: false,
      masqueradeBit: 14,
      strictArp: false,
      excludeCidrs: [],
      nodePortAddresses: [],
      detectLocal: { mode: 'ClusterCIDR', cidrs: [] },
      timeoutsSec: { tcp: 0, tcpFin: 0, udp: 0 },
    },
    warnings: [],
  });
  expect(config).not.toHaveProperty('configFile');
});

test('the DaemonSet of kubeadm is accepted unchanged', () => {
  const config = resolve({
    flags: ['--config=/var/lib/kube-proxy/config.conf', '--hostname-override=Node-1'],
    file: {
      bindAddress: '0.0.0.0',
      bindAddressHardFail: false,
      clientConnection: {
        acceptContentTypes: '',
        burst: 0,
        contentType: '',
        kubeconfig: '/var/lib/kube-proxy/kubeconfig.conf',
        qps: 0,
      },
      clusterCIDR: '10.244.0.0/16',
      configSyncPeriod: '0s',
      conntrack: { maxPerCore: null, min: null, tcpCloseWaitTimeout: null },
      detectLocal: { bridgeInterface: '', interfaceNamePrefix: '' },
      detectLocalMode: '',
      enableProfiling: false,
      healthzBindAddress: '',
      hostnameOverride: '',
      iptables: {
        masqueradeAll: false,
        masqueradeBit: null,
        minSyncPeriod: '0s',
        syncPeriod: '0s',
      },
      ipvs: { excludeCIDRs: null, minSyncPeriod: '0s', scheduler: '', strictARP: true },
      logging: { flushFrequency: 0, options: { json: { infoBufferSize: '0' } }, verbosity: 0 },
      metricsBindAddress: '',
      mode: 'ipvs',
      nodePortAddresses: null,
      oomScoreAdj: null,
      portRange: '',
      showHiddenMetricsForVersion: '',
      winkernel: { enableDSR: false, forwardHealthCheckVip: false, networkName: '' },
    },
  });
  expect(config).toMatchObject({
    source: { kind: 'apiServer', kubeconfig: '/var/lib/kube-proxy/kubeconfig.conf', qps: 5 },
    hostnameOverride: 'Node-1',
    configFile: 'config.conf',
    dataplane: { strictArp: true },
    warnings: [],
  });
});

test('beside a file flags are ignored, but for the host name and logging', () => {
  const config = resolve({
    flags: ['--ipvs-scheduler=lc', '--healthz-port=0', '--hostname-override=n', '-v=4'],
    file: { ipvs: { scheduler: 'sh' }, logging: { verbosity: 1 }, hostnameOverride: 'other' },
  });
  expect(config).toMatchObject({
    dataplane: { scheduler: 'sh' },
    hostnameOverride: 'n',
    logging: { verbosity: 4 },
    healthAddress: { port: 10256 },
  });
  expect(config.warnings).toContain(
    'ignored because --config is given: --healthz-port, --ipvs-scheduler',
  );
});

test.each([
  [[], { isInitOnly: false, isTakeover: false }],
  [['--init-only'], { isInitOnly: true, isTakeover: false }],
  [['--takeover'], { isInitOnly: false, isTakeover: true }],
  [['--init-only=false', '--takeover=false'], { isInitOnly: false, isTakeover: false }],
])('%j: what else than to run is asked for', (flags, expected) => {
  expect(resolve({ flags })).toMatchObject(expected);
  expect(resolve({ flags, file: {} })).toMatchObject(expected);
});

test('patterns of --vmodule add to those of the file', () => {
  const { vmodule } = resolve({
    flags: ['--vmodule=b=2'],
    file: { logging: { vmodule: [{ filePattern: 'a', verbosity: 1 }] } },
  }).logging;
  expect(vmodule.map(({ filePattern }) => filePattern)).toEqual(['a', 'b']);
});

test('flags that the file cannot express stay effective', () => {
  const config = resolve({
    flags: ['--manifests', 'a', '--write-config-to=x'],
    file: {},
    isInCluster: true,
  });
  expect(config).toMatchObject({ source: { kind: 'manifests' }, writeConfigTo: 'x' });
});

test.each([
  [{}, { kind: 'manifests', paths: ['/etc/kubernetes/kube-ipvs/manifests'], isDefault: true }],
  [{ flags: ['--manifests=a'] }, { kind: 'manifests', paths: ['a'], isDefault: false }],
  [{ isInCluster: true }, { kind: 'apiServer', kubeconfig: '', master: '' }],
  [{ flags: ['--kubeconfig=k'] }, { kind: 'apiServer', kubeconfig: 'k' }],
  [{ flags: ['--master=http://m'] }, { kind: 'apiServer', master: 'http://m' }],
  [{ file: { clientConnection: { kubeconfig: 'k' } } }, { kind: 'apiServer', kubeconfig: 'k' }],
])('the source for %j', (given, source) => {
  expect(resolve(given).source).toMatchObject(source);
});

test('the periods of ipvs win over those of iptables', () => {
  expect(
    resolve({ flags: ['--iptables-sync-period=50s', '--iptables-min-sync-period=2s'] }),
  ).toMatchObject({
    syncPeriodMs: 50_000,
    minSyncPeriodMs: 2000,
  });
  expect(
    resolve({ flags: ['--ipvs-sync-period=10s', '--iptables-sync-period=50s'] }),
  ).toMatchObject({ syncPeriodMs: 10_000 });
});

test('in a file only the periods of ipvs count', () => {
  expect(resolve({ file: { iptables: { syncPeriod: '5s', minSyncPeriod: '3s' } } })).toMatchObject({
    syncPeriodMs: 30_000,
    minSyncPeriodMs: 0,
  });
});

test('servers are turned off by flags alone', () => {
  for (const word of ['--healthz-bind-address=', '--healthz-port=0']) {
    expect(resolve({ flags: [word] })).not.toHaveProperty('healthAddress');
  }
  for (const word of ['--metrics-bind-address=', '--metrics-port=0']) {
    expect(resolve({ flags: [word] })).not.toHaveProperty('metricsAddress');
  }
  expect(resolve({ file: { healthzBindAddress: '' } }).healthAddress?.port).toBe(10256);
});

test('a deprecated port completes an address without one, and says so', () => {
  const config = resolve({
    flags: ['--healthz-bind-address=10.0.0.1', '--healthz-port=99', '--metrics-port=98'],
  });
  expect(config.healthAddress).toEqual({ address: '10.0.0.1', port: 99 });
  expect(config.metricsAddress?.port).toBe(10249);
  expect(config.warnings.filter((line) => line.includes('deprecated'))).toHaveLength(2);
});

test('a timeout below a second does not become "leave it"', () => {
  const { timeoutsSec } = resolve({
    flags: ['--ipvs-tcp-timeout=500ms', '--ipvs-udp-timeout=2m'],
  }).dataplane;
  expect(timeoutsSec).toEqual({ tcp: 1, tcpFin: 0, udp: 120 });
});

test.each([
  [['--cluster-cidr=10.0.0.0/8, fd00::/8'], { mode: 'ClusterCIDR' }],
  [['--detect-local-mode=NodeCIDR'], { mode: 'NodeCIDR' }],
  [
    ['--detect-local-mode=BridgeInterface', '--pod-bridge-interface=cni0'],
    { mode: 'BridgeInterface', bridge: 'cni0' },
  ],
  [
    ['--detect-local-mode=InterfaceNamePrefix', '--pod-interface-name-prefix=cali'],
    { mode: 'InterfaceNamePrefix', prefix: 'cali' },
  ],
])('local traffic by %j', (flags, detectLocal) => {
  expect(resolve({ flags }).dataplane.detectLocal).toMatchObject(detectLocal);
});

test('what is set without effect is named in one warning, by flag or by field', () => {
  const byFlag = resolve({
    flags: [
      '--profiling',
      '--config-sync-period=15m',
      '--boot-id-file=x',
      '--feature-gates=A=true',
    ],
  });
  expect(byFlag.warnings).toEqual([
    'accepted, but without effect yet: --feature-gates, --boot-id-file',
  ]);
  const byFile = resolve({
    file: { conntrack: { min: 1 }, configSyncPeriod: '1m', featureGates: { A: true } },
  });
  expect(byFile.warnings).toEqual([
    'accepted, but without effect yet: configSyncPeriod, featureGates',
  ]);
});

test('manifests beside an API server: it is said which of them counts', () => {
  const said = 'Services are read from --manifests and not from the API server';
  const warnings = (...flags: string[]) => resolve({ flags }).warnings;
  expect(warnings('--manifests=a', '--kubeconfig=k')).toContain(said);
  expect(warnings('--manifests=a', '--master=https://192.0.2.1')).toContain(said);
  expect(warnings('--manifests=a')).not.toContain(said);
  expect(warnings('--kubeconfig=k')).not.toContain(said);
});

test('a scheduler that is not known is the kernel’s to judge, with a hint', () => {
  expect(resolve({ flags: ['--ipvs-scheduler=wr'] }).warnings.join()).toContain('scheduler wr');
});

test.each([
  ['dh', 'meet one endpoint; and the connections of an endpoint that leaves are cut at once'],
  ['lblc', 'nearly all connections of a Service address meet one endpoint'],
  ['fo', 'one gets every connection'],
  ['ovf', 'most connections are refused'],
])('a scheduler that harms Services is taken, with the reason why not: %s', (name, reason) => {
  const { warnings } = resolve({ flags: [`--ipvs-scheduler=${name}`] });
  expect(warnings).toEqual([
    expect.stringMatching(`^scheduler ${name} does not suit Services: .*${reason}`),
  ]);
});

test.each(['rr', 'wrr', 'lc', 'wlc', 'lblcr', 'sed', 'nq', 'sh', 'mh'])(
  'a scheduler that suits Services is taken without a word: %s',
  (name) => {
    expect(resolve({ flags: [`--ipvs-scheduler=${name}`] }).warnings).toEqual([]);
  },
);

test.each([[['--cleanup'], '--cleanup']])('%s is refused rather than ignored', (flags, path) => {
  expect(pathsOf({ flags })).toEqual([path]);
  expect(pathsOf({ flags: [`${path}=false`] })).toBeUndefined();
});

test.each<[string, unknown, string]>([
  ['proxy-mode', 'iptables', 'Mode'],
  ['proxy-mode', 'nftables', 'Mode'],
  ['iptables-masquerade-bit', 32, 'KubeProxyIPTablesConfiguration.MasqueradeBit'],
  ['iptables-masquerade-bit', -1, 'KubeProxyIPTablesConfiguration.MasqueradeBit'],
  ['ipvs-sync-period', '-1s', 'SyncPeriod'],
  ['ipvs-min-sync-period', '31s', 'MinSyncPeriod'],
  ['ipvs-min-sync-period', '-1s', 'MinSyncPeriod'],
  ['ipvs-tcp-timeout', '-1s', 'KubeProxyIPVSConfiguration.TCPTimeout'],
  ['ipvs-tcpfin-timeout', '-1s', 'KubeProxyIPVSConfiguration.TCPFinTimeout'],
  ['ipvs-udp-timeout', '-1s', 'KubeProxyIPVSConfiguration.UDPTimeout'],
  ['ipvs-scheduler', 'a-very-long-name', 'KubeProxyIPVSConfiguration.Scheduler'],
  ['ipvs-exclude-cidrs', '10.0.0.1', 'KubeProxyIPVSConfiguration.ExcludeCidrs'],
  ['conntrack-max-per-core', -1, 'KubeProxyConntrackConfiguration.MaxPerCore'],
  ['conntrack-min', -1, 'KubeProxyConntrackConfiguration.Min'],
  [
    'conntrack-tcp-timeout-established',
    '-1s',
    'KubeProxyConntrackConfiguration.TCPEstablishedTimeout',
  ],
  [
    'conntrack-tcp-timeout-close-wait',
    '-1s',
    'KubeProxyConntrackConfiguration.TCPCloseWaitTimeout',
  ],
  ['conntrack-udp-timeout', '-1s', 'KubeProxyConntrackConfiguration.UDPTimeout'],
  ['conntrack-udp-timeout-stream', '-1s', 'KubeProxyConntrackConfiguration.UDPStreamTimeout'],
  ['oom-score-adj', -1001, 'KubeProxyLinuxConfiguration.OOMScoreAdj'],
  ['kube-api-burst', -1, 'ClientConnection.Burst'],
  ['config-sync-period', '0s', 'ConfigSyncPeriod'],
  ['bind-address', 'localhost', 'BindAddress'],
  ['healthz-bind-address', 'localhost:80', 'HealthzBindAddress'],
  ['metrics-bind-address', '0.0.0.0:0', 'MetricsBindAddress'],
  ['proxy-port-range', 'x', 'PortRange'],
  ['detect-local-mode', 'NodeCidr', 'DetectLocalMode'],
  ['cluster-cidr', '10.0.0.0', 'DetectLocalConfiguration.ClusterCIDRs'],
  ['logging-format', 'xml', 'logging.format'],
  ['log-flush-frequency', '-1s', 'logging.flushFrequency'],
  ['v', -1, 'logging.verbosity'],
])('--%s=%s is a problem at %s', (flag, value, path) => {
  const { problems } = resolution({ flags: [`--${flag}=${String(value)}`] });
  expect(problems).toHaveLength(1);
  expect(problems?.[0]?.path).toBe(`KubeProxyConfiguration.${path}`);
  expect(problems?.[0]?.problem).toContain(`--${flag}`);
});

test.each([
  [['--detect-local-mode=BridgeInterface'], 'DetectLocalConfiguration.InterfaceName'],
  [['--detect-local-mode=InterfaceNamePrefix'], 'DetectLocalConfiguration.InterfacePrefix'],
  [['--detect-local-mode=ClusterCIDR'], 'DetectLocalConfiguration.ClusterCIDRs'],
  [
    ['--detect-local-mode=ClusterCIDR', '--cluster-cidr=10.0.0.0/8,11.0.0.0/8'],
    'DetectLocalConfiguration.ClusterCIDRs',
  ],
  [['--nodeport-addresses=10.0.0.1,primary'], 'NodePortAddresses'],
])('%j is a problem at %s', (flags, path) => {
  expect(pathsOf({ flags })).toEqual([`KubeProxyConfiguration.${path}`]);
});

test('a period of zero is an error as a flag and the default in a file', () => {
  expect(pathsOf({ flags: ['--ipvs-sync-period=0'] })).toEqual([
    'KubeProxyConfiguration.SyncPeriod',
  ]);
  expect(resolve({ file: { ipvs: { syncPeriod: '0s' } } }).syncPeriodMs).toBe(30_000);
});

test('everything wrong is reported together', () => {
  expect(
    pathsOf({ flags: ['--proxy-mode=iptables', '--bind-address=x', '--conntrack-min=-1'] }),
  ).toHaveLength(3);
});

test('the values that kube-proxy accepts are accepted', () => {
  const { dataplane } = resolve({
    flags: [
      '--proxy-mode=ipvs',
      '--ipvs-exclude-cidrs=010.0.0.0/8',
      '--nodeport-addresses=primary',
      '--cluster-cidr=10.0.0.0/8,11.0.0.0/8',
      '--proxy-port-range=30-40',
    ],
  });
  expect(dataplane.nodePortAddresses).toEqual(['primary']);
  expect(dataplane.excludeCidrs).toEqual([{ family: 'IPv4', address: '10.0.0.0', length: 8 }]);
});

test.each<[flags: readonly string[], features: Features, isTakeover: boolean]>([
  [[], {}, false],
  [[], { settings: { takeover: false } }, false],
  [[], { settings: { takeover: true } }, true],
  [['--takeover'], { settings: { takeover: false } }, true],
  [['--takeover=false'], { settings: { takeover: true } }, false],
])(
  'with %j and our own documents %j takeover is %j: the flag wins',
  (flags, features, isTakeover) => {
    expect(resolve({ flags, features })).toMatchObject({ isTakeover, features });
  },
);
