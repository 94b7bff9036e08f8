/**
 * What is told beside the rounds: readings of the kernel, chores of the loop, changes on their way,
 * sweeps of stale flows.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { openConditions } from '../../../../src/agent/conditions.ts';
import { Reporter } from '../../../../src/agent/report/reporter.ts';
import { type Part, ADDRESSES_PART, rulesPart, setPart } from '../../../../src/dataplane/part.ts';
import { slimEndpointSlice } from '../../../../src/model/slimEndpointSlice.ts';
import { ProxyHealth } from '../../../../src/ops/health.ts';
import { Metrics } from '../../../../src/ops/metrics.ts';
import { FakeClock } from '../../../support/program/fakeClock.ts';
import { FakeLog } from '../../../support/program/fakeLog.ts';
import { rawSlice } from '../../../support/objects/rawObjects.ts';

const families = ['IPv4', 'IPv6'] as const;
const version = { gitVersion: '', gitCommit: '', buildDate: '', nodeVersion: '', platform: '' };

let clock: FakeClock;
let log: FakeLog;
let metrics: Metrics;
let reporter: Reporter;

beforeEach(() => {
  clock = new FakeClock();
  log = new FakeLog(2);
  const health = new ProxyHealth({ families, timeoutMs: 60_000, clock });
  const observe = () => reporter.observation();
  metrics = new Metrics({ families, version, observe, hasProcessMetrics: false });
  const parts = { log, health, families, clock, nodeName: 'node-1', events: undefined };
  reporter = new Reporter({ ...parts, metrics, conditions: openConditions(parts) });
});

async function value(name: string): Promise<number> {
  const line = (await metrics.render()).split('\n').find((each) => each.startsWith(`${name} `));
  return Number(line?.split(' ')[1]);
}

describe('what the loop does beside the rounds', () => {
  const reading = (unread: readonly Part[], unconfirmed: readonly Part[] = []) => {
    const failures = (parts: readonly Part[]) =>
      new Map(parts.map((part) => [part, new Error(`no ${part.text}`)]));
    const outcome = { unread: failures(unread), unconfirmed: failures(unconfirmed) };
    reporter.kernelRead({ ...outcome, durationMs: 250, nextInMs: 500 });
    return log.take();
  };

  test('a part that cannot be read is told at its begin, now and then, and at its end', async () => {
    expect(reading([])).toEqual([]);
    const [line] = reading([rulesPart('IPv4', 'nat'), ADDRESSES_PART]);
    expect(line).toBe(
      'error cannot be read from the kernel: rules IPv4 nat, addresses; that stays as it is, everything else goes on; trying again in 0.5 s: no rules IPv4 nat',
    );
    expect(reading([rulesPart('IPv4', 'nat'), ADDRESSES_PART])[0]).toMatch(/^v2 /);
    await clock.advance(300_000);
    expect(reading([rulesPart('IPv4', 'nat'), ADDRESSES_PART])[0]).toMatch(/^error /);
    expect(reading([])).toEqual(['info everything can be read from the kernel again']);
    expect(reading([])).toEqual([]);
  });

  test('of many parts some are named', () => {
    const parts = Array.from({ length: 7 }, (_, i): Part => setPart(`S${i}`));
    expect(reading(parts)[0]).toContain('ipset S4 and 2 more; ');
  });

  test('the last audit is the one that read everything', async () => {
    expect(await value('kubeipvs_last_audit_timestamp_seconds')).toBe(0);
    reading([]);
    const first = clock.wallMs() / 1000;
    await clock.advance(1_000);
    reading([ADDRESSES_PART]);
    expect(await value('kubeipvs_last_audit_timestamp_seconds')).toBe(first);
  });

  test('turns are looked at from the begin of an audit to the end of the round that compares', async () => {
    const looks = async () => {
      for (let i = 0; i < 4; i++) await nextTurn();
      const before = await value('kubeipvs_event_loop_turn_seconds_count');
      for (let i = 0; i < 4; i++) await nextTurn();
      return (await value('kubeipvs_event_loop_turn_seconds_count')) > before;
    };
    expect(await looks()).toBe(false);
    reporter.auditBegan();
    expect(await looks()).toBe(true);
    reporter.roundEnded(true);
    expect(await looks()).toBe(true);
    reading([]);
    expect(await looks()).toBe(true);
    reporter.roundEnded(false);
    expect(await looks()).toBe(false);
  });

  test('rules that read back as others are told once, and when they are right', () => {
    const text = 'error rules IPv4 nat: no rules IPv4 nat';
    expect(reading([], [rulesPart('IPv4', 'nat')])).toEqual([text]);
    expect(reading([], [rulesPart('IPv4', 'nat')])).toEqual([]);
    expect(reading([])).toEqual(['info all rules read back as they were written']);
  });

  test.each(['drain', 'ledger'] as const)(
    'the chore %s is told when it fails and when it works again',
    (chore) => {
      reporter.chore(chore, undefined);
      expect(log.take()).toEqual([]);
      reporter.chore(chore, new Error('EROFS'));
      reporter.chore(chore, new Error('EROFS'));
      const lines = log.take();
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatch(/^error .* it is tried again: EROFS$/);
      reporter.chore(chore, undefined);
      expect(log.take()[0]).toMatch(/^info .* again$/);
    },
  );
});

describe('changes', () => {
  const slice = (triggerMs: number) => {
    const annotation = 'endpoints.kubernetes.io/last-change-trigger-time';
    const metadata = {
      ...(rawSlice()['metadata'] as object),
      annotations: { [annotation]: new Date(triggerMs).toISOString() },
    };
    const { object } = slimEndpointSlice(rawSlice({ metadata }));
    return { kind: 'EndpointSlice', key: 'default/web-1', object, before: undefined } as const;
  };
  const programmed = () =>
    value('kubeproxy_network_programming_duration_seconds_count{ip_family="IPv4"}');
  const pending = () => value('kubeproxy_sync_proxy_rules_endpoint_changes_pending');

  test('that come during a round are programmed by the next one', async () => {
    await clock.advance(10_000);
    reporter.clusterChanged(slice(clock.wallMs() - 1_000));
    reporter.roundBegan(clock.monotonicMs());
    reporter.clusterChanged(slice(clock.wallMs() - 500));
    expect(await value('kubeipvs_watch_lag_seconds_sum')).toBe(1.5);
    reporter.roundEnded(true);
    expect([await programmed(), await pending()]).toEqual([1, 1]);
    reporter.roundBegan(clock.monotonicMs());
    reporter.roundEnded(false);
    expect([await programmed(), await pending()]).toEqual([1, 1]);
    reporter.roundBegan(clock.monotonicMs());
    reporter.roundEnded(true);
    expect([await programmed(), await pending()]).toEqual([2, 0]);
  });

  test('from before the start say nothing of this process', async () => {
    reporter.clusterChanged(slice(clock.wallMs() - 1_000));
    reporter.roundBegan(clock.monotonicMs());
    reporter.roundEnded(true);
    expect(await programmed()).toBeNaN();
    expect(await value('kubeipvs_watch_lag_seconds_count')).toBe(0);
  });

  test('are remembered in a bounded number while rounds fail', async () => {
    await clock.advance(10_000);
    for (let i = 0; i < 3; i++) {
      for (let k = 0; k < 6_000; k++) reporter.clusterChanged(slice(clock.wallMs()));
      reporter.roundBegan(clock.monotonicMs());
      reporter.roundEnded(false);
    }
    reporter.roundBegan(clock.monotonicMs());
    reporter.roundEnded(true);
    expect(await programmed()).toBe(10_000);
  });
});
