import { expect, test } from '@jest/globals';
import {
  ConntrackSweep,
  type ConntrackTable,
} from '../../../src/conntrack/shell/conntrackSweep.ts';
import type { Operation } from '../../../src/dataplane/operations.ts';
import type { VirtualServer } from '../../../src/dataplane/state.ts';
import { serverKey } from '../../../src/dataplane/state.ts';
import { familyOf } from '../../../src/net/address.ts';
import type { ConntrackEntry } from '../../../src/netlink/conntrack.ts';

function server(address: string): VirtualServer {
  return {
    address,
    port: 53,
    protocol: 'UDP',
    scheduler: 'rr',
    flags: [],
    destinations: new Map(),
  };
}

function untranslated(to: string, client = 'client'): ConntrackEntry {
  const original = { source: client, sourcePort: 1, destination: to, destinationPort: 53 };
  const reply = { source: to, sourcePort: 53, destination: client, destinationPort: 1 };
  return { protocol: 17, original, reply, id: 1, zone: 0 };
}

const FOUR = server('10.96.0.10');
const OTHER = server('10.96.0.11');
const SIX = server('fd00:10:96::10');

/** A table in memory; the first of `failures` are those of its next lists. */
function harness(entries: ConntrackEntry[], failures: Error[] = []) {
  const calls: string[] = [];
  const told: string[] = [];
  const durations: number[] = [];
  const gate = { wait: Promise.resolve() };
  const clock = { ms: 0 };
  const servers = new Map([FOUR, OTHER, SIX].map((one) => [serverKey(one), one]));
  const table: ConntrackTable = {
    async listUdp(family, to) {
      calls.push(`${family} ${to.map(({ address }) => address).join(' ')}`);
      await gate.wait;
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      return entries.filter(({ original }) => familyOf(original.destination) === family);
    },
    delete(stale) {
      calls.push(`delete ${stale.map(({ original }) => original.destination).join(' ')}`);
      return Promise.resolve(stale.length);
    },
    close: () => calls.push('close'),
  };
  const sweep = new ConntrackSweep({
    table,
    servers: () => servers,
    now: () => (clock.ms += 5),
    events: {
      onSwept: (family, deleted, durationMs) => {
        told.push(`${family} ${deleted}`);
        durations.push(durationMs);
      },
      onFailed: (family, error) => told.push(`${family} ${String(error)}`),
    },
  });
  return { sweep, calls, told, durations, gate, servers };
}

const added = (...servers: readonly VirtualServer[]) => ({
  done: servers.map((one): Operation => ({ op: 'addServer', server: one })),
});

test('each family is listed by itself, and only when something of it changed', async () => {
  const { sweep, calls, told, durations } = harness([untranslated('10.96.0.10')]);
  sweep.round(added(FOUR, SIX));
  await sweep.idle();
  expect(durations).toEqual([5, 5]);
  expect(calls).toEqual(['IPv4 10.96.0.10', 'delete 10.96.0.10', 'IPv6 fd00:10:96::10']);
  expect(told).toEqual(['IPv4 1', 'IPv6 0']);
  sweep.round(added(OTHER));
  await sweep.idle();
  expect(calls.slice(3)).toEqual(['IPv4 10.96.0.11']);
});

test('a round that changes no UDP destination asks the kernel nothing', async () => {
  const { sweep, calls } = harness([]);
  sweep.round({ done: [] });
  sweep.round(added({ ...FOUR, protocol: 'TCP' }));
  await sweep.idle();
  expect(calls).toEqual([]);
});

test('what comes up during a sweep is swept together after it', async () => {
  const { sweep, calls, gate } = harness([]);
  const { promise, resolve } = Promise.withResolvers<void>();
  gate.wait = promise;
  sweep.round(added(FOUR));
  sweep.round(added(FOUR));
  sweep.round(added(OTHER));
  expect(calls).toEqual(['IPv4 10.96.0.10']);
  resolve();
  await sweep.close();
  expect(calls).toEqual(['IPv4 10.96.0.10', 'IPv4 10.96.0.10 10.96.0.11', 'close']);
});

test('the decision is about the kernel as it is when the list arrives', async () => {
  const { sweep, calls, gate, servers } = harness([untranslated('10.96.0.10')]);
  const { promise, resolve } = Promise.withResolvers<void>();
  gate.wait = promise;
  sweep.round(added(FOUR));
  servers.delete(serverKey(FOUR));
  resolve();
  await sweep.idle();
  expect(calls).toEqual(['IPv4 10.96.0.10']);
});

test('a failure is told, the other family is swept, and the next round starts afresh', async () => {
  const entries = [untranslated('10.96.0.10'), untranslated('fd00:10:96::10')];
  const { sweep, told } = harness(entries, [new Error('no')]);
  sweep.round(added(FOUR, SIX));
  await sweep.idle();
  expect(told).toEqual(['IPv4 Error: no', 'IPv6 1']);
  sweep.round(added(OTHER));
  await sweep.idle();
  expect(told.slice(2)).toEqual(['IPv4 0']);
});
