import { expect, test } from '@jest/globals';
import { checkReport } from '../../../../src/loadbalancer/announcer/check.ts';
import type { ThreadReport } from '../../../../src/loadbalancer/announcer/messages.ts';
import { peerReport, threadReport } from '../../../support/loadbalancer/reports.ts';

const SYSCTLS = { arp_ignore: '1', arp_announce: '2' };

/** What is wrong, by what is looked at. */
const wrong = (
  given: Partial<ThreadReport>,
  sysctls: Record<string, string | undefined> = SYSCTLS,
) => checkReport(threadReport(given), sysctls).flatMap(({ what, cure }) => (cure ? [what] : []));

test('all is right', () => {
  expect(wrong({})).toEqual([]);
  expect(wrong({ peers: [peerReport({ state: 'Leaving' })] })).toEqual([]);
  expect(wrong({}, { ...SYSCTLS, arp_ignore: '2' })).toEqual([]);
});

test.each<[what: string, given: Partial<ThreadReport>]>([
  ['interfaces that may announce', { attachments: [] }],
  ['node n2', { peers: [peerReport({ state: 'Unknown' })] }],
  ['node n2', { peers: [peerReport({ state: 'Dead' })] }],
  ['node n2', { peers: [peerReport({ hearsUs: false })] }],
  ['node n2', { peers: [peerReport({ hasSameConfiguration: false })] }],
  ['this node', { isCutOff: true }],
  [
    'key of heartbeats',
    { counters: { ...threadReport().counters, beatsDropped: { signature: 3, replay: 9 } } },
  ],
])('%s: %j', (what, given) => {
  expect(wrong(given)).toEqual([what]);
});

test.each([
  ['arp_ignore', '0'],
  ['arp_ignore', undefined],
  ['arp_announce', '1'],
])('net.ipv4.conf.all.%s of %s', (name, value) => {
  expect(wrong({}, { ...SYSCTLS, [name]: value })).toEqual([`net.ipv4.conf.all.${name}`]);
});
