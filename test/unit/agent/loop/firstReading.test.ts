import { expect, test } from '@jest/globals';
import { firstReading } from '../../../../src/agent/loop/firstReading.ts';
import { resolveConfig } from '../../../../src/config/resolve.ts';
import { TEST_CHAIN, TEST_FOOTPRINT } from '../../../support/objects/testContributor.ts';
import { hostNetwork } from '../../../support/objects/nodeFixtures.ts';
import { NO_CONTRIBUTORS } from '../../../support/program/agentHarness.ts';

test('sets and chains of both families are read, also on a host that has one of them now', () => {
  const { config } = resolveConfig({ flags: new Map(), isInCluster: true });
  const both = firstReading(config!.dataplane, hostNetwork(), NO_CONTRIBUTORS);
  const ofOne = firstReading(
    config!.dataplane,
    hostNetwork({ families: ['IPv4'] }),
    NO_CONTRIBUTORS,
  );
  expect(ofOne).toEqual(both);
  expect(ofOne.names.sets).toContain('KUBE-CLUSTER-IP');
  expect(ofOne.names.sets).toContain('KUBE-6-CLUSTER-IP');
  expect(ofOne.sysctls).toContain('net/ipv4/vs/conntrack');
});

test('what a contributor that is off may have left is read too', () => {
  const { config } = resolveConfig({ flags: new Map(), isInCluster: true });
  const off = { ...NO_CONTRIBUTORS, off: [TEST_FOOTPRINT] };
  const { names } = firstReading(config!.dataplane, hostNetwork(), off);
  expect(names.sets).toContain('KUBE-6-IPVS-TEST');
  expect(JSON.stringify(names.chains)).toContain(TEST_CHAIN);
});
