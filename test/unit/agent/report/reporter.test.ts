import { beforeEach, describe, expect, test } from '@jest/globals';
import {
  HEALTHZ_NOT_SERVED,
  METRICS_NOT_SERVED,
  openConditions,
} from '../../../../src/agent/conditions.ts';
import { KernelView } from '../../../../src/agent/loop/kernelView.ts';
import { CONNTRACK_HASH_TOO_SMALL } from '../../../../src/node/conditions.ts';
import { Reporter, type ReporterParts } from '../../../../src/agent/report/reporter.ts';
import { RetryBook } from '../../../../src/agent/loop/retryBook.ts';
import type { RoundOutcome } from '../../../../src/plan/round.ts';
import type { EventRecorder, ProxyEvent } from '../../../../src/cluster/events.ts';
import type { LocalLack } from '../../../../src/desired/fragment.ts';
import { emptyState, type VirtualServer } from '../../../../src/dataplane/state.ts';
import { formatProblem, type Problem } from '../../../../src/model/problem.ts';
import { ClusterStore } from '../../../../src/model/clusterStore.ts';
import { ProxyHealth } from '../../../../src/ops/health.ts';
import { Metrics } from '../../../../src/ops/metrics.ts';
import { DrainBook } from '../../../../src/plan/drain.ts';
import { HeldBackError } from '../../../../src/plan/holdBack.ts';
import type { FailedOperation, Operation } from '../../../../src/dataplane/operations.ts';
import { FakeClock } from '../../../support/program/fakeClock.ts';
import { FakeKernel } from '../../../support/kernel/fakeKernel.ts';
import { FakeLog } from '../../../support/program/fakeLog.ts';

const FAMILIES = ['IPv4', 'IPv6'] as const;
const VERSION = { gitVersion: '', gitCommit: '', buildDate: '', nodeVersion: '', platform: '' };

let clock: FakeClock;
let log: FakeLog;
let events: ProxyEvent[];
let health: ProxyHealth;
let metrics: Metrics;
let retries: RetryBook;
let parts: ReporterParts;
let reporter: Reporter;

beforeEach(() => {
  clock = new FakeClock();
  log = new FakeLog(2);
  events = [];
  const codes = () => parts.conditions.healthCodes;
  health = new ProxyHealth({ families: FAMILIES, timeoutMs: 60_000, clock, codes });
  const observe = () => reporter.observation();
  const options = { families: FAMILIES, version: VERSION, observe };
  metrics = new Metrics({ ...options, hasProcessMetrics: false });
  retries = new RetryBook();
  const recorder = { record: (event) => events.push(event) } as Pick<EventRecorder, 'record'>;
  const told = {
    log,
    health,
    families: FAMILIES,
    clock,
    nodeName: 'node-1',
    events: recorder as EventRecorder,
  };
  parts = { ...told, metrics, conditions: openConditions(told) };
  reporter = new Reporter(parts);
});

const observe = () => {
  const view = new KernelView(new FakeKernel(), clock);
  reporter.observe({ view, retries, drain: new DrainBook() });
};

const server: VirtualServer = {
  address: '10.96.0.10',
  port: 80,
  protocol: 'TCP',
  scheduler: 'rr',
  flags: [],
  service: 'shop/web:http',
  destinations: new Map([
    [
      '10.244.1.5:8080',
      {
        address: '10.244.1.5',
        port: 8080,
        weight: 1,
        endpoint: 'shop/web-1#0',
        target: 'Pod shop/web-0',
      },
    ],
    ['10.244.1.6:8080', { address: '10.244.1.6', port: 8080, weight: 1 }],
  ]),
};
const state = { ...emptyState(), virtualServers: new Map([['10.96.0.10:80/TCP', server]]) };
const nothingWrong = { takeNews: () => new Map(), localLacks: new Map<LocalLack, number>() };

const addServer: Operation = { op: 'addServer', server };
const addDestination: Operation = {
  op: 'addDestination',
  server,
  destination: server.destinations.get('10.244.1.5:8080')!,
};
const rules: Operation = { op: 'writeRules', family: 'IPv6', table: 'nat', chains: new Map() };
const refused = (...operations: Operation[]): FailedOperation[] =>
  operations.map((operation) => ({ operation, error: new Error('no luck') }));

