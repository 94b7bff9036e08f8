import { expect, test } from '@jest/globals';
import { fieldOf } from '../../../src/config/applyFlags.ts';
import { flagHelp } from '../../../src/config/flagHelp.ts';
import { RUN_FLAGS } from '../../../src/config/flags.ts';
import { defaultConfiguration } from '../../../src/config/kubeProxyConfiguration.ts';

/** kube-proxy's, of 1.37.2. */
const KUBE_PROXY_FLAGS =
  `bind-address bind-address-hard-fail cleanup cluster-cidr config config-sync-period
  conntrack-max-per-core conntrack-min conntrack-tcp-be-liberal conntrack-tcp-timeout-close-wait
  conntrack-tcp-timeout-established conntrack-udp-timeout conntrack-udp-timeout-stream detect-local-mode feature-gates
  healthz-bind-address healthz-port help hostname-override init-only iptables-localhost-nodeports iptables-masquerade-bit
  iptables-min-sync-period iptables-sync-period ipvs-exclude-cidrs ipvs-min-sync-period ipvs-scheduler ipvs-strict-arp
  ipvs-sync-period ipvs-tcp-timeout ipvs-tcpfin-timeout ipvs-udp-timeout kube-api-burst kube-api-content-type kube-api-qps
  kubeconfig log-flush-frequency log-json-info-buffer-size log-json-split-stream log-text-info-buffer-size
  log-text-split-stream logging-format masquerade-all master metrics-bind-address metrics-port
  nodeport-addresses oom-score-adj pod-bridge-interface pod-interface-name-prefix profiling proxy-mode
  show-hidden-metrics-for-version v version vmodule write-config-to`.split(/\s+/);

const OURS = [
  'cleanup-other-modes',
  'dry-run',
  'features',
  'load-balancer-allocator',
  'manifests',
  'takeover',
];

test('every flag of kube-proxy is there, and beside them only ours', () => {
  const present = RUN_FLAGS.filter(({ isGone }) => isGone !== true);
  expect(present.map(({ name }) => name).toSorted()).toEqual(
    [...KUBE_PROXY_FLAGS, ...OURS].toSorted(),
  );
});

test('no flag is there twice', () => {
  const names = RUN_FLAGS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});

test('every field that a flag sets exists in the configuration', () => {
  const standard = defaultConfiguration();
  for (const flag of RUN_FLAGS) {
    for (const field of flag.fields ?? []) {
      expect([flag.name, field, fieldOf(standard, field)]).not.toContain(undefined);
    }
  }
});

test('the default that --help shows is the one of the configuration', () => {
  const standard = defaultConfiguration();
  for (const flag of RUN_FLAGS) {
    const field = flag.fields?.at(-1);
    // Of these two the configuration holds nothing until it is resolved.
    if (['ipvs-scheduler', 'detect-local-mode'].includes(flag.name)) continue;
    if (flag.default === undefined || field === undefined) continue;
    expect([flag.name, String(fieldOf(standard, field))]).toEqual([flag.name, flag.default]);
  }
});

test('no default that is more than "nothing" is missing in --help', () => {
  const standard = defaultConfiguration();
  const untold = RUN_FLAGS.filter((flag) => {
    const value = fieldOf(standard, flag.fields?.at(-1) ?? '');
    const isSomething = ['number', 'string'].includes(typeof value) && Boolean(value);
    return flag.default === undefined && isSomething;
  });
  expect(untold.map(({ name }) => name)).toEqual([]);
});

test('--help shows every flag once, in lines of at most 100 columns', () => {
  const help = flagHelp(RUN_FLAGS);
  for (const { name } of RUN_FLAGS) {
    expect(help.match(new RegExp(`--${name}( |$)`, 'gm'))?.length ?? 0).toBeGreaterThan(0);
  }
  expect(help.split('\n').filter((line) => line.length > 100)).toEqual([]);
});

test('flags without effect are listed apart', () => {
  const [, apart = ''] = flagHelp(RUN_FLAGS).split('without effect:');
  expect(apart).toContain('--log-flush-frequency');
  expect(apart).not.toContain('--conntrack-min');
  expect(apart).not.toContain('--ipvs-scheduler');
});

test('beside a file the host name and the flags of logging count, and no others with a field', () => {
  const winners = RUN_FLAGS.filter((flag) => flag.winsOverFile).map(({ name }) => name);
  expect(winners.toSorted()).toEqual(
    `hostname-override log-flush-frequency log-json-info-buffer-size log-json-split-stream log-text-info-buffer-size
    log-text-split-stream logging-format v vmodule`.split(/\s+/),
  );
});

test('--help says what follows a flag, its default, and that it is deprecated', () => {
  const help = flagHelp(RUN_FLAGS);
  for (const head of [
    '  --config FILE',
    '  --kubeconfig FILE',
    '  --ipvs-tcp-timeout DURATION',
    '  --kube-api-burst N',
    '  --log-json-info-buffer-size QUANTITY',
    '  --nodeport-addresses CIDR,…',
    '  --manifests PATH…',
    '  --masquerade-all',
  ]) {
    expect(help.split('\n')).toContain(head);
  }
  expect(help).toMatch(/--metrics-bind-address .*\n(.*\n)*?.*\(default 127\.0\.0\.1:10249\)/);
  expect(help).toMatch(/--healthz-port N\n(.*\n)*?.* DEPRECATED: use --healthz-bind-address/);
});
