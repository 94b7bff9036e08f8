import { expect, test } from '@jest/globals';
import { listeningAddresses } from '../../../src/healthports/listeningAddresses.ts';
import { parsePrefix } from '../../../src/net/prefix.ts';
import { hostNetwork } from '../../support/objects/nodeFixtures.ts';

const own = ['192.168.0.1', 'fd00:168::1'];
const prefix = (text: string) => parsePrefix(text)!;

test.each([
  ['nothing chosen: everywhere', [], ['0.0.0.0'], ['::']],
  [
    'a CIDR that holds everything: everywhere',
    [prefix('10.0.0.0/8'), prefix('0.0.0.0/0')],
    ['0.0.0.0'],
    ['::'],
  ],
  [
    'a CIDR: what it holds, the other family everywhere',
    [prefix('192.168.0.0/16')],
    [own[0]],
    ['::'],
  ],
  ['primary: the addresses of the Node', ['primary' as const], [own[0]], [own[1]]],
  ['loopback, where it is named', [prefix('127.0.0.0/8')], ['127.0.0.1'], ['::']],
  [
    'never link-local addresses of IPv6, which need an interface',
    [prefix('fe80::/10')],
    ['0.0.0.0'],
    [],
  ],
  ['a CIDR that holds none', [prefix('172.16.0.0/12')], [], ['::']],
])('%s', (_, choices, ipv4, ipv6) => {
  expect(listeningAddresses(choices, hostNetwork(), own)).toEqual({ IPv4: ipv4, IPv6: ipv6 });
});

test('a family that this host cannot program is not listened on', () => {
  const host = hostNetwork({ families: ['IPv4'] });
  expect(listeningAddresses([], host, own)).toEqual({ IPv4: ['0.0.0.0'], IPv6: [] });
});
