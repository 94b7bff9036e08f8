import { expect, test } from '@jest/globals';
import { addonCandidates, openSocket } from '../../../src/kernel/addon.ts';

test('the addon is looked for beside the bundle, then below the root of the package', () => {
  expect(addonCandidates('/opt/kube-ipvs/dist', undefined)).toEqual([
    '/opt/kube-ipvs/dist/kube_ipvs.node',
    '/opt/kube-ipvs/build/Release/kube_ipvs.node',
    '/opt/build/Release/kube_ipvs.node',
  ]);
  expect(addonCandidates('/src/app/src/kernel', '')).toContain(
    '/src/app/build/Release/kube_ipvs.node',
  );
});

test('KUBE_IPVS_ADDON goes before everything', () => {
  expect(addonCandidates('/a/b', '/x/y.node')).toEqual(['/x/y.node']);
});

test.each([
  { protocol: -1 },
  { protocol: 1.5 },
  { protocol: 0, groups: 2 ** 31 },
  { protocol: 0, receiveBufferBytes: 2 ** 30 },
])('an option out of range is refused before it crosses the border: %j', (options) => {
  expect(() => openSocket(options)).toThrow(RangeError);
});
