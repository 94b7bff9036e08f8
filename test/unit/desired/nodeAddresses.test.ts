import { expect, test } from '@jest/globals';
import { nodeIps, nodePortAddresses } from '../../../src/desired/nodeAddresses.ts';
import { parsePrefix } from '../../../src/net/prefix.ts';
import { hostNetwork } from '../../support/objects/nodeFixtures.ts';

const host = hostNetwork({
  interfaces: [
    { name: 'lo', isUp: true, addresses: ['127.0.0.1/8', '::1/128'] },
    { name: 'eth0', isUp: true, addresses: ['192.168.0.1/24', 'fd00:168::1/64', 'fe80::1/64'] },
    { name: 'eth1', isUp: false, addresses: ['10.0.0.9/8', '192.168.0.1/32'] },
  ],
});
const own = ['192.168.0.1', 'fd00:168::1'];
const prefix = (text: string) => parsePrefix(text)!;

test.each([
  [
    'nothing chosen: all but loopback and link-local, sorted, once',
    [],
    ['10.0.0.9', '192.168.0.1'],
    ['fd00:168::1'],
  ],
  ['a CIDR narrows its own family alone', [prefix('10.0.0.0/8')], ['10.0.0.9'], ['fd00:168::1']],
  [
    'a zero prefix means all',
    [prefix('0.0.0.0/0'), prefix('172.16.0.0/12')],
    ['10.0.0.9', '192.168.0.1'],
    ['fd00:168::1'],
  ],
  ['loopback is never served, even when chosen', [prefix('127.0.0.0/8')], [], ['fd00:168::1']],
  [
    'a CIDR of link-local IPv6 serves nothing',
    [prefix('fe80::/10')],
    ['10.0.0.9', '192.168.0.1'],
    [],
  ],
])('%s', (_, choices, ipv4, ipv6) => {
  expect(nodePortAddresses(choices, host, own)).toEqual({ IPv4: ipv4, IPv6: ipv6 });
});

test("primary is the Node object's first address of each family, and none where it has none", () => {
  const twice = ['192.168.0.1', '10.0.0.9'];
  expect(nodePortAddresses(['primary'], host, twice)).toEqual({ IPv4: ['192.168.0.1'], IPv6: [] });
});

test('a family that the host cannot program has no NodePort address', () => {
  const single = { ...host, families: ['IPv4'] as const };
  expect(nodePortAddresses([], single, own).IPv6).toEqual([]);
});

test('the node is its Node object, or its interfaces while that is unknown', () => {
  expect(nodeIps(host, ['192.168.0.1', '10.0.0.9'])).toEqual({
    IPv4: ['192.168.0.1'],
    IPv6: ['fd00:168::1'],
  });
  expect(nodeIps(host, []).IPv4).toEqual(['10.0.0.9', '192.168.0.1']);
});
