import { expect, test } from '@jest/globals';
import { isMissingProgram, run } from '../../../src/kernel/exec.ts';

test('output and input go through, and no shell looks at the arguments', async () => {
  expect(await run(['cat'], { stdin: 'a\nb' })).toEqual({ stdout: 'a\nb', stderr: '' });
  expect((await run(['echo', '$HOME;', '`id`'])).stdout).toBe('$HOME; `id`\n');
});

test('a failure carries exit code and stderr', async () => {
  await expect(run(['sh', '-c', 'echo reason >&2; exit 4'])).rejects.toMatchObject({
    name: 'ExecError',
    exitCode: 4,
    stderr: 'reason\n',
    message: expect.stringContaining('reason'),
  });
});

test('a program that does not read its input is judged by its exit code alone', async () => {
  await expect(run(['true'], { stdin: 'x'.repeat(1 << 20) })).resolves.toBeDefined();
});

test('a missing program says what to install', async () => {
  const error: unknown = await run(['ipset-not-there']).catch((reason: unknown) => reason);
  expect(isMissingProgram(error)).toBe(true);
  expect(String(error)).toContain('install the package ipset');
});

test('a program that takes too long is killed, and the error says so', async () => {
  await expect(run(['sleep', '20'], { timeoutMs: 50 })).rejects.toThrow('killed after 50 ms');
});

test('one that ignores being asked to end is killed all the same', async () => {
  const argv = ['sh', '-c', 'trap "" TERM; while :; do :; done'] as const;
  await expect(run(argv, { timeoutMs: 50 })).rejects.toMatchObject({
    exitCode: undefined,
    stderr: 'killed after 50 ms: ',
  });
});

test('one that ends by a signal of another has no exit code', async () => {
  await expect(run(['sh', '-c', 'echo reason >&2; kill -9 $$'])).rejects.toMatchObject({
    exitCode: undefined,
    stderr: 'reason\n',
  });
  await expect(run(['sh', '-c', 'kill -9 $$'])).rejects.toThrow(
    'did not run to its end: Command failed: sh -c kill -9 $$',
  );
});

test('more is read than Node keeps of itself', async () => {
  const { stdout } = await run(['sh', '-c', 'head -c 3000000 /dev/zero']);
  expect(stdout).toHaveLength(3_000_000);
});
