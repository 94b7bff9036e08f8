import { expect, test } from '@jest/globals';
import { namesOf } from '../../../src/kernel/dataplane.ts';
import { DesiredBuilder } from '../../../src/desired/builder.ts';
import { unusedNames } from '../../../src/desired/unusedNames.ts';
import { ClusterStore } from '../../../src/model/clusterStore.ts';
import { dataplaneOptions, hostNetwork } from '../../support/objects/nodeFixtures.ts';
import {
  TEST_CHAIN,
  TEST_FOOTPRINT,
  TestContributor,
} from '../../support/objects/testContributor.ts';

const stateOf = (...[on, off]: [on?: TestContributor[], off?: (typeof TEST_FOOTPRINT)[]]) =>
  new DesiredBuilder(new ClusterStore(), dataplaneOptions(), hostNetwork(), on, off).state;

test('without features every name is in use, and the tables that are read are two', () => {
  const state = stateOf();
  expect(state.unused).toBeUndefined();
  expect(Object.keys(namesOf(state).chains)).toEqual(['nat', 'filter']);
});

test('a contributor that is off is known by its names, in all tables and both families', () => {
  const state = stateOf([], [TEST_FOOTPRINT]);
  const each = [TEST_CHAIN];
  expect(state.unused).toEqual({
    sets: ['KUBE-IPVS-TEST', 'KUBE-6-IPVS-TEST'],
    chains: { raw: each, mangle: each, nat: each, filter: each },
  });
  const { chains, sets } = namesOf(state);
  expect([chains.raw, chains.mangle]).toEqual([each, each]);
  expect(chains.filter).toContain(TEST_CHAIN);
  expect(sets).toContain('KUBE-6-IPVS-TEST');
});

test('of a contributor that is on only the chains are unused that it has no rules for', () => {
  const contributor = new TestContributor();
  expect(stateOf([contributor]).unused).toBeUndefined();
  const chains = { ...contributor.chains, filter: [TEST_CHAIN, 'KUBE-IPVS-TEST-A'] };
  const { iptables } = stateOf([contributor]);
  expect(unusedNames([{ ...TEST_FOOTPRINT, chains }], [], iptables)).toEqual({
    sets: [],
    chains: { filter: ['KUBE-IPVS-TEST-A'] },
  });
});
