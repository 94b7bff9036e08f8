import { expect, test } from '@jest/globals';
import { preciseWallClock } from '../../../src/ops/clock.ts';

/** A machine's clocks at a moment that the test knows to the microsecond. */
class Machine {
  wallMs = 1_796_013_028_336.42;
  monotonicMs = 50.7;
  readonly clock = preciseWallClock(
    () => Math.floor(this.wallMs),
    () => this.monotonicMs,
  );

  pass(ms: number): void {
    this.wallMs += ms;
    this.monotonicMs += ms;
  }

  error(): number {
    return Math.abs(this.clock() - this.wallMs);
  }
}

test('wall time is right to the millisecond at once, and to some microseconds soon', () => {
  const machine = new Machine();
  expect(machine.error()).toBeLessThan(1);
  for (let i = 0; i < 200; i++) {
    machine.pass(3.137);
    machine.clock();
  }
  for (let i = 0; i < 50; i++) {
    machine.pass(0.011);
    expect(machine.error()).toBeLessThan(0.05);
  }
});

test('moments of one millisecond are told apart, in their order', () => {
  const machine = new Machine();
  machine.clock();
  const moments = Array.from({ length: 20 }, () => {
    machine.pass(0.02);
    return machine.clock();
  });
  const steps = moments.slice(1).map((moment, i) => moment - moments[i]!);
  expect(Math.min(...steps)).toBeGreaterThan(0);
});

test.each([3_600_000, -3_600_000, 1.5, -1.5])('a clock set by %d ms is followed', (jumpMs) => {
  const machine = new Machine();
  for (let i = 0; i < 100; i++) {
    machine.pass(1.71);
    machine.clock();
  }
  machine.wallMs += jumpMs;
  for (let i = 0; i < 100; i++) {
    machine.pass(1.71);
    expect(machine.error()).toBeLessThan(1.01);
  }
  expect(machine.error()).toBeLessThan(0.1);
});

test('two clocks that go apart slowly stay within a millisecond', () => {
  const machine = new Machine();
  for (let i = 0; i < 2_000; i++) {
    machine.pass(40.37);
    machine.wallMs += 40.37 * 500e-6;
    expect(machine.error()).toBeLessThan(1);
  }
});

test('a process that is held up between two looks loses nothing', () => {
  let wallMs = 1_000.25;
  let monotonicMs = 7.75;
  let heldUpMs = 0;
  const clock = preciseWallClock(
    () => {
      const date = Math.floor(wallMs);
      wallMs += heldUpMs;
      monotonicMs += heldUpMs;
      return date;
    },
    () => monotonicMs,
  );
  clock();
  heldUpMs = 30;
  for (let i = 0; i < 10; i++) {
    wallMs += 0.31;
    monotonicMs += 0.31;
    expect(Math.abs(clock() - wallMs)).toBeLessThan(1);
  }
});
