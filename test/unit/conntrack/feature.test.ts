import { expect, test } from '@jest/globals';
import { conntrackSweep } from '../../../src/conntrack/shell/feature.ts';
import { emptyState, serverKey } from '../../../src/dataplane/state.ts';
import type { RoundOutcome } from '../../../src/plan/round.ts';
import { settle } from '../../support/program/fakeClock.ts';
import { FakeFeatureHost } from '../../support/program/featureHost.ts';

const DNS = {
  address: '10.96.0.10',
  port: 53,
  protocol: 'UDP',
  scheduler: 'rr',
  flags: [],
  destinations: new Map(),
} as const;

const ROUND = {
  report: { done: [{ op: 'addServer', server: DNS }], failed: [] },
} as unknown as RoundOutcome;

async function harness() {
  const host = new FakeFeatureHost();
  host.state = { ...emptyState(), virtualServers: new Map([[serverKey(DNS), DNS]]) };
  const failures: Error[] = [];
  const calls: string[] = [];
  const running = await conntrackSweep(() => ({
    listUdp: async (family) => {
      calls.push(family);
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      const original = {
        source: 'c',
        sourcePort: 1,
        destination: DNS.address,
        destinationPort: 53,
      };
      const reply = { source: DNS.address, sourcePort: 53, destination: 'c', destinationPort: 1 };
      return [{ protocol: 17, original, reply, id: 1, zone: 0 }];
    },
    delete: async (entries) => entries.length,
    close: () => void calls.push('close'),
  })).start(host);
  const round = async () => {
    running.round!(ROUND);
    await settle();
  };
  return { host, failures, calls, running, round };
}

test('a round with a new UDP server is followed by a search, counted and told', async () => {
  const { host, calls, round, running } = await harness();
  await round();
  expect(host.log.lines).toEqual(['v1 freed stale UDP flows {"family":"IPv4","entries":1}']);
  await running.stop();
  expect(calls).toEqual(['IPv4', 'close']);
  const text = await host.metrics.metrics();
  const deleted = 'kubeproxy_conntrack_reconciler_deleted_entries_total';
  expect(text).toContain(`${deleted}{ip_family="IPv4"} 1\n`);
  expect(text).toContain(`${deleted}{ip_family="IPv6"} 0\n`);
  const duration = 'kubeproxy_conntrack_reconciler_sync_duration_seconds';
  expect(text).toContain(`${duration}_count{ip_family="IPv4"} 1\n`);
});

test('one that fails is told once a family, until one works', async () => {
  const { host, failures, round } = await harness();
  failures.push(new Error('EPERM'), new Error('EPERM'));
  await round();
  await round();
  expect(host.log.take()).toEqual([
    expect.stringMatching(/^error stale UDP flows of IPv4 .*: EPERM$/),
  ]);
  await round();
  failures.push(new Error('EPERM'));
  await round();
  expect(host.log.take()).toEqual([
    expect.stringMatching(/^v1 freed/),
    expect.stringMatching(/^error stale UDP flows of IPv4/),
  ]);
  const failed = 'kubeipvs_conntrack_reconciler_failures_total{ip_family="IPv4"} 3\n';
  expect(await host.metrics.metrics()).toContain(failed);
});