interface Round extends Partial<RoundOutcome> {
  readonly failed?: readonly FailedOperation[];
  readonly done?: readonly Operation[];
}

/** As the loop tells of a round; `failed` is booked. */
function round({ failed = [], done = [], ...rest }: Round = {}, problems = nothingWrong) {
  const newlyFailed = failed.filter((each) => retries.failed(each, clock.monotonicMs()));
  for (const operation of done) retries.succeeded(operation);
  const report = { done, failed, draining: [], kernelWrites: done.length };
  const phasesMs = { compile: 0.5, compare: 0.25, apply: 0.5 };
  const usual = { isFull: false, planned: [], repaired: new Map(), durationMs: 1.26, phasesMs };
  const outcome = { ...usual, report, newlyFailed, ...rest };
  reporter.roundBegan(clock.monotonicMs());
  reporter.round(outcome, { state, problems });
  reporter.roundEnded(true);
}

async function value(name: string): Promise<number> {
  const text = await metrics.render();
  const line = text.split('\n').find((each) => each.startsWith(`${name} `));
  return Number(line?.split(' ').at(-1));
}

describe('a round', () => {
  test('is told the first time, then only with -v, unless an audit found damage', () => {
    const fields = '{"operations":1,"failed":0,"kernelWrites":1,"durationMs":1.3}';
    const none = fields.replaceAll('":1,', '":0,');
    round({ isFull: true, done: [addServer] });
    round({ done: [addServer] });
    round({ isFull: true });
    round({ isFull: true, done: [addServer] });
    const change = 'v2 Service changed {"service":"shop/web","added":["10.96.0.10:80/TCP"]}';
    expect(log.lines).toEqual([
      change,
      `info first sync done ${fields}`,
      change,
      `v2 sync ${fields}`,
      `v2 audit ${none}`,
      change,
      `info audit corrected the kernel ${fields}`,
    ]);
  });

  test('tells a failure when it is new, with names, now and then while it lasts, and its end', async () => {
    observe();
    round();
    log.take();
    const errors = () => log.take().filter((line) => !line.startsWith('v2'));
    const names = '{"service":"shop/web:http","endpoint":"shop/web-1#0","target":"Pod shop/web-0"}';
    round({ failed: refused(addDestination) });
    expect(errors()).toEqual([
      `error destination 10.96.0.10:80/TCP -> 10.244.1.5:8080: addDestination failed; it will be tried again: no luck ${names}`,
    ]);
    round({ failed: refused(addDestination) });
    expect(errors()).toEqual([expect.stringMatching(/^warning EndpointSlice\/shop\/web-1\.endp/)]);
    await clock.advance(299_999);
    round({ failed: refused(addDestination) });
    expect(errors()).toEqual([]);
    await clock.advance(1);
    round();
    expect(errors()).toEqual([
      'error 1 operations keep failing and are tried again, one of them with: no luck',
    ]);
    round({ done: [addDestination] });
    expect(errors().filter((line) => line.startsWith('info'))).toEqual([
      'info nothing fails any more: the kernel is as it should be',
    ]);
    round();
    expect(errors()).toEqual([]);
  });

  test('tells causes, not what follows from them', () => {
    observe();
    round();
    log.take();
    const held: FailedOperation = {
      operation: { op: 'bindAddress', address: '10.96.0.10' },
      error: new HeldBackError('waits for rules IPv4 nat'),
    };
    round({ failed: [...refused(addServer, addDestination), held] });
    const told = log.take().filter((line) => line.startsWith('error'));
    expect(told).toEqual([
      'error new addresses and servers that do not attract traffic yet: 1: waits for rules IPv4 nat',
      expect.stringMatching(/^error server 10\.96\.0\.10:80\/TCP: addServer failed/),
    ]);
  });

  test('of many failures lists ten and says how many more there are', () => {
    observe();
    const many = Array.from({ length: 13 }, (_, i): Operation => {
      return { op: 'unbindAddress', address: `10.96.1.${i}` };
    });
    round({ failed: refused(...many) });
    const told = log.take().filter((line) => line.startsWith('error'));
    expect(told).toHaveLength(11);
    expect(told.at(-1)).toBe('error 3 more operations failed in this round');
  });

  test('counts Services whose Local policy finds nobody here', async () => {
    const localLacks = new Map<LocalLack, number>([['IPv6 external', 3]]);
    round({}, { ...nothingWrong, localLacks });
    const name = 'kubeproxy_sync_proxy_rules_no_local_endpoints_total';
    expect(await value(`${name}{ip_family="IPv6",traffic_policy="external"}`)).toBe(3);
    expect(await value(`${name}{ip_family="IPv4",traffic_policy="external"}`)).toBe(0);
    round();
    expect(await value(`${name}{ip_family="IPv6",traffic_policy="external"}`)).toBe(0);
  });

  test('of a builder made anew counts what it says alone', async () => {
    const problem: Problem = { path: 'Service/a/b.spec', value: 1, problem: 'x' };
    const first = { ...nothingWrong, takeNews: () => new Map([['a/b', [problem]]]) };
    round({}, first);
    expect(await value('kubeipvs_problems')).toBe(1);
    round({}, { ...nothingWrong });
    expect(await value('kubeipvs_problems')).toBe(0);
  });

  test('that is given up is told once, then its end', async () => {
    reporter.roundFailed(new Error('no ip_vs'), 500);
    reporter.roundFailed(new Error('no ip_vs'), 1_000);
    round();
    expect(log.lines.slice(0, 3)).toEqual([
      'error the kernel could not be compared with what should be; trying again in 0.5 s: no ip_vs',
      'v2 still failing; trying again in 1.0 s {"err":"no ip_vs"}',
      'info the kernel can be compared again',
    ]);
  });
});

