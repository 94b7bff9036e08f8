import { expect, test } from '@jest/globals';
import {
  API_VERSION,
  KIND,
  decodeConfiguration,
  defaultConfiguration,
} from '../../../src/config/kubeProxyConfiguration.ts';

const decode = (fields: object) =>
  decodeConfiguration({ apiVersion: API_VERSION, kind: KIND, ...fields });

test('the defaults are those of v1alpha1', () => {
  expect(defaultConfiguration()).toMatchObject({
    clientConnection: { contentType: 'application/vnd.kubernetes.protobuf', qps: 5, burst: 10 },
    logging: { format: 'text', flushFrequency: '5s', verbosity: 0 },
    bindAddress: '0.0.0.0',
    healthzBindAddress: '0.0.0.0:10256',
    metricsBindAddress: '127.0.0.1:10249',
    mode: '',
    iptables: {
      masqueradeBit: 14,
      masqueradeAll: false,
      localhostNodePorts: true,
      syncPeriod: '30s',
      minSyncPeriod: '1s',
    },
    ipvs: {
      syncPeriod: '30s',
      minSyncPeriod: '0s',
      scheduler: '',
      excludeCIDRs: [],
      strictARP: false,
      tcpTimeout: '0s',
      tcpFinTimeout: '0s',
      udpTimeout: '0s',
    },
    nftables: {
      masqueradeBit: 14,
      masqueradeAll: false,
      syncPeriod: '30s',
      minSyncPeriod: '1s',
    },
    winkernel: {
      networkName: '',
      sourceVip: '',
      enableDSR: false,
      rootHnsEndpointName: '',
      forwardHealthCheckVip: false,
    },
    detectLocalMode: '',
    detectLocal: { bridgeInterface: '', interfaceNamePrefix: '' },
    clusterCIDR: '',
    nodePortAddresses: [],
    portRange: '',
    enableProfiling: false,
    bindAddressHardFail: false,
    oomScoreAdj: -999,
    conntrack: {
      maxPerCore: 32768,
      min: 131072,
      tcpEstablishedTimeout: '24h0m0s',
      tcpCloseWaitTimeout: '1h0m0s',
      tcpBeLiberal: false,
      udpTimeout: '0s',
      udpStreamTimeout: '0s',
    },
    configSyncPeriod: '15m0s',
  });
});

test('null and zero are the default in plain fields', () => {
  const { configuration } = decode({
    ipvs: { syncPeriod: '0s', excludeCIDRs: null },
    clientConnection: { qps: 0, burst: 0, contentType: '' },
    configSyncPeriod: '0s',
    bindAddress: '',
    nodePortAddresses: null,
    iptables: null,
  });
  expect(configuration).toEqual(defaultConfiguration());
});

test('pointer fields keep an explicit zero and take the default for null', () => {
  const zero = {
    iptables: { masqueradeBit: 0, localhostNodePorts: false },
    oomScoreAdj: 0,
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
  };
  expect(decode(zero).configuration).toMatchObject(zero);
  const unset = {
    iptables: { masqueradeBit: null, localhostNodePorts: null },
    oomScoreAdj: null,
    conntrack: { maxPerCore: null, min: null, tcpEstablishedTimeout: null },
  };
  expect(decode(unset).configuration).toEqual(defaultConfiguration());
});

test('server addresses follow the family of bindAddress and get their ports', () => {
  expect(decode({ bindAddress: '::' }).configuration).toMatchObject({
    healthzBindAddress: '[::]:10256',
    metricsBindAddress: '[::1]:10249',
  });
  expect(
    decode({ healthzBindAddress: '10.0.0.1', metricsBindAddress: 'fd00::1' }).configuration,
  ).toMatchObject({
    healthzBindAddress: '10.0.0.1:10256',
    metricsBindAddress: '[fd00::1]:10249',
  });
});

