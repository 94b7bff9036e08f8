import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { LEASE_MS, LeaseElector, RENEW_DEADLINE_MS } from '../../../src/cluster/leaseElector.ts';
import { FakeClock, settle } from '../../support/program/fakeClock.ts';
import { type Fate, LeaseServer } from '../../support/program/leaseServer.ts';

const NAME = 'kube-ipvs-lb';
const LEASES = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases';

let clock: FakeClock;
let server: LeaseServer;
let ending: AbortController;
let told: string[];
beforeEach(() => {
  clock = new FakeClock();
  server = new LeaseServer(clock);
  ending = new AbortController();
  told = [];
});
afterEach(() => {
  ending.abort();
});

function start(identity: string, fateOf?: () => Fate, signal: AbortSignal = ending.signal) {
  const elector = new LeaseElector({
    transport: server.transport(fateOf),
    timing: clock,
    namespace: 'kube-system',
    name: NAME,
    identity,
    random: () => 0,
    onChange: (isLeader) => told.push(`${identity} ${isLeader ? 'leads' : 'follows'}`),
    onFailure: (error) => {
      if (error !== undefined) told.push(`${identity}: ${error.message}`);
    },
  });
  return { elector, done: elector.run(signal) };
}

const spec = () => server.lease(NAME)?.spec;

test('the first one makes the Lease, and writes it every two seconds without reading it', async () => {
  const { elector } = start('a');
  await settle();
  expect(elector.isLeader).toBe(true);
  expect(spec()).toEqual({
    holderIdentity: 'a',
    leaseDurationSeconds: 15,
    acquireTime: '2026-11-24T15:04:05.678000Z',
    renewTime: '2026-11-24T15:04:05.678000Z',
    leaseTransitions: 0,
  });
  await clock.advance(4_000);
  const one = `PUT ${LEASES}/${NAME}`;
  expect(server.requests).toEqual([`GET ${LEASES}/${NAME}`, `POST ${LEASES}`, one, one]);
  expect(spec()).toMatchObject({
    acquireTime: '2026-11-24T15:04:05.678000Z',
    renewTime: '2026-11-24T15:04:09.678000Z',
    leaseTransitions: 0,
  });
});

test('who lets go hands it over at once; nobody else stops it', async () => {
  const mine = new AbortController();
  const first = start('a', undefined, mine.signal);
  await settle();
  const second = start('b');
  await clock.advance(60_000);
  expect([first.elector.isLeader, second.elector.isLeader]).toEqual([true, false]);
  mine.abort();
  await first.done;
  expect(spec()).toMatchObject({ holderIdentity: '', leaseDurationSeconds: 1 });
  await clock.advance(2_000);
  expect(second.elector.isLeader).toBe(true);
  expect(spec()).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
  expect(told).toEqual(['a leads', 'a follows', 'b leads']);
});

test('of one that died it is taken when it has not changed for as long as it is valid', async () => {
  server.write(NAME, { holderIdentity: 'dead', leaseDurationSeconds: 15, renewTime: 'x' });
  const { elector } = start('a');
  await clock.advance(LEASE_MS - 1_000);
  expect(elector.isLeader).toBe(false);
  server.write(NAME, { holderIdentity: 'dead', leaseDurationSeconds: 15, renewTime: 'y' });
  await clock.advance(LEASE_MS);
  expect(elector.isLeader).toBe(false);
  await clock.advance(3_000);
  expect(elector.isLeader).toBe(true);
});

test('what its clock says does not matter, nor that ours is set', async () => {
  server.write(NAME, {
    holderIdentity: 'b',
    leaseDurationSeconds: 15,
    renewTime: '1999-01-01T00:00:00.000000Z',
  });
  const { elector } = start('a');
  await clock.advance(2_000);
  clock.jump(86_400_000);
  await clock.advance(8_000);
  expect(elector.isLeader).toBe(false);
});

test('without the server it stops leading in time, tells why, and goes on when it is back', async () => {
  const { elector } = start('a');
  await settle();
  server.isDown = true;
  await clock.advance(RENEW_DEADLINE_MS - 1);
  expect(elector.isLeader).toBe(true);
  await clock.advance(1);
  expect(elector.isLeader).toBe(false);
  expect(told).toContain('a: the connection broke');
  expect(told.filter((line) => !line.includes(':'))).toEqual(['a leads', 'a follows']);
  server.isDown = false;
  await clock.advance(2_000);
  expect(elector.isLeader).toBe(true);
});

test('an answer that comes after the deadline does not count', async () => {
  const late: Fate[] = [{ there: 0, back: RENEW_DEADLINE_MS, end: 'answered' }];
  const { elector } = start('a', () => late[0] ?? { there: 0, back: 0, end: 'answered' });
  await clock.advance(RENEW_DEADLINE_MS + 1);
  expect(elector.isLeader).toBe(false);
  late.pop();
  await clock.advance(LEASE_MS + 3_000);
  expect(elector.isLeader).toBe(true);
});

test('somebody else who wrote over it is given way to', async () => {
  const { elector } = start('a');
  await settle();
  server.write(NAME, { holderIdentity: 'b', leaseDurationSeconds: 15, renewTime: 'x' });
  await clock.advance(4_000);
  expect(elector.isLeader).toBe(false);
  expect(told).toEqual(['a leads', 'a follows']);
});

test.each([[{}], [{ holderIdentity: '' }]])('a Lease with %j is free', async (empty) => {
  server.write(NAME, empty);
  const { elector } = start('a');
  await settle();
  expect(elector.isLeader).toBe(true);
});

test('one that may not be written is told each time, and nothing is written at the end', async () => {
  server.isDown = true;
  const { done } = start('a');
  await clock.advance(2_000);
  expect(told).toEqual(['a: the connection broke', 'a: the connection broke']);
  server.isDown = false;
  ending.abort();
  await done;
  expect(server.requests).toEqual([]);
});
