/** Features that do everything wrong, and what comes of it: a condition, and nothing else. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Counter, type Registry } from 'prom-client';
import type { AgentView } from '../../../src/agent/featureHost.ts';
import { FeatureSet } from '../../../src/agent/featureSet.ts';
import { askedFeatures, type FeatureRow, needsOf } from '../../../src/agent/features.ts';
import { RUN_FLAGS } from '../../../src/config/flags.ts';
import { parseFlags } from '../../../src/config/parseFlags.ts';
import { resolveConfig } from '../../../src/config/resolve.ts';
import { emptyState } from '../../../src/dataplane/state.ts';
import { type Feature, type FeatureHost, FeatureStartError } from '../../../src/feature/feature.ts';
import { ClusterStore } from '../../../src/model/clusterStore.ts';
import { ConditionLog } from '../../../src/ops/conditionLog.ts';
import { Conditions, defineCondition } from '../../../src/ops/conditions.ts';
import type { RoundOutcome } from '../../../src/plan/round.ts';
import { hostNetwork } from '../../support/objects/nodeFixtures.ts';
import { FakeClock, settle } from '../../support/program/fakeClock.ts';
import { FakeLog } from '../../support/program/fakeLog.ts';

const { config } = resolveConfig({
  flags: parseFlags([], RUN_FLAGS).values,
  isInCluster: true,
});
const ROUND = {} as RoundOutcome;
const NEVER = new Promise<never>(() => undefined);
const node = (key: string) => ({
  kind: 'Node' as const,
  key,
  object: undefined,
  before: undefined,
});

let clock: FakeClock;
let log: FakeLog;
/** One that a feature brings along. */
const SHY = defineCondition({
  code: 'Shy',
  severity: 'warning',
  affectsHealth: false,
  title: 'a feature is shy',
  end: 'it is shy no more',
});

let conditions: Conditions;
/** those on /metrics */
let registries: Set<Registry>;
let cluster: ClusterStore;
let heldBackTimes: number;
let set: FeatureSet;

beforeEach(() => {
  clock = new FakeClock();
  log = new FakeLog();
  conditions = new Conditions({ known: [], tellers: [new ConditionLog(log, clock)], clock });
  registries = new Set();
  cluster = new ClusterStore();
  heldBackTimes = 0;
});
afterEach(() => {
  void set.stop();
  return clock.advance(1_000);
});

const view = (): AgentView => ({
  cluster,
  synced: Promise.resolve(),
  listed: () => Promise.resolve(),
  isConnected: () => true,
  desired: () => undefined,
  programmed: emptyState,
  network: hostNetwork,
  onHeldBack: () => void heldBackTimes++,
});

function setOf(...features: readonly (Feature | FeatureRow)[]): FeatureSet {
  const rows = features.map((each) =>
    'asked' in each ? each : { name: each.name, asked: () => ({ load: async () => each }) },
  );
  const metrics = {
    include: (registry: Registry) => {
      registries.add(registry);
      return () => registries.delete(registry);
    },
  };
  const surroundings = {
    nodeName: 'node-1',
    log,
    clock,
    metrics,
    conditions,
    isHealthy: () => true,
  };
  set = new FeatureSet({ asked: askedFeatures(rows, config!), surroundings });
  return set;
}

const shown = async () =>
  (await Promise.all([...registries].map((each) => each.metrics()))).join('');
const standing = () =>
  conditions.standing.map(({ subject, condition }) => [condition.code, subject]);

/** One that works, and what it was told. */
function witness(name = 'witness'): Feature & { readonly told: string[] } {
  const told: string[] = [];
  return {
    name,
    told,
    start: () => {
      told.push('start');
      return {
        changed: ({ kind, key }) => void told.push(`${kind} ${key}`),
        roundBegan: () => void told.push('began'),
        round: () => void told.push('round'),
        roundDone: () => void told.push('done'),
        stop: () => void told.push('stop'),
      };
    },
  };
}

test('a feature hears of all there is, then of each change and round, until it is stopped', async () => {
  cluster.put({ kind: 'Node', key: 'a', object: {} as never });
  const { told, ...feature } = witness();
  await setOf(feature).start(view());
  set.changed(node('b'));
  set.roundBegan();
  set.round(ROUND);
  set.roundDone();
  await set.stop();
  expect(told).toEqual(['start', 'Node a', 'Node b', 'began', 'round', 'done', 'stop']);
  set.round(ROUND);
  expect(told).toHaveLength(7);
});

