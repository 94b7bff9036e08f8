/**
 * Programs that cannot be started for want of something: an error like any other, never an
 * unhandled event.
 */
import { spawnSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import { IpsetSession } from '../../../src/kernel/ipsetSession.ts';
import { run, startReason } from '../../../src/kernel/exec.ts';

test('without a file descriptor left nothing is started, the process lives, and later it works', () => {
  const script = `ulimit -n 60 && exec ${process.execPath} test/support/kernel/withoutDescriptors.ts`;
  const { status, stdout, stderr } = spawnSync('sh', ['-c', script], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const shortage = expect.stringMatching(
    /cannot be started: spawn \w+ EMFILE \(this process has no file descriptor left; .*ulimit -n/,
  );
  expect(JSON.parse(stdout)).toEqual({
    short: { run: shortage, one: shortage, several: shortage, close: 'done' },
    later: { run: 'done', one: 'done', several: 'done' },
  });
});

test('what Node throws instead of telling by an event is the same kind of error', async () => {
  const tooLong = 'x'.repeat(256 << 10);
  const error = { name: 'ExecError', message: expect.stringMatching(/cannot be started: .*E2BIG/) };
  await expect(run(['true', tooLong])).rejects.toMatchObject(error);
  await expect(new IpsetSession(['true', tooLong]).run(['list'])).rejects.toMatchObject(error);
});

test('a shortage is told with the limit that was met', () => {
  const of = (code: string) => startReason(['ipset'], Object.assign(new Error('spawn'), { code }));
  expect(of('EMFILE')).toContain('ulimit -n');
  expect(of('ENFILE')).toContain('fs.file-max');
  expect(of('EAGAIN')).toContain('pids.max');
  expect(of('ENOENT')).toContain('install the package ipset');
  expect(of('EPERM')).toBe('spawn');
});
