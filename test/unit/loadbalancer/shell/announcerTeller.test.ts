import { beforeEach, expect, test } from '@jest/globals';
import { ForeignOwners } from '../../../../src/loadbalancer/foreignOwners.ts';
import { AnnouncerTeller } from '../../../../src/loadbalancer/shell/announcerTeller.ts';
import { FakeFeatureHost } from '../../../support/program/featureHost.ts';

const VIP = '192.0.2.64';
const CONFLICT = {
  news: 'conflict',
  address: VIP,
  mac: '02:00:00:00:00:99',
  interfaceName: 'eth0',
} as const;

let host: FakeFeatureHost;
let foreignOwners: ForeignOwners;
let teller: AnnouncerTeller;
let conflicts: number;

beforeEach(() => {
  host = new FakeFeatureHost();
  foreignOwners = new ForeignOwners();
  conflicts = 0;
  teller = new AnnouncerTeller({
    nodeName: host.nodeName,
    log: host.log,
    clock: host.clock,
    conditions: host.conditions,
    events: host.events,
    book: { servicesAt: () => ['shop/api', 'shop/web'] },
    foreignOwners,
    onMoves: () => undefined,
    onConflict: () => {
      conflicts += 1;
    },
  });
});

const events = () =>
  host.told.map(({ regarding, type, reason }) => `${type} ${reason} ${regarding.name}`);

test('an address that comes is an Event of each Service on it; one that goes is a line', () => {
  const move = { address: VIP, why: 'failover', interfaces: ['eth0', 'eth1'] } as const;
  teller.tell({ news: 'moves', moves: [{ ...move, isOurs: true }] });
  teller.tell({ news: 'moves', moves: [{ ...move, isOurs: false, interfaces: [] }] });
  expect(events()).toEqual(['Normal Announcing api', 'Normal Announcing web']);
  expect(host.told[0]!.note).toBe(`${VIP} is announced by node-1 on eth0, eth1`);
  expect(host.log.lines).toEqual([
    expect.stringContaining('v1 announcing a load balancer address'),
    expect.stringContaining('v1 no longer announcing a load balancer address'),
  ]);
});

test('a stranger is told once, counted each time, and kept from the allocator', () => {
  teller.tell(CONFLICT);
  teller.tell(CONFLICT);
  expect(conflicts).toBe(2);
  expect(events()).toEqual(['Warning AddressConflict api', 'Warning AddressConflict web']);
  expect(foreignOwners.all.get(VIP)).toEqual({
    mac: CONFLICT.mac,
    interfaceName: 'eth0',
    node: 'node-1',
  });
  teller.review();
  expect(foreignOwners.all.size).toBe(1);
});

test('an address that nobody announces is an Event of each Service on it, with the cause', () => {
  const excluded = [
    { node: 'n1', reason: 'Excluded' },
    { node: 'n2', reason: 'NotReady' },
  ] as const;
  teller.tell({ news: 'unannounced', address: VIP, cause: 'NoCandidates', excluded });
  expect(events()).toEqual(['Warning NotAnnounced api', 'Warning NotAnnounced web']);
  expect(host.told[0]).toMatchObject({
    action: 'AnnounceAddress',
    note: `${VIP} is announced by nobody (NoCandidates): n1 Excluded, n2 NotReady`,
    about: `${VIP} NoCandidates`,
  });
  expect(host.log.lines).toEqual([
    expect.stringContaining('nobody announces a load balancer address'),
  ]);
});

test.each([
  ['NoCandidates', 'no Node may'],
  ['NoEndpoints', 'no Service that has it has a usable endpoint'],
  ['NotAnnounced', 'no entry in announce of its pool is for a Service that has it'],
] as const)('%s: %s', (cause, why) => {
  teller.tell({ news: 'unannounced', address: VIP, cause, excluded: [] });
  expect(host.told[0]!.note).toBe(`${VIP} is announced by nobody (${cause}): ${why}`);
});

test('of very many nodes the first ones are named', () => {
  const excluded = Array.from({ length: 30 }, (_, i) => ({
    node: `n${i}`,
    reason: 'NotReady' as const,
  }));
  teller.tell({ news: 'unannounced', address: VIP, cause: 'NoCandidates', excluded });
  expect(host.told[0]!.note).toMatch(/n18 NotReady, n19 NotReady, and 10 more$/);
});

test('what fails is a condition by its subject, until it works again', () => {
  teller.tell({ news: 'failure', subject: 'ARP on eth0', message: 'ENETDOWN' });
  expect([...host.conditions.counts()]).toEqual([['AnnouncerImpaired', 1]]);
  teller.tell({ news: 'failure', subject: 'ARP on eth0' });
  expect(host.conditions.counts().get('AnnouncerImpaired') ?? 0).toBe(0);
});

test('a thread that has ended, one that hears nobody, one that is cut off', () => {
  teller.ended(new Error('no key'));
  teller.tell({ news: 'standing', isAlone: true, isCutOff: true });
  const standing = () =>
    [...host.conditions.counts()].filter(([, count]) => count > 0).map(([code]) => code);
  expect(standing()).toEqual(['AnnouncerDown', 'NoPeerHeard', 'AnnouncerCutOff']);
  teller.tell({ news: 'begun' });
  teller.tell({ news: 'standing', isAlone: false, isCutOff: false });
  expect(standing()).toEqual([]);
});
