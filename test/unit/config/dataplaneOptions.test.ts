import { expect, test } from '@jest/globals';
import { buildDataplaneOptions } from '../../../src/config/dataplaneOptions.ts';
import { RUN_FLAGS } from '../../../src/config/flags.ts';
import { parseFlags } from '../../../src/config/parseFlags.ts';
import { resolveConfig } from '../../../src/config/resolve.ts';
import type { Family } from '../../../src/net/family.ts';
import { parsePrefix } from '../../../src/net/prefix.ts';

const build = (
  flags: readonly string[],
  podCIDRs: readonly string[] = [],
  families: readonly Family[] = ['IPv4', 'IPv6'],
) => {
  const { values } = parseFlags(['--nodeport-addresses=primary', ...flags], RUN_FLAGS);
  const { config } = resolveConfig({ flags: values, isInCluster: true });
  return buildDataplaneOptions(config!.dataplane, { name: 'n1', podCIDRs, families });
};
const prefix = (text: string) => ({ kind: 'prefix', prefix: parsePrefix(text) });
const NONE = { kind: 'none' };

test('ClusterCIDR takes the CIDR of each family', () => {
  const { options, warnings } = build(['--cluster-cidr=10.0.0.0/8,fd00::/8']);
  expect(options.detectLocal).toEqual({ IPv4: prefix('10.0.0.0/8'), IPv6: prefix('fd00::/8') });
  expect(warnings).toEqual([]);
});

test('NodeCIDR takes the first pod CIDR of each family', () => {
  const { options } = build(['--detect-local-mode=NodeCIDR'], ['fd00:1::/64', '10.244.1.0/24']);
  expect(options.detectLocal).toEqual({
    IPv4: prefix('10.244.1.0/24'),
    IPv6: prefix('fd00:1::/64'),
  });
});

test.each([
  [['--detect-local-mode=BridgeInterface', '--pod-bridge-interface=cni0'], 'cni0'],
  [['--detect-local-mode=InterfaceNamePrefix', '--pod-interface-name-prefix=cali'], 'cali+'],
])('%j matches an interface in both families', (flags, match) => {
  const detector = { kind: 'interface', match };
  expect(build(flags).options.detectLocal).toEqual({ IPv4: detector, IPv6: detector });
});

test('without any CIDR there is no detector, and that is said once', () => {
  const { options, warnings, problems } = build([]);
  expect(options.detectLocal).toEqual({ IPv4: NONE, IPv6: NONE });
  expect(warnings).toEqual([expect.stringContaining('no IPv4 or IPv6 CIDR in clusterCIDR')]);
  expect(problems).toEqual([]);
});

test('a family without CIDR is a warning on a dual-stack node', () => {
  const { options, warnings, problems } = build(
    ['--detect-local-mode=NodeCIDR'],
    ['10.244.1.0/24'],
  );
  expect(options.detectLocal.IPv6).toEqual(NONE);
  expect(warnings).toEqual([expect.stringContaining('Node n1 has no IPv6 CIDR')]);
  expect(problems).toEqual([]);
});

test('a detector of the other family alone is fatal on a single-stack node', () => {
  expect(build(['--cluster-cidr=fd00::/8'], [], ['IPv4']).problems).toEqual([
    expect.objectContaining({ value: 'fd00::/8' }),
  ]);
});

test.each([[['IPv4']], [['IPv4', 'IPv6']]] as [Family[]][])(
  'a Node without any CIDR of %j is waited for',
  (families) => {
    const flags = ['--detect-local-mode=NodeCIDR'];
    const { options, warnings, waiting, problems } = build(flags, [], families);
    expect(options.detectLocal).toEqual({ IPv4: NONE, IPv6: NONE });
    expect([warnings, problems]).toEqual([[], []]);
    expect(waiting).toEqual([
      expect.objectContaining({ path: 'Node/n1.spec.podCIDRs', consequence: 'PodsNotTold' }),
    ]);
    expect(build(flags, ['10.244.1.0/24'], families).waiting).toEqual([]);
  },
);

test('addresses of a family that the node lacks, or does not name, are warned of', () => {
  const flags = ['--cluster-cidr=10.0.0.0/8', '--ipvs-exclude-cidrs=fd00::/8'];
  expect(build(flags, [], ['IPv4']).warnings).toEqual([
    expect.stringContaining('excludeCIDRs of a family that this node does not have: fd00::/8'),
  ]);
  const { values } = parseFlags(['--nodeport-addresses=10.0.0.0/8'], RUN_FLAGS);
  const { config } = resolveConfig({ flags: values, isInCluster: true });
  const node = { name: 'n', podCIDRs: [], families: ['IPv4', 'IPv6'] as const };
  expect(buildDataplaneOptions(config!.dataplane, node).nodePortWarnings.join()).toContain(
    'nodePortAddresses holds no IPv6 CIDR',
  );
});

test('NodePorts on every address are pointed out', () => {
  const { values } = parseFlags([], RUN_FLAGS);
  const { config } = resolveConfig({ flags: values, isInCluster: true });
  const node = { name: 'n', podCIDRs: [], families: ['IPv4'] as const };
  expect(buildDataplaneOptions(config!.dataplane, node).nodePortWarnings.join()).toContain(
    '"primary"',
  );
});

test.each([
  ['all', []],
  ['primary', []],
  ['127.0.0.0/8,10.0.0.0/8', []],
  ['127.9.0.0/16,10.0.0.0/8', ['in 127.0.0.0/8): 127.9.0.0/16']],
])('of NodePort addresses %s is said: %j', (given, said) => {
  const { values } = parseFlags([`--nodeport-addresses=${given}`], RUN_FLAGS);
  const { config } = resolveConfig({ flags: values, isInCluster: true });
  const node = { name: 'n', podCIDRs: [], families: ['IPv4'] as const };
  const { nodePortWarnings } = buildDataplaneOptions(config!.dataplane, node);
  expect(nodePortWarnings).toEqual(said.map((text) => expect.stringContaining(text)));
});

test('everything else is handed through', () => {
  expect(
    build(['--ipvs-scheduler=sh', '--masquerade-all', '--ipvs-strict-arp']).options,
  ).toMatchObject({
    scheduler: 'sh',
    masqueradeAll: true,
    strictArp: true,
    masqueradeBit: 14,
    nodePortAddresses: ['primary'],
  });
});