test('one that is not asked for is not even loaded', async () => {
  const { told, ...feature } = witness();
  const row: FeatureRow = {
    name: 'off',
    asked: ({ isInitOnly }) =>
      isInitOnly ? { load: () => NEVER, needs: ['HeadlessServices'] } : undefined,
  };
  await setOf(row, feature).start(view());
  expect(told).toEqual(['start']);
  expect(standing()).toEqual([]);
});

test('a start that throws is a condition, leaves nothing behind, and is tried again until it works', async () => {
  let attempts = 0;
  const { told, ...other } = witness();
  const failing: Feature = {
    name: 'shy',
    start: (host) => {
      attempts += 1;
      new Counter({ name: 'shy_total', help: 'x', registers: [host.metrics] }).inc(attempts);
      host.routes.serve('/v1/shy', () => ({ status: 200, contentType: '', body: '' }));
      host.holdBack(['192.0.2.1']);
      host.conditions.set(SHY, 'x', { message: 'shy of x', isTold: true });
      if (attempts < 3) throw new Error(`no. ${attempts}`);
      return { stop: () => undefined };
    },
  };
  await setOf(failing, other).start(view());
  expect(standing()).toEqual([['FeatureFailed', 'shy']]);
  expect(log.take()).toEqual(['error feature shy does not start; everything else goes on: no. 1']);
  expect(await shown()).not.toContain('shy_total');
  expect(set.heldBack).toEqual([]);
  set.round(ROUND);
  expect(told).toEqual(['start', 'round']);
  await clock.advance(1_000);
  expect([attempts, standing()]).toEqual([2, [['FeatureFailed', 'shy']]]);
  await clock.advance(2_000);
  expect([attempts, standing()]).toEqual([3, [['Shy', 'x']]]);
  expect(await shown()).toContain('shy_total 3\n');
  expect(set.heldBack).toEqual(['192.0.2.1']);
  await set.stop();
  expect(await shown()).not.toContain('shy_total');
  expect(standing()).toEqual([]);
});

test('a module that cannot be loaded and a reason that is a sentence are told likewise', async () => {
  const row: FeatureRow = {
    name: 'broken',
    asked: () => ({ load: () => Promise.reject(new Error('no such module')) }),
  };
  const cause = new Error('EACCES');
  const start = () => Promise.reject(new FeatureStartError('no socket; ask elsewhere', { cause }));
  await setOf(row, { name: 'explained', start }).start(view());
  expect(log.lines).toEqual([
    'error feature broken does not start; everything else goes on: no such module',
    'error no socket; ask elsewhere: EACCES',
  ]);
});

test('a start that hangs is waited for a few seconds, and joins when it is done', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { told, ...late } = witness('late');
  const slow: Feature = { ...late, start: (host) => promise.then(() => late.start(host)) };
  let isStarted = false;
  void setOf(slow)
    .start(view())
    .then(() => (isStarted = true));
  await clock.advance(4_999);
  expect([isStarted, standing()]).toEqual([false, []]);
  await clock.advance(1);
  expect([isStarted, standing()]).toEqual([true, [['FeatureFailed', 'late']]]);
  expect(log.take().join()).toContain('has not started within 5 s');
  set.changed(node('a'));
  cluster.put({ kind: 'Node', key: 'b', object: {} as never });
  resolve();
  await settle();
  expect(standing()).toEqual([]);
  expect(told).toEqual(['start', 'Node b']);
});

test('a kind that cannot be read is the matter of those that need it', async () => {
  const { told: _, ...first } = witness('first');
  const { told: __, ...second } = witness('second');
  const needing: FeatureRow = {
    name: 'first',
    asked: () => ({ load: async () => first, needs: ['Node', 'HeadlessServices'] }),
  };
  expect([...needsOf(askedFeatures([needing], config!))]).toEqual(['Node', 'HeadlessServices']);
  await setOf(needing, second).start(view());
  set.kindStatus({ kind: 'Node', isListed: false, failure: 'list nodes: 403; allow it' });
  expect(standing()).toEqual([['FeatureFailed', 'first']]);
  expect(log.lines).toEqual([
    'error feature first failed (Nodes); everything else goes on: list nodes: 403; allow it',
  ]);
  set.kindStatus({ kind: 'Node', isListed: true });
  expect(standing()).toEqual([]);
});