test('durations are kept in the form of Go, the flush frequency also as nanoseconds', () => {
  const { configuration } = decode({
    ipvs: { syncPeriod: '90s' },
    logging: { flushFrequency: 1_500_000_000 },
  });
  expect(configuration?.ipvs.syncPeriod).toBe('1m30s');
  expect(configuration?.logging.flushFrequency).toBe('1.5s');
});

test('quantities may be text or a number', () => {
  const options = { json: { infoBufferSize: '64Ki' }, text: { infoBufferSize: 1024 } };
  expect(decode({ logging: { options } }).configuration?.logging.options).toMatchObject({
    json: { infoBufferSize: '64Ki' },
    text: { infoBufferSize: '1024' },
  });
});

test('unknown fields are named with what was perhaps meant, at every depth', () => {
  const { unknown, configuration } = decode({
    ipvs: { syncPeriodd: '3s', syncPeriod: '5s' },
    udpIdleTimeout: '1s',
    logging: { vmodule: [{ filePattern: 'x', verbositi: 3 }] },
    toString: 1,
  });
  expect(unknown).toEqual([
    { path: 'ipvs.syncPeriodd', value: '3s', suggestion: ' (did you mean syncPeriod?)' },
    { path: 'udpIdleTimeout', value: '1s', suggestion: '' },
    { path: 'logging.vmodule[0].verbositi', value: 3, suggestion: ' (did you mean verbosity?)' },
    { path: 'toString', value: 1, suggestion: '' },
  ]);
  expect(configuration?.ipvs.syncPeriod).toBe('5s');
});

test.each([
  [{ ipvs: { syncPeriod: 30 } }, 'ipvs.syncPeriod', 30],
  [{ ipvs: { syncPeriod: '30' } }, 'ipvs.syncPeriod', '30'],
  [{ ipvs: [1] }, 'ipvs', [1]],
  [{ ipvs: 'x' }, 'ipvs', 'x'],
  [{ ipvs: { excludeCIDRs: 'x' } }, 'ipvs.excludeCIDRs', 'x'],
  [{ ipvs: { excludeCIDRs: ['x', 1] } }, 'ipvs.excludeCIDRs[1]', 1],
  [{ ipvs: { strictARP: 'true' } }, 'ipvs.strictARP', 'true'],
  [{ iptables: { masqueradeBit: 1.5 } }, 'iptables.masqueradeBit', 1.5],
  [{ conntrack: { min: 2 ** 31 } }, 'conntrack.min', 2 ** 31],
  [{ clientConnection: { qps: '5' } }, 'clientConnection.qps', '5'],
  [{ featureGates: { A: 'x' } }, 'featureGates.A', 'x'],
  [
    { logging: { options: { json: { infoBufferSize: '1KB' } } } },
    'logging.options.json.infoBufferSize',
    '1KB',
  ],
  [{ logging: { verbosity: -1 } }, 'logging.verbosity', -1],
  [{ mode: 1 }, 'mode', 1],
  [{ kind: 'KubeletConfiguration' }, 'kind', 'KubeletConfiguration'],
  [{ apiVersion: 'kubeproxy.config.k8s.io/v1' }, 'apiVersion', 'kubeproxy.config.k8s.io/v1'],
])('a wrong type is a problem at its dotted path: %j', (fields, path, value) => {
  const { problems } = decode(fields);
  expect(problems).toHaveLength(1);
  expect(problems?.[0]).toMatchObject({ path, value });
});

test('every wrong field is reported', () => {
  const { problems } = decodeConfiguration({ kind: KIND, mode: 1, ipvs: { scheduler: 2 } });
  expect(problems?.map(({ path }) => path)).toEqual(['apiVersion', 'mode', 'ipvs.scheduler']);
});

test.each([null, [], 'text', 3])('%j is no configuration', (document) => {
  expect(decodeConfiguration(document).problems).toEqual([
    { path: KIND, value: document, problem: `must be an object with kind: ${KIND}` },
  ]);
});
