/** That what the pacer says is sent, when it says so, and as the table has it then. */
import { expect, test } from '@jest/globals';
import { AnswerTable } from '../../../../src/loadbalancer/responder/answerTable.ts';
import { Pacer } from '../../../../src/loadbalancer/responder/pacing.ts';
import { Announcements } from '../../../../src/loadbalancer/shell/announcements.ts';
import { decodeArp, isArpProbe } from '../../../../src/wire/arp.ts';
import { decodeNeighbor } from '../../../../src/wire/neighborDiscovery.ts';
import { FakeClock, settle } from '../../../support/program/fakeClock.ts';

const V4 = '192.0.2.64';
const V6 = '2001:db8:1::64';

const carrier = (name: string, neighborSource: string | undefined = 'fe80::b') => ({
  name,
  ifindex: 2,
  mac: '02:00:00:00:00:0b',
  addresses: [],
  prefixes: [],
  defaultRoute: [],
  neighborSource,
});

function announcing() {
  const clock = new FakeClock();
  const table = new AnswerTable();
  table.setCarriers([carrier('eth0'), carrier('eth1')]);
  for (const address of [V4, V6]) table.set(address, ['eth0', 'eth1']);
  const pacer = new Pacer({ refreshIntervalMs: 0, random: () => 0 });
  const calls: string[] = [];
  const sent: string[] = [];
  const announcements = new Announcements({
    clock,
    pacer,
    table,
    send: (name, family, frames) => {
      const texts = frames.map((frame) => (family === 'IPv4' ? arpText(frame) : ndText(frame)));
      calls.push(`${clock.monotonicMs()} ${name}: ${texts.join(', ')}`);
    },
    onSent: ({ kind, address, interfaceName }) => sent.push(`${kind} ${address} ${interfaceName}`),
  });
  return { clock, table, pacer, calls, sent, announcements };
}

function arpText(frame: Uint8Array): string {
  const packet = decodeArp(frame);
  if (typeof packet === 'string') throw new Error(packet);
  return isArpProbe(packet) ? `probe ${packet.targetAddress}` : packet.operation;
}

function ndText(frame: Uint8Array): string {
  const packet = decodeNeighbor(frame);
  if (typeof packet === 'string') throw new Error(packet);
  return packet.kind;
}

test('what is said in one turn goes together, by interface and family, and the rest in its time', async () => {
  const { clock, pacer, calls, announcements } = announcing();
  for (const address of [V4, V6]) {
    pacer.announce(address, ['eth0', 'eth1'], 0);
    announcements.wake();
  }
  pacer.once('probe', '192.0.2.65', 'eth0');
  announcements.wake();
  await settle();
  expect(calls).toEqual([
    '0 eth0: probe 192.0.2.65, request, reply',
    '0 eth0: advertisement',
    '0 eth1: request, reply',
    '0 eth1: advertisement',
  ]);
  await clock.advance(60_000);
  expect(calls).toHaveLength(5 * 4);
  expect(calls.at(-1)).toBe('2000 eth1: advertisement');
  expect(announcements.sent).toEqual({ takeover: 20, defence: 0, refresh: 0, probe: 1 });
  expect(clock.nextDueMs).toBeUndefined();
});

test('where an address is not answered any more nothing is sent, but for a probe', async () => {
  const { clock, table, pacer, calls, sent, announcements } = announcing();
  pacer.announce(V4, ['eth0', 'eth1'], 0);
  announcements.wake();
  await settle();
  table.set(V4, ['eth1']);
  table.setCarriers([carrier('eth0')]);
  calls.length = 0;
  sent.length = 0;
  pacer.once('probe', V4, 'eth0');
  pacer.once('probe', V4, 'eth1');
  announcements.wake();
  await clock.advance(60_000);
  expect(calls.filter((call) => !call.endsWith(': '))).toEqual(['0 eth0: probe 192.0.2.64']);
  // Who waits for a probe is told in any case.
  expect(sent.filter((each) => each.startsWith('probe'))).toEqual([
    `probe ${V4} eth0`,
    `probe ${V4} eth1`,
  ]);
  expect(announcements.sent).toMatchObject({ takeover: 2, probe: 1 });
});

test('closed it sends nothing, not even what was asked for just before', async () => {
  const { clock, pacer, calls, announcements } = announcing();
  pacer.announce(V4, ['eth0'], 0);
  announcements.wake();
  await settle();
  pacer.announce(V6, ['eth0'], 0);
  announcements.wake();
  announcements.close();
  await clock.advance(60_000);
  expect(calls).toEqual(['0 eth0: request, reply']);
});
