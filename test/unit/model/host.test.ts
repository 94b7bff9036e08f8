import { expect, test } from '@jest/globals';
import { type HostInterface, type HostNetwork, sameHost } from '../../../src/model/host.ts';
import { hostNetwork } from '../../support/objects/nodeFixtures.ts';

const host = hostNetwork();
const withLink = (link: HostInterface): HostNetwork => ({
  ...host,
  interfaces: [link, ...host.interfaces],
});

test('links without an address, their state and their names change nothing', () => {
  expect(sameHost(host, withLink({ name: 'veth1', isUp: true, addresses: [] }))).toBe(true);
  const renamed = host.interfaces.map((each) => ({ ...each, name: `${each.name}x`, isUp: false }));
  expect(sameHost(host, { ...host, interfaces: renamed.toReversed() })).toBe(true);
});

test.each<[string, HostNetwork]>([
  ['an address', withLink({ name: 'eth1', isUp: true, addresses: ['192.0.2.9/24'] })],
  ['a default gateway', { ...host, defaultGateways: ['192.168.0.253'] }],
  ['a family', { ...host, families: ['IPv4'] }],
  ['an address of the API server', { ...host, apiServerAddresses: ['192.0.2.200'] }],
])('%s does', (_, changed) => {
  expect(sameHost(host, changed)).toBe(false);
});