describe('health', () => {
  /** What an unhealthy /healthz names. */
  const named = () =>
    (JSON.parse(health.healthz().body) as { conditions?: readonly string[] }).conditions;
  beforeEach(() => {
    reporter.roundBegan(clock.monotonicMs());
    reporter.roundEnded(true);
  });

  test('is not touched by what one Service is refused for ever, and its problem says so', async () => {
    observe();
    for (let i = 0; i < 10; i++) {
      round({ failed: refused(addDestination) });
      await clock.advance(30_000);
    }
    expect(health.healthz().isHealthy).toBe(true);
    expect(await value('kubeipvs_problems')).toBe(1);
    expect(await value('kubeipvs_failing_operations')).toBe(1);
    round({ done: [addDestination] });
    expect(await value('kubeipvs_problems')).toBe(0);
  });

  test('fails when rules cannot be written for the time-out, and /livez does not', async () => {
    observe();
    round({ failed: refused(rules) });
    await clock.advance(59_999);
    expect(health.healthz().isHealthy).toBe(true);
    expect(named()).toBeUndefined();
    await clock.advance(1);
    expect([health.healthz().isHealthy, health.livez().isHealthy]).toEqual([false, true]);
    expect(named()).toEqual(['FamilyNotProgrammed']);
    round({ done: [rules] });
    expect(health.healthz().isHealthy).toBe(true);
  });

  test('fails when the kernel cannot be read for the time-out, and /livez does not', async () => {
    for (let i = 0; i <= 4; i++) {
      reporter.roundBegan(clock.monotonicMs());
      reporter.roundFailed(new Error('no ip_vs'), 15_000);
      reporter.roundEnded(false);
      await clock.advance(15_000);
    }
    expect([health.healthz().isHealthy, health.livez().isHealthy]).toEqual([false, true]);
    expect(named()).toEqual(['KernelNotCompared']);
  });

  test('has been bad all the time when one reason follows the other', async () => {
    observe();
    reporter.roundBegan(clock.monotonicMs());
    reporter.roundFailed(new Error('no ip_vs'), 15_000);
    reporter.roundEnded(false);
    await clock.advance(40_000);
    round({ failed: refused(rules) });
    await clock.advance(19_999);
    expect(health.healthz().isHealthy).toBe(true);
    await clock.advance(1);
    expect(named()).toEqual(['FamilyNotProgrammed']);
  });

  test('names changes that have waited for the time-out', async () => {
    reporter.synced(new ClusterStore());
    await clock.advance(60_000);
    expect(named()).toEqual(['ChangesOverdue']);
    expect(parts.conditions.counts().get('ChangesOverdue')).toBe(2);
    round();
    expect(parts.conditions.counts().get('ChangesOverdue')).toBe(0);
  });

  test('goes with the Node', () => {
    reporter.nodeEligible(false);
    expect([health.healthz().isHealthy, health.livez().isHealthy]).toEqual([false, true]);
    expect(named()).toEqual(['NodeNotEligible']);
  });
});

