import { EventEmitter } from 'node:events';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { EndSignal } from '../../../src/agent/endSignal.ts';
import { FakeClock, settle } from '../../support/program/fakeClock.ts';
import { FakeLog } from '../../support/program/fakeLog.ts';

let clock: FakeClock;
let log: FakeLog;
let signals: EventEmitter;
let end: EndSignal;
let isOverdue: boolean;

beforeEach(() => {
  clock = new FakeClock();
  log = new FakeLog();
  signals = new EventEmitter();
  const parts = { configFile: undefined, log, clock };
  end = new EndSignal({ ...parts, signals: signals as unknown as NodeJS.Process });
  isOverdue = false;
  void end.overdue.then(() => (isOverdue = true));
});

describe.each(['SIGTERM', 'SIGINT'])('%s', (name) => {
  test('ends the process in order, with status 0', () => {
    signals.emit(name, name);
    expect(end.signal.aborted).toBe(true);
    expect(end.exitCode).toBe(0);
    expect(log.lines).toEqual([`info stopping; what is programmed stays {"signal":"${name}"}`]);
  });
});

test('whatever has not ended in less than two seconds is not waited for', async () => {
  signals.emit('SIGTERM', 'SIGTERM');
  await clock.advance(1_799);
  expect(isOverdue).toBe(false);
  await clock.advance(1);
  expect(isOverdue).toBe(true);
  expect(log.lines.at(-1)).toMatch(/^warning not everything ended in time/);
});

test('a second signal waits for nothing', async () => {
  signals.emit('SIGTERM', 'SIGTERM');
  await settle();
  expect(isOverdue).toBe(false);
  signals.emit('SIGINT', 'SIGINT');
  await settle();
  expect(isOverdue).toBe(true);
});

test('an end that is finished is not told to be late, and signals are no longer ours', async () => {
  signals.emit('SIGTERM', 'SIGTERM');
  end.release();
  await clock.advance(5_000);
  expect(isOverdue).toBe(false);
  expect(log.lines).toHaveLength(1);
  expect(signals.listenerCount('SIGTERM') + signals.listenerCount('SIGINT')).toBe(0);
});

describe('a configuration file that changes', () => {
  const late = /^warning not everything ended in time/;
  let change: () => void;
  let isWatching: boolean;

  beforeEach(() => {
    end.release();
    const watch = (file: string, onChange: () => void) => {
      expect(file).toBe('/etc/config.yaml');
      change = onChange;
      isWatching = true;
      return () => (isWatching = false);
    };
    const configFile = '/etc/config.yaml';
    const parts = { configFile, log, clock, watch };
    end = new EndSignal({ ...parts, signals: signals as unknown as NodeJS.Process });
  });

  test('ends the process in order, with status 1 to be started anew', async () => {
    change();
    expect(end.signal.aborted).toBe(true);
    expect(end.exitCode).toBe(1);
    expect(log.lines).toEqual([
      'error /etc/config.yaml changed: ending, to be started anew with it',
    ]);
    end.release();
    expect(isWatching).toBe(false);
  });

  test('after a signal changes neither the status nor the time that is left', async () => {
    signals.emit('SIGTERM', 'SIGTERM');
    await clock.advance(1_000);
    change();
    expect(end.exitCode).toBe(0);
    await clock.advance(10_000);
    expect(log.lines.filter((line) => late.test(line))).toHaveLength(1);
  });
});

test('other configuration that changes ends the process as a changed file does', () => {
  end.changed('what --features names');
  expect([end.signal.aborted, end.exitCode]).toEqual([true, 1]);
  expect(log.lines).toEqual([
    'error what --features names changed: ending, to be started anew with it',
  ]);
});