test('what a change or a round throws stays inside, until the same goes well', async () => {
  let isWell = false;
  const check = (what: string) => {
    if (!isWell && what !== 'fine') throw new Error(`cannot take ${what}`);
  };
  const touchy: Feature = {
    name: 'touchy',
    start: () => ({
      changed: ({ key }) => check(key),
      round: () => check('round'),
      stop: () => undefined,
    }),
  };
  const { told, ...other } = witness();
  await setOf(touchy, other).start(view());
  set.changed(node('bad'));
  set.changed(node('fine'));
  set.round(ROUND);
  expect(told).toEqual(['start', 'Node bad', 'Node fine', 'round']);
  expect(standing()).toEqual([['FeatureFailed', 'touchy']]);
  expect(log.lines).toEqual([
    'error feature touchy failed (Node bad); everything else goes on: cannot take bad',
  ]);
  isWell = true;
  set.changed(node('bad'));
  expect(standing()).toEqual([['FeatureFailed', 'touchy']]);
  set.round(ROUND);
  expect(standing()).toEqual([]);
});

test('work beside the rounds and async answers that reject are conditions too', async () => {
  let host: FeatureHost | undefined;
  const busy: Feature = {
    name: 'busy',
    start: (given) => {
      host = given;
      const round = (() => Promise.reject(new Error('later'))) as () => void;
      return { round, stop: () => undefined };
    },
  };
  await setOf(busy).start(view());
  set.round(ROUND);
  await settle();
  expect(log.take()).toEqual(['error feature busy failed (round); everything else goes on: later']);
  host!.run(() => Promise.reject(new Error('boom')));
  await settle();
  expect(conditions.standing[0]?.report.error).toEqual(new Error('later'));
  await set.stop();
  expect(standing()).toEqual([['FeatureFailed', 'busy']]);
});

test('work that throws by itself is told by the name of its feature', async () => {
  const working: Feature = {
    name: 'working',
    start: ({ run }) => {
      run(() => Promise.reject(new Error('boom')));
      return { stop: () => undefined };
    },
  };
  await setOf(working).start(view());
  await settle();
  expect(standing()).toEqual([['FeatureFailed', 'working']]);
  expect(log.take()).toEqual([
    'error feature working failed (work); everything else goes on: boom',
  ]);
});

test('its work ends with it, and what it throws because of that is nothing', async () => {
  const ended: string[] = [];
  const working: Feature = {
    name: 'working',
    start: ({ run }) => {
      run(async (signal) => {
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        ended.push('work');
        throw new Error('aborted');
      });
      return { stop: () => void ended.push('stop') };
    },
  };
  await setOf(working).start(view());
  await set.stop();
  expect(ended).toEqual(['stop', 'work']);
  expect(standing()).toEqual([]);
});

test('an end that does not come is not waited for', async () => {
  const { told, ...other } = witness();
  const stuck: Feature = { name: 'stuck', start: () => ({ stop: () => NEVER }) };
  const hanging: Feature = { name: 'hanging', start: () => NEVER };
  const starting = setOf(stuck, hanging, other).start(view());
  await clock.advance(5_000);
  await starting;
  let isStopped = false;
  void set.stop().then(() => (isStopped = true));
  await clock.advance(799);
  expect([isStopped, told.at(-1)]).toEqual([false, 'stop']);
  await clock.advance(1);
  expect(isStopped).toBe(true);
  expect(log.lines.at(-1)).toBe(
    'warning features did not end in time {"features":"stuck, hanging"}',
  );
});

test('addresses that features hold back are those of all of them', async () => {
  const holding = (name: string, ...addresses: string[]): Feature => ({
    name,
    start: ({ holdBack }) => {
      holdBack(addresses);
      return { stop: () => undefined };
    },
  });
  await setOf(holding('one', '192.0.2.1'), holding('two', '192.0.2.2')).start(view());
  expect(set.heldBack).toEqual(['192.0.2.1', '192.0.2.2']);
  expect(heldBackTimes).toBe(2);
});

test('two features do not serve one path', async () => {
  const serving = (name: string): Feature => ({
    name,
    start: ({ routes }) => {
      routes.serve('/v1/x', () => ({ status: 200, contentType: '', body: name }));
      return { stop: () => undefined };
    },
  });
  await setOf(serving('one'), serving('two')).start(view());
  expect(standing()).toEqual([['FeatureFailed', 'two']]);
  expect(log.lines.join()).toContain('two features serve /v1/x');
});
