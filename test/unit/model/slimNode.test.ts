import { expect, test } from '@jest/globals';
import { slimNode } from '../../../src/model/slimNode.ts';

function node(fields: Record<string, unknown> = {}) {
  return { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-a' }, ...fields };
}

test('a Node keeps its IP addresses, internal ones first and canonical', () => {
  const addresses = [
    { type: 'Hostname', address: 'node-a' },
    { type: 'ExternalIP', address: '203.0.113.1' },
    { type: 'InternalIP', address: '192.168.1.10' },
    { type: 'InternalDNS', address: 'node-a.internal' },
    { type: 'InternalIP', address: 'FD00::0010' },
    { type: 'ExternalIP', address: '::ffff:203.0.113.002' },
    { type: 'ExternalIP', address: '192.168.1.10' },
  ];
  const { object, problems } = slimNode(node({ status: { addresses } }));
  expect(problems).toEqual([]);
  expect(object?.addresses).toEqual(['192.168.1.10', 'fd00::10', '203.0.113.1', '203.0.113.2']);
  expect(object?.externalAddresses).toEqual(['203.0.113.1', '203.0.113.2']);
});

test('a bad address is dropped alone', () => {
  const addresses = [
    { type: 'InternalIP', address: 'node-a' },
    { type: 'InternalIP', address: 5 },
    { type: 'InternalIP' },
    { type: 'InternalIP', address: '192.168.1.10' },
  ];
  const { object, problems } = slimNode(node({ status: { addresses } }));
  expect(object?.addresses).toEqual(['192.168.1.10']);
  expect(problems.map(({ path }) => path)).toEqual(
    [0, 1, 2].map((i) => `Node/node-a.status.addresses[${i}].address`),
  );
});

test('pod ranges come from podCIDRs, else from podCIDR, canonical', () => {
  expect(
    slimNode(node({ spec: { podCIDRs: ['10.244.001.7/24', 'fd00:1::/64'] } })).object?.podCIDRs,
  ).toEqual(['10.244.1.0/24', 'fd00:1::/64']);
  expect(slimNode(node({ spec: { podCIDR: '10.244.1.0/24' } })).object?.podCIDRs).toEqual([
    '10.244.1.0/24',
  ]);
  expect(slimNode(node({ spec: { podCIDR: '' } })).object?.podCIDRs).toEqual([]);
  const both = { podCIDRs: ['10.244.1.0/24'], podCIDR: '10.244.2.0/24' };
  expect(slimNode(node({ spec: both })).object?.podCIDRs).toEqual(['10.244.1.0/24']);
});

test('a bad pod range is dropped alone', () => {
  const { object, problems } = slimNode(
    node({ spec: { podCIDRs: ['10.244.1.0', '10.244.2.0/24'] } }),
  );
  expect(object?.podCIDRs).toEqual(['10.244.2.0/24']);
  expect(problems).toEqual([
    {
      path: 'Node/node-a.spec.podCIDRs[0]',
      value: '10.244.1.0',
      problem: 'must be address/length',
      consequence: 'ValueIgnored',
    },
  ]);
  expect(slimNode(node({ spec: { podCIDR: 'x' } })).problems[0]?.path).toBe(
    'Node/node-a.spec.podCIDR',
  );
});

test('the zone is that of the well-known label', () => {
  const labels = { 'topology.kubernetes.io/zone': 'z1' };
  expect(slimNode(node({ metadata: { name: 'node-a', labels } })).object?.zone).toBe('z1');
  expect(slimNode(node()).object).not.toHaveProperty('zone');
});

test('a Node that is being deleted or scaled down is leaving', () => {
  expect(slimNode(node()).object?.isLeaving).toBe(false);
  const deleted = { name: 'node-a', deletionTimestamp: '2026-01-02T03:04:05Z' };
  expect(slimNode(node({ metadata: deleted })).object?.isLeaving).toBe(true);
  const taints = [null, { key: 'other' }, { key: 'ToBeDeletedByClusterAutoscaler' }];
  expect(slimNode(node({ spec: { taints } })).object?.isLeaving).toBe(true);
  expect(slimNode(node({ spec: { taints: taints.slice(0, 2) } })).object?.isLeaving).toBe(false);
});

test('a Node without a name, or that is no object, is dropped', () => {
  expect(slimNode({ kind: 'Node' }).object).toBeUndefined();
  expect(slimNode('node-a').problems[0]?.path).toBe('Node/(unnamed)');
});
