import { expect, test } from '@jest/globals';
import { insideMembers } from '../../../src/desired/insideSources.ts';
import type { LocalDetector } from '../../../src/dataplane/options.ts';
import type { NodeResource } from '../../../src/model/resources.ts';
import { FAMILIES } from '../../../src/net/family.ts';
import { parsePrefix } from '../../../src/net/prefix.ts';

const cluster = { kind: 'prefix', prefix: parsePrefix('10.244.0.0/16')! } as const;
const none = { kind: 'none' } as const;

function inside(IPv4: LocalDetector, podCIDRs: readonly string[] | undefined, families = FAMILIES) {
  const node = podCIDRs === undefined ? undefined : ({ podCIDRs } as NodeResource);
  return insideMembers({ detectLocal: { IPv4, IPv6: none } }, families, node).map(
    ({ set, entry }) => `${set} ${entry}`,
  );
}

test("this Node's pod CIDRs, also where a detector knows all pods of the cluster", () => {
  const podCIDRs = ['10.244.1.0/24', 'fd00:244:1::/64'];
  const members = ['KUBE-IPVS-INSIDE 10.244.1.0/24', 'KUBE-6-IPVS-INSIDE fd00:244:1::/64'];
  expect(inside(cluster, podCIDRs)).toEqual(members);
  expect(inside(none, podCIDRs)).toEqual(members);
  expect(inside(cluster, podCIDRs, ['IPv6'])).toEqual(members.slice(1));
});

test("the detector's prefix where nothing better is known", () => {
  expect(inside(cluster, undefined)).toEqual(['KUBE-IPVS-INSIDE 10.244.0.0/16']);
  expect(inside(cluster, ['fd00:244:1::/64'])).toEqual([
    'KUBE-IPVS-INSIDE 10.244.0.0/16',
    'KUBE-6-IPVS-INSIDE fd00:244:1::/64',
  ]);
});

test('nothing where nothing is known, nor where the rule looks at the interface', () => {
  expect(inside(none, [])).toEqual([]);
  expect(inside({ kind: 'interface', match: 'cni0' }, ['10.244.1.0/24'])).toEqual([]);
});
