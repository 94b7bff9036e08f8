import { createHmac } from 'node:crypto';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  HeartbeatKeyError,
  HeartbeatKeys,
} from '../../../../src/loadbalancer/shell/heartbeatKeys.ts';

const ONE = 'one-key-of-32-random-characters!';
const TWO = 'two-keys-of-16-b';
const signed = new TextEncoder().encode('some bytes');
const signatureBy = (key: string) => createHmac('sha256', key).update(signed).digest();

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keys-'));
  path = join(folder, 'key');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A clock whose next look comes when a test says so, and the problems that were told. */
function watched() {
  const planned: (() => void)[] = [];
  const problems: (string | undefined)[] = [];
  const options = {
    clock: {
      after: (_: number, action: () => void) => {
        planned.push(action);
        return () => planned.splice(planned.indexOf(action), 1);
      },
    },
    onProblem: (error: HeartbeatKeyError | undefined) => problems.push(error?.message),
  };
  /** One look of the watch, until it has planned the next one. */
  const look = async (): Promise<void> => {
    planned.shift()!();
    while (planned.length === 0) await new Promise((resolve) => setImmediate(resolve));
  };
  return { options, problems, planned, look };
}

const open = (given: { path: string | undefined } = { path }) => {
  const { options, ...rest } = watched();
  return HeartbeatKeys.open({ ...options, ...given }).then((keys) => ({ keys, ...rest }));
};
const accepts = (keys: HeartbeatKeys, key: string) =>
  keys.isRight({ signed, signature: signatureBy(key) });

describe('a file of', () => {
  test.each([
    ['one key', ONE],
    ['one key and a newline', `${ONE}\n`],
    ['one key and empty lines', `\r\n${ONE}\r\n\n`],
  ])('%s signs and accepts by it', async (_, content) => {
    writeFileSync(path, content);
    const { keys } = await open();
    expect(keys.sign(signed)).toEqual(signatureBy(ONE));
    expect([ONE, TWO, `${ONE}\n`, ''].map((key) => accepts(keys, key))).toEqual([
      true,
      false,
      false,
      false,
    ]);
    keys.close();
  });

  test('two keys signs by the first and accepts both', async () => {
    writeFileSync(path, `${ONE}\n${TWO}\n`);
    const { keys } = await open();
    expect(keys.sign(signed)).toEqual(signatureBy(ONE));
    expect([ONE, TWO, 'another-key-of-16'].map((key) => accepts(keys, key))).toEqual([
      true,
      true,
      false,
    ]);
    keys.close();
  });

  test.each([
    ['nothing', '', 'is empty: write 32 random characters there'],
    ['newlines', '\n\r\n', 'is empty'],
    ['a short key', 'fifteen-letters', 'key 1 has 15 bytes, the least is 16: write'],
    ['a short second key', `${ONE}\nshort`, 'key 2 has 5 bytes'],
    ['three keys', `${ONE}\n${TWO}\n${ONE}x`, 'has 3 lines: one key a line'],
    ['a long text', `${'x'.repeat(4096)}\n`, 'has more than 4096 bytes'],
  ])('%s is refused', async (_, content, problem) => {
    writeFileSync(path, content);
    await expect(open()).rejects.toThrow(HeartbeatKeyError);
    await expect(open()).rejects.toThrow(`announcer.heartbeat.secretFile ${path}: ${problem}`);
  });
});

test('a file that is not there is told with what to do', async () => {
  await expect(open()).rejects.toThrow(
    `${path}: is not there: write 32 random characters there, as the chart does with its Secret, or allow unsigned heartbeats by announcer.heartbeat.insecure`,
  );
  await expect(open({ path: folder })).rejects.toThrow(`${folder}: cannot be read: EISDIR`);
  await expect(open({ path: '/dev/zero' })).rejects.toThrow('has more than 4096 bytes');
});

test('without a file the key is empty, and nothing is watched', async () => {
  const { keys, planned } = await open({ path: undefined });
  expect(keys.sign(signed)).toEqual(signatureBy(''));
  expect([accepts(keys, ''), accepts(keys, ONE)]).toEqual([true, false]);
  expect(planned).toEqual([]);
});

test('a signature of another length is wrong, not an error', async () => {
  const { keys } = await open({ path: undefined });
  expect(keys.isRight({ signed, signature: new Uint8Array(31) })).toBe(false);
});

describe('a file that changes', () => {
  test('counts when it says the same in two looks', async () => {
    writeFileSync(path, ONE);
    const { keys, problems, look } = await open();
    writeFileSync(path, TWO);
    await look();
    expect([accepts(keys, ONE), accepts(keys, TWO)]).toEqual([true, false]);
    await look();
    expect([accepts(keys, ONE), accepts(keys, TWO)]).toEqual([false, true]);
    expect(problems).toEqual([]);
    keys.close();
  });

  test('and is half written when it is looked at does not count yet', async () => {
    writeFileSync(path, ONE);
    const { keys, look } = await open();
    writeFileSync(path, `${TWO}\n${ONE.slice(0, 20)}`);
    await look();
    writeFileSync(path, `${TWO}\n${ONE}`);
    await look();
    expect(accepts(keys, TWO)).toBe(false);
    await look();
    expect([accepts(keys, ONE), accepts(keys, TWO)]).toEqual([true, true]);
    keys.close();
  });

  test('and is wrong is told once, and the keys stay until it is right', async () => {
    writeFileSync(path, ONE);
    const { keys, problems, look } = await open();
    writeFileSync(path, 'short');
    for (let i = 0; i < 4; i++) await look();
    expect(accepts(keys, ONE)).toBe(true);
    expect(problems).toEqual([expect.stringContaining('key 1 has 5 bytes')]);
    rmSync(path);
    for (let i = 0; i < 3; i++) await look();
    expect(problems[1]).toContain('is not there');
    writeFileSync(path, ONE);
    for (let i = 0; i < 3; i++) await look();
    expect(problems).toHaveLength(3);
    expect(problems[2]).toBeUndefined();
    expect(accepts(keys, ONE)).toBe(true);
    keys.close();
  });

  test('by the links of a mounted Secret is seen too', async () => {
    const write = (version: string, key: string) => {
      mkdirSync(join(folder, version));
      writeFileSync(join(folder, version, 'key'), key);
      symlinkSync(version, join(folder, 'next'));
      renameSync(join(folder, 'next'), join(folder, '..data'));
    };
    write('..1', ONE);
    symlinkSync('..data/key', path);
    const { keys, look } = await open();
    write('..2', TWO);
    await look();
    await look();
    expect([accepts(keys, ONE), accepts(keys, TWO)]).toEqual([false, true]);
    keys.close();
  });

  test('is not looked at any more after the end', async () => {
    writeFileSync(path, ONE);
    const { keys, planned } = await open();
    keys.close();
    expect(planned).toEqual([]);
  });
});
