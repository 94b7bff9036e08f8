import { expect, test } from '@jest/globals';
import type { Features } from '../../../src/config/featureKinds.ts';
import { defaultLoadBalancer } from '../../../src/config/loadBalancer/assemble.ts';
import { resolveConfig } from '../../../src/config/resolve.ts';
import { pathsOf, resolve } from '../../support/objects/resolution.ts';

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
    hostnameOverride: 'node-1',
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

test('patterns of --vmodule come before those of the file', () => {
  const { vmodule } = resolve({
    flags: ['--vmodule=b=2'],
    file: { logging: { vmodule: [{ filePattern: 'a', verbosity: 1 }] } },
  }).logging;
  expect(vmodule.map(({ filePattern }) => filePattern)).toEqual(['b', 'a']);
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

test('the periods of iptables are of another mode', () => {
  const config = resolve({
    flags: ['--iptables-sync-period=0', '--iptables-min-sync-period=2s', '--ipvs-sync-period=10s'],
  });
  expect(config).toMatchObject({ syncPeriodMs: 10_000, minSyncPeriodMs: 0 });
  expect(config.warnings).toEqual([
    'accepted, but without effect: --iptables-sync-period, --iptables-min-sync-period',
  ]);
});

test('in a file only the periods of ipvs count', () => {
  expect(resolve({ file: { iptables: { syncPeriod: '5s', minSyncPeriod: '3s' } } })).toMatchObject({
    syncPeriodMs: 30_000,
    minSyncPeriodMs: 0,
  });
});

test('servers are turned off by flags alone, and by their port', () => {
  expect(resolve({ flags: ['--healthz-port=0'] })).not.toHaveProperty('healthAddress');
  expect(resolve({ flags: ['--metrics-port=0'] })).not.toHaveProperty('metricsAddress');
  expect(resolve({ file: { healthzBindAddress: '' } }).healthAddress?.port).toBe(10256);
});

test('an empty address counts as not given, as in kube-proxy', () => {
  const config = resolve({
    flags: ['--bind-address=', '--healthz-bind-address=', '--metrics-bind-address='],
  });
  expect(config).toMatchObject({
    bindAddress: '0.0.0.0',
    healthAddress: { address: '0.0.0.0', port: 10256 },
    metricsAddress: { address: '127.0.0.1', port: 10249 },
    warnings: [
      'empty, which counts as not given: --bind-address, --healthz-bind-address, --metrics-bind-address',
    ],
  });
});

test('what is written for --write-config-to has every server on, since a file cannot say "off"', () => {
  const flags = ['--healthz-port=0', '--metrics-port=0', '--write-config-to=x'];
  const { document, warnings } = resolve({ flags });
  expect(document).toMatchObject({
    healthzBindAddress: '0.0.0.0:10256',
    metricsBindAddress: '127.0.0.1:10249',
  });
  expect(warnings.join()).toContain('a file cannot turn the health or metrics server off');
});

test('an empty mode is filled in with what it means', () => {
  for (const given of [{}, { file: { mode: '', detectLocalMode: '' } }]) {
    expect(resolve(given).document).toMatchObject({ mode: 'ipvs', detectLocalMode: 'ClusterCIDR' });
  }
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
  [['--cluster-cidr=10.0.0.0/8,fd00::/8'], { mode: 'ClusterCIDR' }],
  [['--detect-local-mode=ClusterCIDR'], { mode: 'ClusterCIDR', cidrs: [] }],
  [['--detect-local-mode=NodeCIDR', '--cluster-cidr=x'], { mode: 'NodeCIDR' }],
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
    flags: ['--profiling', '--config-sync-period=15m', '--kube-api-content-type=application/json'],
  });
  expect(byFlag.warnings).toEqual(['accepted, but without effect: --kube-api-content-type']);
  const byFile = resolve({
    file: { conntrack: { min: 1 }, configSyncPeriod: '1m', showHiddenMetricsForVersion: '1.36' },
  });
  expect(byFile.warnings).toEqual([
    'accepted, but without effect: configSyncPeriod, showHiddenMetricsForVersion',
  ]);
});

