import { expect, test } from '@jest/globals';
import { pathsOf, resolution, resolve } from '../../support/objects/resolution.ts';

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
  ['show-hidden-metrics-for-version', 'abc', 'ShowHiddenMetricsForVersion'],
  ['show-hidden-metrics-for-version', '1.37', 'ShowHiddenMetricsForVersion'],
  ['feature-gates', 'NoSuchGate=true', 'FeatureGates'],
  ['cluster-cidr', '10.0.0.0/8,11.0.0.0/8', 'DetectLocalConfiguration.ClusterCIDRs'],
  ['cluster-cidr', '10.0.0.0/8,fd00::/64,fd01::/64', 'DetectLocalConfiguration.ClusterCIDRs'],
  ['cluster-cidr', '10.0.0.0/8, fd00::/64', 'DetectLocalConfiguration.ClusterCIDRs'],
  ['nodeport-addresses', 'primary,primary', 'NodePortAddresses'],
  ['log-text-split-stream', true, 'logging.options.text.splitStream'],
  ['log-json-info-buffer-size', '4Mi', 'logging.options.json.infoBufferSize'],
  ['detect-local-mode', 'NodeCidr', 'DetectLocalMode'],
  ['cluster-cidr', '10.0.0.0', 'DetectLocalConfiguration.ClusterCIDRs'],
  ['logging-format', 'xml', 'logging.format'],
  ['log-flush-frequency', '0s', 'logging.flushFrequency'],
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
  [['--logging-format=json', '--vmodule=a=1'], 'logging.vmodule'],
  [['--nodeport-addresses=10.0.0.1,primary'], 'NodePortAddresses'],
])('%j is a problem at %s', (flags, path) => {
  expect(pathsOf({ flags })).toEqual([`KubeProxyConfiguration.${path}`]);
});

test('what is none of a few words is told which there are', () => {
  const [mode] = resolution({ flags: ['--detect-local-mode=NodeCidr'] }).problems ?? [];
  expect(mode?.problem).toContain(
    'must be one of ClusterCIDR, NodeCIDR, BridgeInterface, InterfaceNamePrefix',
  );
});

test.each([
  [['--cluster-cidr='], '--cluster-cidr'],
  [['--hostname-override=  '], '--hostname-override'],
])('%j is a problem of the flag, since the configuration cannot tell it', (flags, path) => {
  expect(pathsOf({ flags })).toEqual([path]);
});

test('an empty value that the mode or the file makes harmless is none', () => {
  expect(pathsOf({ flags: ['--cluster-cidr=', '--detect-local-mode=NodeCIDR'] })).toBeUndefined();
  expect(pathsOf({ flags: ['--cluster-cidr='], file: {} })).toBeUndefined();
  expect(resolve({ flags: ['--hostname-override='] }).hostnameOverride).toBe('');
});

test('with its gate on an alpha option of the log is taken', () => {
  const flags = ['--feature-gates=LoggingAlphaOptions=true', '--log-text-split-stream'];
  expect(pathsOf({ flags })).toBeUndefined();
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
      '--cluster-cidr=10.0.0.0/8,fd00::/8',
    ],
  });
  expect(dataplane.nodePortAddresses).toEqual(['primary']);
  expect(dataplane.excludeCidrs).toEqual([{ family: 'IPv4', address: '10.0.0.0', length: 8 }]);
});

test('split streams of the log in a file are lost, as in kube-proxy, and so need no gate', () => {
  const logging = { options: { text: { splitStream: true }, json: { splitStream: true } } };
  expect(resolve({ file: { logging } }).document.logging.options).toMatchObject({
    text: { splitStream: false },
    json: { splitStream: false },
  });
});
