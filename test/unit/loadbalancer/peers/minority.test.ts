import { expect, test } from '@jest/globals';
import { isMinority } from '../../../../src/loadbalancer/peers/minority.ts';
import type { PeerState } from '../../../../src/loadbalancer/peers/peerView.ts';

const judge = (...states: readonly PeerState[]) => {
  const view = new Map(states.map((state, i) => [`n${i}`, { state }]));
  const everHeard = [...view].filter(([, { state }]) => state !== 'Unknown').map(([name]) => name);
  return isMinority(view, new Set(everHeard));
};

test.each<[string, readonly PeerState[], boolean]>([
  ['alone from the beginning', [], false],
  ['alone, of others nothing was ever heard', ['Unknown', 'Unknown', 'Unknown'], false],
  ['one of two', ['Dead'], false],
  ['one of three', ['Dead', 'Dead'], true],
  ['two of three', ['Alive', 'Dead'], false],
  ['two of four', ['Alive', 'Dead', 'Dead'], false],
  ['two of five', ['Alive', 'Dead', 'Dead', 'Dead'], true],
  ['two of five, one of them leaving', ['Leaving', 'Dead', 'Dead', 'Dead'], true],
  ['one of two, and two more that were never heard', ['Dead', 'Unknown', 'Unknown'], false],
])('%s: %s', (_, states, expected) => {
  expect(judge(...states)).toBe(expected);
});

test('a node that was heard and has no view any more counts as not heard', () => {
  expect(isMinority(new Map(), new Set(['n1', 'n2']))).toBe(true);
});
