/**
 * Set once, told everywhere: one trouble as log, metric, health and Events show it, from its
 * beginning to its end.
 */
import { beforeEach, describe, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { ConditionEvents, type EventSink } from '../../../src/ops/conditionEvents.ts';
import { ConditionHealth } from '../../../src/ops/conditionHealth.ts';
import { ConditionLog } from '../../../src/ops/conditionLog.ts';
import { registerConditions } from '../../../src/ops/conditionMetric.ts';
import { Conditions, defineCondition } from '../../../src/ops/conditions.ts';
import { ConditionScope } from '../../../src/ops/conditionScope.ts';
import { ProxyHealth } from '../../../src/ops/health.ts';
import { FakeClock } from '../../support/program/fakeClock.ts';
import { FakeLog } from '../../support/program/fakeLog.ts';

const FAMILIES = ['IPv4', 'IPv6'] as const;
const TIMEOUT_MS = 60_000;

const ROUTER_AWAY = defineCondition({
  code: 'RouterAway',
  severity: 'error',
  affectsHealth: 'programming',
  title: 'a router does not answer',
  end: 'the router answers again',
  event: { reason: 'RouterLost', action: 'Announce' },
});
const LEAVING = defineCondition({
  code: 'Leaving',
  severity: 'warning',
  affectsHealth: 'eligibility',
  title: 'the node is about to go',
  isSilent: true,
});
const ODD = defineCondition({
  code: 'Odd',
  severity: 'warning',
  affectsHealth: false,
  title: 'something is odd',
  isSteady: true,
});
const WAITING = defineCondition({
  code: 'Waiting',
  severity: 'error',
  affectsHealth: 'programming',
  title: 'something waits',
  isSilent: true,
});

let clock: FakeClock;
let log: FakeLog;
let events: Parameters<EventSink['record']>[0][];
let health: ProxyHealth;
let register: Registry;
let conditions: Conditions;

beforeEach(() => {
  clock = new FakeClock();
  log = new FakeLog(2);
  events = [];
  const codes = () => conditions.healthCodes;
  health = new ProxyHealth({ families: FAMILIES, timeoutMs: TIMEOUT_MS, clock, codes });
  health.roundEnded(true, clock.wallMs());
  const tellers = [
    new ConditionLog(log, clock),
    new ConditionHealth(health, FAMILIES),
    new ConditionEvents({ record: (event) => events.push(event) }, 'node-1'),
  ];
  conditions = new Conditions({ known: [ROUTER_AWAY, LEAVING, ODD, WAITING], tellers, clock });
  register = new Registry();
  registerConditions(register, () => conditions.counts());
});

/** The metric's lines: `RouterAway 1`. */
async function counted(): Promise<readonly string[]> {
  const text = await register.metrics();
  return Array.from(
    text.matchAll(/^kubeipvs_condition\{code="(\w+)"\} (\d+)$/gm),
    ([, code, count]) => `${code} ${count}`,
  );
}

const membersOf = (body: string) => JSON.parse(body) as Record<string, unknown>;

describe('one trouble', () => {
  test('is a line, a count, an Event and, after the time-out, ill health that names it', async () => {
    expect(await counted()).toEqual(['RouterAway 0', 'Leaving 0', 'Odd 0', 'Waiting 0']);
    conditions.set(ROUTER_AWAY, '192.0.2.1', { message: 'no answer', error: new Error('EHOST') });
    expect(log.take()).toEqual(['error no answer: EHOST']);
    expect(events).toEqual([
      {
        regarding: { kind: 'Node', name: 'node-1' },
        type: 'Warning',
        reason: 'RouterLost',
        action: 'Announce',
        note: 'no answer',
      },
    ]);
    conditions.set(ROUTER_AWAY, '192.0.2.2', { message: 'no answer from the other' });
    expect(await counted()).toEqual(['RouterAway 2', 'Leaving 0', 'Odd 0', 'Waiting 0']);
    await clock.advance(TIMEOUT_MS - 1);
    expect(health.healthz().isHealthy).toBe(true);
    expect(membersOf(health.healthz().body)).not.toHaveProperty('conditions');
    await clock.advance(1);
    expect(health.healthz().isHealthy).toBe(false);
    expect(health.livez().isHealthy).toBe(true);
    expect(membersOf(health.healthz().body)).toEqual({
      lastUpdated: expect.any(String),
      currentTime: expect.any(String),
      nodeEligible: true,
      healthy: false,
      status: expect.any(Object),
      conditions: ['RouterAway'],
    });
  });

  test('is told again when its reason is another, but not at once, and now and then', async () => {
    const set = (text: string) =>
      conditions.set(ROUTER_AWAY, 'a', {
        message: 'no answer',
        error: new Error(text),
        otherwise: { message: 'still none', fields: { err: text } },
      });
    set('EHOST');
    set('ENET');
    await clock.advance(10_000);
    set('EHOST');
    set('ENET');
    await clock.advance(299_999);
    set('ENET');
    await clock.advance(1);
    set('ENET');
    expect(log.lines).toEqual([
      'error no answer: EHOST',
      'v2 still none {"err":"ENET"}',
      'v2 still none {"err":"EHOST"}',
      'error no answer: ENET',
      'v2 still none {"err":"ENET"}',
      'error no answer: ENET',
    ]);
    expect(events).toHaveLength(1);
    expect(conditions.standing.map(({ sinceMs }) => sinceMs)).toEqual([0]);
  });

  test('ends for its subject alone, with a line, and a later one is news again', async () => {
    conditions.set(ROUTER_AWAY, 'a', { message: 'no a' });
    conditions.set(ROUTER_AWAY, 'b', { message: 'no b' });
    log.take();
    expect(conditions.clear(ROUTER_AWAY, 'a')?.report.message).toBe('no a');
    expect(conditions.clear(ROUTER_AWAY, 'a')).toBeUndefined();
    expect(log.take()).toEqual(['info the router answers again']);
    expect((await counted())[0]).toBe('RouterAway 1');
    conditions.set(ROUTER_AWAY, 'a', { message: 'no a' });
    expect(log.take()).toEqual(['error no a']);
    expect(events.map(({ note }) => note)).toEqual(['no a', 'no b', 'no a']);
  });

  test('hits the families that it names', async () => {
    conditions.set(ROUTER_AWAY, 'a', { message: 'no a', families: ['IPv6'] });
    await clock.advance(TIMEOUT_MS);
    expect(health.isHealthy).toBe(false);
    expect(health.overdue).toEqual([]);
    conditions.clear(ROUTER_AWAY, 'a');
    expect(health.isHealthy).toBe(true);
  });
});

test('what replaces others begins before they end: health was bad all the time', async () => {
  conditions.set(ROUTER_AWAY, 'a', { message: 'no a' });
  await clock.advance(TIMEOUT_MS - 1);
  const cleared = conditions.replace(ROUTER_AWAY, new Map([['b', { message: 'no b' }]]));
  expect(cleared.map(({ subject }) => subject)).toEqual(['a']);
  expect(conditions.standing.map(({ subject, sinceMs }) => [subject, sinceMs])).toEqual([
    ['b', TIMEOUT_MS - 1],
  ]);
  await clock.advance(1);
  expect(health.isHealthy).toBe(false);
});

test('what was told by others has no line at its beginning, and one when it lasts', async () => {
  const set = () => conditions.set(ROUTER_AWAY, 'a', { message: 'no a', isTold: true });
  set();
  expect([log.take(), events.length]).toEqual([[], 1]);
  await clock.advance(300_000);
  conditions.set(ROUTER_AWAY, 'a', { message: 'no a' });
  expect(log.take()).toEqual(['error no a']);
  conditions.clear(ROUTER_AWAY, 'a');
  expect(log.take()).toEqual(['info the router answers again']);
});

test('what makes the node ineligible says so at once and leaves the families alone, without a line', async () => {
  conditions.set(LEAVING, 'node-1', { message: 'it goes' });
  const { isHealthy, body } = health.healthz();
  expect(isHealthy).toBe(false);
  expect(membersOf(body)).toMatchObject({ nodeEligible: false, conditions: ['Leaving'] });
  await clock.advance(TIMEOUT_MS);
  expect(health.isHealthy).toBe(true);
  conditions.clear(LEAVING, 'node-1');
  expect(health.healthz().isHealthy).toBe(true);
  expect([log.lines, events]).toEqual([[], []]);
});

test('a steady one is called to mind without being set again, and has no bearing on health', async () => {
  conditions.set(ODD, 'x', { message: 'x is odd', fields: { by: 2 } });
  conditions.set(ROUTER_AWAY, 'a', { message: 'no a' });
  conditions.remind();
  await clock.advance(299_999);
  conditions.remind();
  expect(log.take()).toEqual(['warning x is odd {"by":2}', 'error no a']);
  await clock.advance(1);
  conditions.remind();
  conditions.remind();
  expect(log.take()).toEqual(['warning x is odd {"by":2}']);
  conditions.clear(ROUTER_AWAY, 'a');
  expect(conditions.healthCodes).toEqual([]);
  conditions.clear(ODD, 'x');
  expect(log.take()).toEqual(['info the router answers again']);
});

test('a derived one stands for whom it is true when somebody looks', async () => {
  const waiting: string[] = [];
  conditions.derive(WAITING, () => waiting);
  expect(conditions.healthCodes).toEqual([]);
  waiting.push('a', 'b');
  expect(conditions.healthCodes).toEqual(['Waiting']);
  expect((await counted()).at(-1)).toBe('Waiting 2');
});

test('one that nobody announced is counted while it stands', async () => {
  const rare = defineCondition({ ...ODD, code: 'Rare' });
  conditions.set(rare, 'x', { message: 'rare' });
  expect(await counted()).toContain('Rare 1');
  conditions.clear(rare, 'x');
  expect((await counted()).join()).not.toContain('Rare');
});

test('of a part that stops all is forgotten, without a line that it is over, and nothing new stands', async () => {
  const scope = new ConditionScope(conditions);
  conditions.set(ROUTER_AWAY, 'of others', { message: 'no answer' });
  scope.set(ROUTER_AWAY, 'a', { message: 'no a' });
  scope.set(ROUTER_AWAY, 'b', { message: 'no b' });
  scope.clear(ROUTER_AWAY, 'b');
  log.take();
  scope.close();
  scope.set(ODD, 'late', { message: 'late' });
  expect(log.lines).toEqual([]);
  expect(conditions.standing.map(({ subject }) => subject)).toEqual(['of others']);
  expect(await counted()).toContain('RouterAway 1');
  conditions.clear(ROUTER_AWAY, 'of others');
  await clock.advance(TIMEOUT_MS);
  expect(health.isHealthy).toBe(true);
});