test.each([
  [{}, true],
  [{ AllowServiceExternalIPs: true }, true],
  [{ AllowServiceExternalIPs: false }, false],
])('by the gates %j externalIPs are served: %s', (featureGates, isServed) => {
  const flags = Object.entries(featureGates).map(([name, isOn]) => `${name}=${isOn}`);
  for (const from of [{ file: { featureGates } }, { flags: [`--feature-gates=${flags.join()}`] }])
    expect(resolve(from).dataplane.allowsExternalIPs).toBe(isServed);
});

test('flags of older kube-proxies are taken, and named as gone', () => {
  const { warnings } = resolve({
    flags: ['--proxy-port-range=x', '--logtostderr', '--boot-id-file', '/b', '--v=1'],
  });
  expect(warnings).toEqual([
    'flags that kube-proxy v1.37.2 no longer has and ends at; they do nothing, take them out: ' +
      '--proxy-port-range, --boot-id-file, --logtostderr',
  ]);
});

test('a version of the release that this stands in for may be claimed, and does nothing', () => {
  expect(resolve({ flags: ['--version=v1.37.2-eks.1'] }).warnings).toEqual([
    '--version=v1.37.2-eks.1 changes no version here',
  ]);
  for (const claimed of ['v1.37.20', 'v1.36.2', 'v9']) {
    expect(pathsOf({ flags: [`--version=${claimed}`] })).toEqual(['--version']);
  }
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

test.each<[flags: readonly string[], features: Features, isTakeover: boolean]>([
  [[], {}, false],
  [[], { settings: { takeover: false, cleanupOtherModes: false } }, false],
  [[], { settings: { takeover: true, cleanupOtherModes: false } }, true],
  [['--takeover'], { settings: { takeover: false, cleanupOtherModes: false } }, true],
  [['--takeover=false'], { settings: { takeover: true, cleanupOtherModes: false } }, false],
])(
  'with %j and our own documents %j takeover is %j: the flag wins',
  (flags, features, isTakeover) => {
    expect(resolve({ flags, features })).toMatchObject({ isTakeover, features });
  },
);

test('a cleanup is what its flags say, and a dry run is one of it only', () => {
  const of = (...flags: string[]) => {
    const { isCleanup, isDryRun, cleansOtherModes } = resolve({ flags });
    return [isCleanup, isDryRun, cleansOtherModes];
  };
  expect(of()).toEqual([false, false, false]);
  expect(of('--cleanup')).toEqual([true, false, false]);
  expect(of('--cleanup', '--dry-run', '--cleanup-other-modes')).toEqual([true, true, true]);
  expect(of('--cleanup-other-modes')).toEqual([false, false, true]);
  expect(pathsOf({ flags: ['--dry-run'] })).toEqual(['--dry-run']);
});

test('leftovers of other modes go by a document too, and the flag wins', () => {
  const features = { settings: { takeover: false, cleanupOtherModes: true } };
  expect(resolve({ flags: [], features }).cleansOtherModes).toBe(true);
  const flags = ['--cleanup-other-modes=false'];
  expect(resolve({ flags, features }).cleansOtherModes).toBe(false);
});

test('a proxy stands for giving out addresses unless a flag says no', () => {
  const of = (...flags: string[]) => resolve({ flags }).mayAllocate;
  expect([of(), of('--load-balancer-allocator'), of('--load-balancer-allocator=false')]).toEqual([
    true,
    true,
    false,
  ]);
});

test.each([
  [true, true],
  [false, false],
])('with an announcer that is %s the kernel answers ARP strictly: %s', (enabled, strictArp) => {
  const loadBalancer = defaultLoadBalancer();
  const announcer = { ...loadBalancer.announcer, enabled };
  const features: Features = { loadBalancer: { ...loadBalancer, announcer } };
  const { config } = resolveConfig({ flags: new Map(), features, isInCluster: false });
  expect(config?.dataplane.strictArp).toBe(strictArp);
});
