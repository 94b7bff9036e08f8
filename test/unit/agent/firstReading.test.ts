import { expect, test } from '@jest/globals';
import { firstReading } from '../../../src/agent/firstReading.ts';
import { resolveConfig } from '../../../src/config/resolve.ts';
import { hostNetwork } from '../../support/objects/nodeFixtures.ts';

test('sets and chains of both families are read, also on a host that has one of them now', () => {
  const { config } = resolveConfig({ flags: new Map(), isInCluster: true });
  const both = firstReading(config!.dataplane, hostNetwork());
  const ofOne = firstReading(config!.dataplane, hostNetwork({ families: ['IPv4'] }));
  expect(ofOne).toEqual(both);
  expect(ofOne.names.sets).toContain('KUBE-CLUSTER-IP');
  expect(ofOne.names.sets).toContain('KUBE-6-CLUSTER-IP');
  expect(ofOne.sysctls).toContain('net/ipv4/vs/conntrack');
});