describe('the source', () => {
  const failing = (detail: string) =>
    reporter.sourceStatus({ isConnected: false, isFailing: true, detail });

  test('that fails is told once a reason, whatever its countdown, and its return', async () => {
    reporter.sourceStatus({ isConnected: false, isFailing: false, detail: 'listing' });
    failing('ECONNREFUSED; retry in 1.0 s');
    failing('ECONNREFUSED; retry in 2.0 s');
    await clock.advance(10_000);
    failing('ECONNREFUSED; retry in 4.0 s');
    failing('401; retry in 4.0 s');
    expect(await value('kubeipvs_source_connected')).toBe(0);
    reporter.sourceStatus({ isConnected: true, isFailing: false, detail: 'watching' });
    expect(log.lines).toEqual([
      'v2 source not connected {"status":"listing"}',
      'error source not connected: ECONNREFUSED; retry in 1.0 s',
      'v2 source not connected {"status":"ECONNREFUSED; retry in 2.0 s"}',
      'v2 source not connected {"status":"ECONNREFUSED; retry in 4.0 s"}',
      'error source not connected: 401; retry in 4.0 s',
      'info source connected {"status":"watching"}',
    ]);
    expect(await value('kubeipvs_source_connected')).toBe(1);
  });

  test('that has listed everything is told with the numbers, and waits to be programmed', async () => {
    reporter.synced(new ClusterStore());
    expect(log.lines).toEqual(['info all objects listed {"services":0,"endpointSlices":0}']);
    await clock.advance(60_000);
    expect(health.isHealthy).toBe(false);
    round();
    expect(health.healthz().isHealthy).toBe(true);
  });
});

describe('the Node', () => {
  test('gets the Events of the start, with an action', () => {
    observe();
    const { conditions } = parts;
    conditions.set(CONNTRACK_HASH_TOO_SMALL, 'x', { message: 'sysfs is read-only', isTold: true });
    conditions.set(METRICS_NOT_SERVED, 'metrics', { message: 'metrics server cannot listen' });
    conditions.set(HEALTHZ_NOT_SERVED, 'healthz', { message: 'healthz server cannot listen' });
    const regarding = { kind: 'Node', name: 'node-1' };
    const action = 'StartKubeProxy';
    expect(events.map(({ reason, type, note }) => [type, reason, note])).toEqual([
      ['Normal', 'Starting', ''],
      ['Warning', 'readOnlySysFS', 'sysfs is read-only'],
      ['Warning', 'FailedToStartMetricServer', 'metrics server cannot listen'],
      ['Warning', 'FailedToStartProxierHealthcheck', 'healthz server cannot listen'],
    ]);
    for (const event of events) expect(event).toMatchObject({ regarding, action });
  });

  test('that has a problem is reminded of every five minutes', async () => {
    const problem: Problem = {
      path: 'Node/node-1',
      value: undefined,
      problem: 'is not there',
      consequence: 'NodeUnknown',
    };
    reporter.nodeReviewed([problem]);
    const told = () => log.take().filter((line) => line.startsWith('warning'));
    round();
    expect(told()).toEqual([`warning ${formatProblem(problem)}`]);
    await clock.advance(299_999);
    round();
    expect(told()).toEqual([]);
    await clock.advance(1);
    round();
    expect(told()).toEqual([`warning ${formatProblem(problem)}`]);
    reporter.nodeReviewed([]);
    await clock.advance(600_000);
    round();
    expect(told()).toEqual([]);
  });
});

test('what a source says of objects is told, and counted until it is mended', async () => {
  reporter.problems('Service/a/b', [{ path: 'Service/a/b.spec', value: 1, problem: 'is odd' }]);
  expect(await value('kubeipvs_problems')).toBe(1);
  reporter.problems('Service/a/b', []);
  expect(await value('kubeipvs_problems')).toBe(0);
  expect(log.lines).toEqual([
    'warning Service/a/b.spec (1): is odd',
    'v1 solved: Service/a/b.spec (1): is odd',
  ]);
});

test('warnings of others become lines', () => {
  reporter.warnings(['a', 'b']);
  expect(log.lines).toEqual(['warning a', 'warning b']);
});
