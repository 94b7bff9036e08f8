import { expect, test } from '@jest/globals';
import { ForeignClaims } from '../../../../src/loadbalancer/responder/foreignClaims.ts';
import type { Claim } from '../../../../src/loadbalancer/responder/frames.ts';

const V4 = '192.0.2.64';
const claim: Claim = { address: V4, mac: '02:00:00:00:00:99', isAnnouncement: false };

function claims() {
  const all = new ForeignClaims();
  all.setKnown(new Set([V4]));
  return all;
}

test('claims of addresses that nobody here announces are no news', () => {
  const all = claims();
  expect(all.isNews({ ...claim, address: '192.0.2.65' }, 'eth0', 0)).toBe(false);
  expect(all.isNews(claim, 'eth0', 0)).toBe(true);
  all.setKnown(new Set(['192.0.2.65']));
  expect(all.isNews(claim, 'eth0', 5000)).toBe(false);
});

test('the same claim is told once a second, another one at once', () => {
  const all = claims();
  expect([0, 1, 999, 1000, 1001].map((ms) => all.isNews(claim, 'eth0', ms))).toEqual([
    true,
    false,
    false,
    true,
    false,
  ]);
  expect(all.isNews(claim, 'eth1', 1001)).toBe(true);
  expect(all.isNews({ ...claim, mac: '02:00:00:00:00:98' }, 'eth0', 1001)).toBe(true);
  expect(all.isNews({ ...claim, isAnnouncement: true }, 'eth0', 1001)).toBe(true);
});

test('a flood of senders fills no memory, and what is told is the newest', () => {
  const all = claims();
  const from = (i: number) => ({ ...claim, mac: `mac ${i}` });
  for (let i = 0; i < 10_000; i++) expect(all.isNews(from(i), 'eth0', 1)).toBe(true);
  expect(all.isNews(from(9999), 'eth0', 2)).toBe(false);
  expect(all.isNews(from(0), 'eth0', 2)).toBe(true);
});

test('an address is defended once in ten seconds', () => {
  const all = claims();
  expect([0, 9999, 10_000, 10_001].map((ms) => all.defends(V4, ms))).toEqual([
    true,
    false,
    true,
    false,
  ]);
  expect(all.defends('2001:db8::1', 10_001)).toBe(true);
});
