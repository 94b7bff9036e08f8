import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Registry } from 'prom-client';
import { beforeEach, expect, test } from '@jest/globals';
import { type EventLoop, EventLoopMetrics } from '../../../src/ops/eventLoopMetrics.ts';

/** A loop that turns when the test says so. */
class FakeLoop implements EventLoop {
  #activeMs = 5_000;
  #actions: (() => void)[] = [];

  activeMs(): number {
    return this.#activeMs;
  }

  afterTurn(action: () => void): () => void {
    this.#actions.push(action);
    return () => (this.#actions = this.#actions.filter((each) => each !== action));
  }

  get isLeftAlone(): boolean {
    return this.#actions.length === 0;
  }

  turn(busyMs: number): void {
    this.#activeMs += busyMs;
    const actions = this.#actions;
    this.#actions = [];
    for (const action of actions) action();
  }
}

let registry: Registry;
beforeEach(() => {
  registry = new Registry();
});

async function value(series: string): Promise<number> {
  const line = (await registry.metrics()).split('\n').find((each) => each.startsWith(`${series} `));
  return Number(line?.slice(series.length + 1));
}

const upTo = (seconds: string) => value(`kubeipvs_event_loop_turn_seconds_bucket{le="${seconds}"}`);

test('each turn counts with the time that it was busy, from the first whole one on', async () => {
  const loop = new FakeLoop();
  const metrics = new EventLoopMetrics(registry, loop);
  metrics.watch();
  loop.turn(900);
  expect(await upTo('+Inf')).toBe(0);
  loop.turn(1);
  loop.turn(30);
  loop.turn(31);
  expect(await upTo('0.001')).toBe(1);
  expect(await upTo('0.02')).toBe(1);
  expect(await upTo('0.03')).toBe(2);
  expect(await upTo('0.05')).toBe(3);
  expect(await value('kubeipvs_event_loop_turn_seconds_sum')).toBeCloseTo(0.062, 10);
  metrics.stop();
  loop.turn(40);
  loop.turn(40);
  expect(await upTo('+Inf')).toBe(3);
});

test('at rest the loop is left alone, behind the turn in which it was said', async () => {
  const loop = new FakeLoop();
  const metrics = new EventLoopMetrics(registry, loop);
  metrics.watch();
  loop.turn(1);
  metrics.rest();
  loop.turn(300);
  expect(await value('kubeipvs_event_loop_turn_seconds_sum')).toBeCloseTo(0.3, 10);
  expect(loop.isLeftAlone).toBe(true);
  loop.turn(7_000);
  metrics.watch();
  metrics.watch();
  loop.turn(7_000);
  loop.turn(40);
  expect(await upTo('+Inf')).toBe(2);
  expect(await value('kubeipvs_event_loop_turn_seconds_sum')).toBeCloseTo(0.34, 10);
});

test('the loop of this process: what blocks it is seen, once', async () => {
  const metrics = new EventLoopMetrics(registry);
  metrics.watch();
  await nextTurn();
  await nextTurn();
  const before = (await upTo('+Inf')) - (await upTo('0.05'));
  const begin = performance.now();
  while (performance.now() - begin < 60) continue;
  await nextTurn();
  await nextTurn();
  metrics.stop();
  expect((await upTo('+Inf')) - (await upTo('0.05'))).toBeGreaterThan(before);
  const all = await upTo('+Inf');
  await nextTurn();
  await nextTurn();
  expect(await upTo('+Inf')).toBe(all);
});

const MODULE = join(import.meta.dirname, '..', '..', '..', 'src', 'ops', 'eventLoopMetrics.ts');

/** A second of nothing to do would be a million turns of a loop that is kept awake. */
test('a process that waits is let wait, and one that has nothing to wait for ends', () => {
  const program = `
    import { thisEventLoop } from ${JSON.stringify(MODULE)};
    let turns = 0;
    const look = () => { turns++; thisEventLoop.afterTurn(look); };
    thisEventLoop.afterTurn(look);
    setTimeout(() => process.stdout.write(String(turns < 1_000)), 1_000);`;
  const { stdout, status } = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', program],
    { encoding: 'utf8', timeout: 60_000 },
  );
  expect({ stdout, status }).toEqual({ stdout: 'true', status: 0 });
});
