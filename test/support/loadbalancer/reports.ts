/** What the announcer's thread says of itself, as `lb status` and `lb check` read it. */
import type { ThreadReport } from '../../../src/loadbalancer/announcer/messages.ts';
import type { AddressReport, PeerReport } from '../../../src/loadbalancer/announcer/report.ts';
import { NO_DURATIONS } from '../../../src/loadbalancer/responder/durations.ts';
import { attachment } from './announcing.ts';

export const addressReport = (given: Partial<AddressReport> = {}): AddressReport => ({
  address: '192.0.2.64',
  services: ['shop/web'],
  stance: 'idle',
  forMs: 61_000,
  interfaces: [],
  owners: [],
  elected: undefined,
  cause: undefined,
  candidates: [],
  excluded: [],
  ...given,
});

export const peerReport = (given: Partial<PeerReport> = {}): PeerReport => ({
  node: 'n2',
  state: 'Alive',
  hearsUs: true,
  isReady: true,
  silenceMs: 120,
  claims: 1,
  hasSameConfiguration: true,
  ...given,
});

/** Of n1, which hears n2. */
export const threadReport = (given: Partial<ThreadReport> = {}): ThreadReport => ({
  node: 'n1',
  isAlone: false,
  isCutOff: false,
  attachments: [attachment('n1')],
  addresses: [],
  peers: [peerReport()],
  counters: {
    announcements: {},
    requests: {},
    packetDrops: {},
    answerSeconds: NO_DURATIONS,
    beatsDropped: {},
    beatsUnsent: {},
    pauses: 0,
  },
  ...given,
});
