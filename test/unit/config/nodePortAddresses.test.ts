import { expect, test } from '@jest/globals';
import {
  explicitLoopback,
  loopbackAddresses,
  nodePortChoices,
  unservedLoopback,
  wrongNodePortAddresses,
} from '../../../src/config/nodePortAddresses.ts';
import { nodePortAddresses } from '../../../src/desired/nodeAddresses.ts';
import { formatPrefix } from '../../../src/net/prefix.ts';
import { hostNetwork } from '../../support/objects/nodeFixtures.ts';

const host = hostNetwork({
  interfaces: [
    { name: 'lo', isUp: true, addresses: ['127.0.0.1/8', '::1/128'] },
    { name: 'eth0', isUp: true, addresses: ['192.168.0.1/24', 'fd00:168::1/64'] },
    { name: 'eth1', isUp: true, addresses: ['10.0.0.9/8', 'fd00:10::9/64'] },
  ],
});

/** What kube-proxy 1.37.2 makes of the same lists. */
test.each<[texts: readonly string[], ipv4: readonly string[], ipv6: readonly string[]]>([
  [[], ['10.0.0.9', '192.168.0.1'], ['fd00:10::9', 'fd00:168::1']],
  [['all'], ['10.0.0.9', '192.168.0.1'], ['fd00:10::9', 'fd00:168::1']],
  [['primary'], ['192.168.0.1'], ['fd00:168::1']],
  [['localhost'], [], []],
  [['localhost', 'primary'], ['192.168.0.1'], ['fd00:168::1']],
  [['10.0.0.0/8', 'localhost'], ['10.0.0.9'], []],
  [['10.0.0.0/8', 'primary'], ['10.0.0.9', '192.168.0.1'], ['fd00:168::1']],
  [
    ['10.0.0.0/8', 'primary', 'all'],
    ['10.0.0.9', '192.168.0.1'],
    ['fd00:10::9', 'fd00:168::1'],
  ],
])('%j serves NodePorts on %j and %j', (texts, ipv4, ipv6) => {
  expect(wrongNodePortAddresses(texts)).toBeUndefined();
  const served = nodePortAddresses(nodePortChoices(texts), host, ['192.168.0.1', 'fd00:168::1']);
  expect(served).toEqual({ IPv4: ipv4, IPv6: ipv6 });
});

test.each<[texts: readonly string[], wrong: string]>([
  [['10.0.0.1', 'primary'], 'must hold CIDRs, "primary", "localhost" or "all": 10.0.0.1'],
  [['locahost'], 'locahost (did you mean localhost?)'],
  [['primary', '10.0.0.0/8', 'primary'], 'must hold a keyword once: primary'],
])('%j is refused: %s', (texts, wrong) => {
  expect(wrongNodePortAddresses(texts)).toContain(wrong);
});

test.each<[texts: readonly string[], loopback: readonly string[]]>([
  [['all', 'primary'], []],
  [['localhost'], ['127.0.0.0/8', '::1/128']],
  [['0.0.0.0/0', '127.0.0.1/32'], ['127.0.0.1/32']],
])('of %j loopback is meant by %j', (texts, loopback) => {
  expect(explicitLoopback(nodePortChoices(texts)).map(formatPrefix)).toEqual(loopback);
});

test.each<[texts: readonly string[], addresses: readonly string[]]>([
  [[], []],
  [['all', 'primary'], []],
  [['127.0.0.0/0', '0.0.0.0/0'], []],
  [['::1/128'], []],
  [['primary', 'localhost'], ['127.0.0.1']],
  [['127.0.0.0/8', '127.0.0.1/32', '10.0.0.0/8'], ['127.0.0.1']],
  [['127.0.0.53/32', '127.9.0.0/16'], ['127.0.0.53']],
])('of %j the loopback addresses %j serve NodePorts', (texts, addresses) => {
  expect(loopbackAddresses(nodePortChoices(texts))).toEqual(addresses);
});

test.each<[texts: readonly string[], unserved: readonly string[]]>([
  [['primary'], []],
  [['localhost'], []],
  [['127.0.0.1/32', '::1/128'], []],
  [['::1/128'], ['::1/128']],
  [['127.9.0.0/16'], ['127.9.0.0/16']],
  [['127.9.0.0/16', '127.0.0.53/32'], ['127.9.0.0/16']],
  [
    ['127.9.0.0/16', '::1/128'],
    ['127.9.0.0/16', '::1/128'],
  ],
])('of %j the loopback %j is not served', (texts, unserved) => {
  expect(unservedLoopback(nodePortChoices(texts)).map(formatPrefix)).toEqual(unserved);
});
