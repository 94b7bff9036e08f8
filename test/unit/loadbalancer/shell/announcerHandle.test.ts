import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { ThreadStart } from '../../../../src/loadbalancer/announcer/messages.ts';
import { AnnouncerHandle } from '../../../../src/loadbalancer/shell/announcerHandle.ts';
import { SystemClock } from '../../../../src/ops/clock.ts';

const PROGRAM = new URL('../../../support/loadbalancer/playedThread.ts', import.meta.url);

let handle: AnnouncerHandle;
let news: string[];
let ends: string[];
let begun: PromiseWithResolvers<void>;
let ended: PromiseWithResolvers<void>;
let running: Promise<void>;

beforeEach(async () => {
  news = [];
  ends = [];
  begun = Promise.withResolvers();
  ended = Promise.withResolvers();
  // The first pause between two threads is not waited for.
  const clock = Object.assign(new SystemClock(), { sleep: () => Promise.resolve() });
  handle = new AnnouncerHandle({
    clock,
    program: PROGRAM,
    onNews: (told) => {
      news.push(told.news);
      begun.resolve();
    },
    onBegin: () => undefined,
    onEnd: ({ message }) => {
      ends.push(message);
      ended.resolve();
    },
  });
  running = handle.run({ node: 'n1' } as ThreadStart, new AbortController().signal);
  await begun.promise;
});
afterEach(async () => {
  await handle.leave();
  await running;
});

test('is asked, and answers by what was asked', async () => {
  expect(await handle.report()).toEqual({ node: 'n1' });
  expect(await Promise.all([handle.release(['192.0.2.64']), handle.release(undefined)])).toEqual([
    ['192.0.2.64'],
    [],
  ]);
  expect(news).toEqual(['begun']);
});

test('a thread that ends by itself is begun anew, and what was asked of it fails', async () => {
  begun = Promise.withResolvers();
  handle.tell({ order: 'members', members: [] });
  const asked = handle.report();
  await expect(asked).rejects.toThrow('cannot go on');
  await ended.promise;
  await begun.promise;
  expect(ends).toEqual(['cannot go on']);
  expect(await handle.report()).toEqual({ node: 'n1' });
});

test('when it has left nobody begins it again', async () => {
  await handle.leave();
  await running;
  expect(ends).toEqual([]);
  await expect(handle.report()).rejects.toThrow('does not run');
});
