import { expect, test } from '@jest/globals';
import { addressesWithin, PodRanges } from '../../../src/desired/podRanges.ts';
import type { NodeResource } from '../../../src/model/resources.ts';
import { formatPrefix, parsePrefix } from '../../../src/net/prefix.ts';

const node = (name: string, ...podCIDRs: string[]): NodeResource => ({
  name,
  addresses: [],
  podCIDRs,
  isLeaving: false,
});

function rangesOf(...nodes: NodeResource[]): PodRanges {
  const ranges = new PodRanges();
  for (const each of nodes) ranges.setNode(each.name, undefined, each);
  return ranges;
}

test('an address is found in the range that holds it, whatever lengths there are', () => {
  const ranges = rangesOf(
    node('a', '10.244.1.0/24', 'fd00:1::/64'),
    node('b', '10.245.0.0/16', 'fd00:2::/56'),
  );
  expect(ranges.find('10.244.1.255')).toBe('10.244.1.0/24 of node a');
  expect(ranges.find('10.245.9.9')).toBe('10.245.0.0/16 of node b');
  expect(ranges.find('fd00:2:0:ff::1')).toBe('fd00:2::/56 of node b');
  expect(ranges.find('10.244.2.0')).toBeUndefined();
  expect(ranges.find('fd00:1:0:1::1')).toBeUndefined();
});

test('of ranges in each other the longest is named, of its Nodes the first by name', () => {
  const nodes = [node('c', '10.0.0.0/8'), node('b', '10.1.0.0/16'), node('a', '10.1.0.0/16')];
  for (const order of [nodes, nodes.toReversed()]) {
    expect(rangesOf(...order).find('10.1.2.3')).toBe('10.1.0.0/16 of node a');
  }
});

test('a range stands until the last Node that has it is gone, and each change is told', () => {
  const [a, b] = [node('a', '10.1.0.0/16'), node('b', '10.1.0.0/16', '10.2.0.0/16')];
  const ranges = rangesOf(a, b);
  const changes = (...change: Parameters<PodRanges['setNode']>) =>
    ranges.setNode(...change).map(formatPrefix);
  expect(changes('a', a, undefined)).toEqual(['10.1.0.0/16']);
  expect(ranges.find('10.1.0.1')).toBe('10.1.0.0/16 of node b');
  expect(changes('b', b, node('b', '10.2.0.0/16'))).toEqual(['10.1.0.0/16']);
  expect(ranges.find('10.1.0.1')).toBeUndefined();
  expect(changes('b', node('b', '10.2.0.0/16'), node('b', '10.2.0.0/16'))).toEqual([]);
  expect(ranges.has('IPv4')).toBe(true);
  expect(changes('b', node('b', '10.2.0.0/16'), undefined)).toEqual(['10.2.0.0/16']);
  expect(ranges.has('IPv4')).toBe(false);
  expect(ranges.find('10.2.0.1')).toBeUndefined();
});

test('a range of length 0 says nothing', () => {
  const ranges = rangesOf(node('a', '0.0.0.0/0', '::/0'));
  expect([ranges.has('IPv4'), ranges.has('IPv6')]).toEqual([false, false]);
  expect(ranges.find('10.0.0.1')).toBeUndefined();
});

test('of many addresses those within some of the ranges', () => {
  const ranges = ['10.1.0.0/16', '10.9.1.0/24', 'fd00::/64'].map((text) => parsePrefix(text)!);
  const addresses = ['10.1.2.3', '10.9.2.1', '10.9.1.1', 'fd00::5', 'fd00:0:0:1::5', '1.1.1.1'];
  expect(addressesWithin(ranges, addresses)).toEqual(['10.1.2.3', '10.9.1.1', 'fd00::5']);
  expect(addressesWithin([], addresses)).toEqual([]);
});
