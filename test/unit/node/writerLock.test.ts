import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { becomeWriter } from '../../../src/node/writerLock.ts';
import { FakeClock, settle } from '../../support/program/fakeClock.ts';
import { FakeLog } from '../../support/program/fakeLog.ts';

let folder: string;
let clock: FakeClock;
let log: FakeLog;
/** what the kernel says to a try; the real one is asked in test/kernel/twoInstances.test.ts */
let isHeld: boolean;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'writer-'));
  clock = new FakeClock();
  log = new FakeLog();
  isHeld = false;
});
afterEach(() => rm(folder, { recursive: true }));

const become = (signal: AbortSignal, where = folder) =>
  becomeWriter(signal, { log, clock, folder: where, tryLock: () => !isHeld });
const never = () => new AbortController().signal;

test('who is alone writes at once, and leaves its name for the next', async () => {
  const lock = await become(never());
  const [name] = await readdir(folder);
  expect(name).toMatch(/^writer-\d+\.lock$/);
  expect(await readFile(path.join(folder, name!), 'utf8')).toBe(`${process.pid}\n`);
  expect(log.lines).toEqual([]);
  await lock!.release();
});

test('who comes second waits, says so once, and writes when the first has ended', async () => {
  await (await become(never()))!.release();
  const [name] = await readdir(folder);
  await writeFile(path.join(folder, name!), '4711\n');
  isHeld = true;
  let isWriter = false;
  const second = become(never()).then((lock) => {
    isWriter = true;
    return lock;
  });
  while (clock.sleeps.length === 0) await settle();
  await clock.advance(60_000);
  expect(isWriter).toBe(false);
  expect(log.lines.filter((line) => line.includes('waiting until it has ended'))).toHaveLength(1);
  expect(log.lines.join()).toContain('4711');
  isHeld = false;
  await clock.advance(1_000);
  await (await second)!.release();
  expect(await readFile(path.join(folder, name!), 'utf8')).toBe(`${process.pid}\n`);
});

test('a signal ends the wait', async () => {
  isHeld = true;
  const end = new AbortController();
  const second = become(end.signal);
  while (clock.sleeps.length === 0) await settle();
  end.abort();
  expect(await second).toBeUndefined();
});

test('where no file can be made it goes on, and says what is missing', async () => {
  const file = path.join(folder, 'file');
  await writeFile(file, '');
  const lock = await become(never(), path.join(file, 'below'));
  expect(lock).toBeDefined();
  expect(log.lines.join()).toContain('would not wait for this one');
});
