import { expect, test } from '@jest/globals';
import { type ProbeAnswer, Probes } from '../../../../src/loadbalancer/responder/probes.ts';
import { FakeClock, settle } from '../../../support/program/fakeClock.ts';

const V4 = '192.0.2.64';
const MAC = '02:00:00:00:00:99';
const ROUNDS = { count: 2, gapMs: 100, waitMs: 250 };
const claim = { address: V4, mac: MAC, isAnnouncement: false };

/** What is asked is sent at once, unless `holds` is set. */
function probing() {
  const clock = new FakeClock();
  const asked: string[] = [];
  const held = { holds: false };
  const probes: Probes = new Probes(clock, (address, name) => {
    asked.push(`${clock.monotonicMs()} ${name}`);
    if (!held.holds) void Promise.resolve().then(() => probes.sent(address, name));
  });
  const start = (interfaces: readonly string[]) => {
    const seen: { answer?: ProbeAnswer | 'nobody'; atMs?: number } = {};
    void probes.start(V4, interfaces, ROUNDS).then((answer) => {
      seen.answer = answer ?? 'nobody';
      seen.atMs = clock.monotonicMs();
    });
    return seen;
  };
  return { clock, asked, held, probes, start };
}

test('two rounds on each interface, and a wait: nobody', async () => {
  const { clock, asked, start } = probing();
  const seen = start(['eth0', 'eth1']);
  await clock.advance(1000);
  expect(asked).toEqual(['0 eth0', '0 eth1', '100 eth0', '100 eth1']);
  expect(seen).toEqual({ answer: 'nobody', atMs: 350 });
  expect(clock.nextDueMs).toBeUndefined();
});

test.each([0, 50, 349])('the first answer ends it, after %d ms', async (ms) => {
  const { clock, asked, probes, start } = probing();
  const seen = start(['eth0']);
  await clock.advance(ms);
  probes.heard(claim, 'eth0');
  probes.heard({ ...claim, mac: '02:00:00:00:00:98' }, 'eth0');
  await clock.advance(1000);
  expect(seen).toEqual({ answer: { mac: MAC, interfaceName: 'eth0' }, atMs: ms });
  expect(asked).toHaveLength(ms < 100 ? 1 : 2);
  expect(clock.nextDueMs).toBeUndefined();
});

test('answers about other addresses, and on other interfaces, do not count', async () => {
  const { clock, probes, start } = probing();
  const seen = start(['eth0']);
  await clock.advance(10);
  probes.heard({ ...claim, address: '192.0.2.65' }, 'eth0');
  probes.heard(claim, 'eth1');
  await clock.advance(1000);
  expect(seen.answer).toBe('nobody');
});

test('a round counts from when it has been sent, on the last interface', async () => {
  const { clock, asked, held, probes, start } = probing();
  held.holds = true;
  const seen = start(['eth0', 'eth1']);
  await clock.advance(500);
  probes.sent(V4, 'eth0');
  await clock.advance(500);
  expect(asked).toHaveLength(2);
  probes.sent(V4, 'eth1');
  held.holds = false;
  await clock.advance(99);
  expect(asked).toHaveLength(2);
  await clock.advance(1000);
  expect(asked.slice(2)).toEqual(['1100 eth0', '1100 eth1']);
  expect(seen).toEqual({ answer: 'nobody', atMs: 1350 });
});

test('an interface that goes is not waited for', async () => {
  const { clock, held, probes, start } = probing();
  held.holds = true;
  const seen = start(['eth0']);
  probes.interfaceGone('eth0');
  await clock.advance(100);
  probes.interfaceGone('eth0');
  await clock.advance(250);
  expect(seen).toEqual({ answer: 'nobody', atMs: 350 });
});

test('without an interface nobody is asked', async () => {
  const { asked, start } = probing();
  const seen = start([]);
  await settle();
  expect(seen.answer).toBe('nobody');
  expect(asked).toEqual([]);
});

test('two that ask for one address both hear of it; closed, nobody waits any more', async () => {
  const { clock, probes, start } = probing();
  const both = [start(['eth0']), start(['eth0', 'eth1'])];
  await clock.advance(10);
  probes.heard(claim, 'eth0');
  await settle();
  expect(both.map(({ answer }) => answer)).toEqual([
    { mac: MAC, interfaceName: 'eth0' },
    { mac: MAC, interfaceName: 'eth0' },
  ]);
  const last = start(['eth0']);
  probes.close();
  await settle();
  expect(last.answer).toBe('nobody');
  expect(clock.nextDueMs).toBeUndefined();
});
