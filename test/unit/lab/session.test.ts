import { expect, test } from '@jest/globals';
import { runToEnd } from '../../lab/session.mjs';

const run = (script: string, options: Partial<Parameters<typeof runToEnd>[1]>) =>
  runToEnd(['sh', '-c', script], {
    timeoutSec: 0,
    env: process.env,
    stdio: 'ignore',
    ownGroup: true,
    ...options,
  });

test('what runs on when its work is done is killed, and has ended all the same', async () => {
  expect(await run('sleep 600', { isDone: () => true, lingerMs: 1 })).toMatchObject({
    ended: 'exit',
  });
});

test('what ends by itself is not waited for, whether its work is done or not', async () => {
  const ended = { ended: 'exit', status: 3 };
  expect(await run('exit 3', { isDone: () => false })).toEqual(ended);
  expect(await run('exit 3', { isDone: () => true })).toEqual(ended);
});

test('what takes too long is killed, and told', async () => {
  expect(await run('sleep 600', { timeoutSec: 1, isDone: () => false })).toMatchObject({
    ended: 'timeout',
  });
});
