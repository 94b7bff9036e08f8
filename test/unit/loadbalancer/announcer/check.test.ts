import { expect, test } from '@jest/globals';
import { checkReport } from '../../../../src/loadbalancer/announcer/check.ts';
import type { ThreadReport } from '../../../../src/loadbalancer/announcer/messages.ts';
import type { PeerReport } from '../../../../src/loadbalancer/announcer/report.ts';
import { attachment } from '../../../support/loadbalancer/announcing.ts';

const SYSCTLS = { arp_ignore: '1', arp_announce: '2' };

const peer = (given: Partial<PeerReport> = {}): PeerReport => ({
  node: 'n2',
  state: 'Alive',
  hearsUs: true,
  isReady: true,
  silenceMs: 120,
  claims: 1,
  hasSameConfiguration: true,
  ...given,
});

const report = (given: Partial<ThreadReport> = {}): ThreadReport => ({
  node: 'n1',
  isAlone: false,
  isCutOff: false,
  attachments: [attachment('n1')],
  addresses: [],
  peers: [peer()],
  counters: {
    announcements: {},
    requests: {},
    packetDrops: {},
    beatsDropped: {},
    beatsUnsent: {},
    pauses: 0,
  },
  ...given,
});

/** What is wrong, by what is looked at. */
const wrong = (
  given: Partial<ThreadReport>,
  sysctls: Record<string, string | undefined> = SYSCTLS,
) => checkReport(report(given), sysctls).flatMap(({ what, cure }) => (cure ? [what] : []));

test('all is right', () => {
  expect(wrong({})).toEqual([]);
  expect(wrong({ peers: [peer({ state: 'Leaving' })] })).toEqual([]);
  expect(wrong({}, { ...SYSCTLS, arp_ignore: '2' })).toEqual([]);
});

test.each<[what: string, given: Partial<ThreadReport>]>([
  ['interfaces that may announce', { attachments: [] }],
  ['node n2', { peers: [peer({ state: 'Unknown' })] }],
  ['node n2', { peers: [peer({ state: 'Dead' })] }],
  ['node n2', { peers: [peer({ hearsUs: false })] }],
  ['node n2', { peers: [peer({ hasSameConfiguration: false })] }],
  ['this node', { isCutOff: true }],
  [
    'key of heartbeats',
    { counters: { ...report().counters, beatsDropped: { signature: 3, replay: 9 } } },
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
