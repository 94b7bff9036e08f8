import { existsSync, mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { ExecPlugin, type ExecSettings } from '../../../src/cluster/execPlugin.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'exec-'));
});

afterEach(() => {
  jest.useRealTimers();
  rmSync(folder, { recursive: true });
});

/** @param script of a shell, in which $D is the test's folder */
function plugin(script: string, settings: Partial<ExecSettings> = {}): ExecPlugin {
  const command = path.join(folder, 'plugin');
  writeFileSync(command, `#!/bin/sh\nD=${folder}\necho run >>$D/runs\n${script}\n`, {
    mode: 0o755,
  });
  const defaults = { args: [], env: {}, installHint: '', needsTerminal: false };
  const apiVersion = 'client.authentication.k8s.io/v1';
  const all = { ...defaults, apiVersion, command, ...settings };
  return new ExecPlugin(all, () => undefined);
}

function runs(): number {
  return readFileSync(path.join(folder, 'runs'), 'utf8').split('\n').length - 1;
}

/** Until a file of this name is there. */
async function appears(name: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const watcher = watch(folder, () => existsSync(path.join(folder, name)) && resolve());
  if (!existsSync(path.join(folder, name))) await promise;
  watcher.close();
}

async function rejection(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'not rejected',
    (error: Error) => error.message,
  );
}

const ANSWER = `echo '{"status":{"token":"t"}}'`;

describe('an answer', () => {
  test('is kept until it expires, or is forgotten', async () => {
    const past = '{"status":{"token":"old","expirationTimestamp":"2020-01-01T00:00:00Z"}}';
    const exec = plugin(`test -e $D/second && ${ANSWER} || echo '${past}'; touch $D/second`);
    expect(await exec.credential()).toMatchObject({ token: 'old' });
    expect(await exec.credential()).toMatchObject({ token: 't' });
    expect(await exec.credential()).toMatchObject({ token: 't' });
    expect(runs()).toBe(2);
    exec.forget();
    await exec.credential();
    expect(runs()).toBe(3);
  });

  test('without a status is an error of that call: the next one starts the plug-in again', async () => {
    const exec = plugin(`test -e $D/second && ${ANSWER} || echo '{}'; touch $D/second`);
    expect(await rejection(exec.credential())).toBe(
      `exec plug-in ${folder}/plugin: it printed no status, so no credentials`,
    );
    expect(await exec.credential()).toMatchObject({ token: 't' });
    expect(runs()).toBe(2);
  });

  test('may depend on arguments and environment', async () => {
    const exec = plugin(`echo '{"status":{"token":"'"$1-$FLAVOUR"'"}}'`, {
      args: ['a'],
      env: { FLAVOUR: 'b' },
    });
    expect(await exec.credential()).toMatchObject({ token: 'a-b' });
  });
});

describe('a plug-in that fails', () => {
  test('by its exit code is told with the end of what it said', async () => {
    const exec = plugin('echo "token expired: log in" >&2; exit 3');
    expect(await rejection(exec.credential())).toMatch(
      /ended with exit code 3: token expired: log in$/,
    );
    const mute = plugin('exit 1');
    expect(await rejection(mute.credential())).toMatch(/ended with exit code 1 and said nothing$/);
    const killed = plugin('kill -TERM $$');
    expect(await rejection(killed.credential())).toMatch(/ended by SIGTERM and said nothing$/);
    const chatty = plugin('yes x | head -c 100000 >&2; echo last word >&2; exit 1');
    expect((await rejection(chatty.credential())).slice(-10)).toBe('\nlast word');
  });

  test('because it is not there, or no program, is told with the cure', async () => {
    const missing = plugin('', { command: 'no-such-plug-in', installHint: 'get it from the shop' });
    expect(await rejection(missing.credential())).toMatch(
      /^exec plug-in no-such-plug-in: not found in any folder of PATH \(.*ENOENT\); get it from the shop$/,
    );
    const text = path.join(folder, 'text');
    writeFileSync(text, ANSWER, { mode: 0o644 });
    const inert = plugin('', { command: text });
    expect(await rejection(inert.credential())).toMatch(/EACCES; make it executable$/);
  });

  test('because it asks: it finds the end of its input at once', async () => {
    const exec = plugin('if read -r code; then echo unused; else echo "no code" >&2; exit 1; fi');
    expect(await rejection(exec.credential())).toMatch(/ended with exit code 1: no code$/);
  });

  test('because it needs a terminal is not even started', async () => {
    const exec = plugin(ANSWER, { needsTerminal: true });
    expect(await rejection(exec.credential())).toMatch(/interactiveMode Always needs a terminal/);
    expect(existsSync(path.join(folder, 'runs'))).toBe(false);
  });
});

describe('a plug-in that hangs', () => {
  /** It leaves a child behind too, which holds its output open. */
  const HANG = 'sleep 1000 & echo $$ >$D/pid; mv $D/pid $D/hangs; wait';
  const OR_ANSWER = `test -e $D/cured && { ${ANSWER}; exit; }`;

  function hangingGroup(): number {
    return Number(readFileSync(path.join(folder, 'hangs'), 'utf8'));
  }

  /** Until no process of the group is left. */
  async function groupEnds(group: number): Promise<void> {
    for (;;) {
      try {
        process.kill(-group, 0);
      } catch {
        return;
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  test('is killed with all it has started when its time is over, and tried again', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'Date'] });
    const exec = plugin(`${OR_ANSWER}\n${HANG}`);
    const failing = rejection(exec.credential());
    await appears('hangs');
    await jest.advanceTimersByTimeAsync(60_000);
    expect(await failing).toMatch(/no answer within 60 s; it was killed$/);
    await groupEnds(hangingGroup());
    writeFileSync(path.join(folder, 'cured'), '');
    expect(await exec.credential()).toMatchObject({ token: 't' });
  });

  test('is killed when it is no longer wanted', async () => {
    const exec = plugin(HANG);
    const failing = rejection(exec.credential());
    await appears('hangs');
    exec.close();
    expect(await failing).toMatch(/ended by SIGKILL/);
    await groupEnds(hangingGroup());
  });

  test('or prints without end, is killed', async () => {
    expect(await rejection(plugin('exec yes').credential())).toMatch(
      /prints without end; it was killed/,
    );
  });
});
