import { afterEach, expect, test } from '@jest/globals';
import { IpsetSession } from '../../../src/kernel/ipsetSession.ts';

/**
 * Speaks as ipset does: prompts on stdout, errors on stderr, a fence answered by an error that
 * names it.
 */
const STAND_IN = `
say() { printf '%s\\n' "$*" >&2; }
commands=0; fences=0
while read -r verb name type; do
  printf 'ipset> '
  case "$type" in fence:*) fences=$((fences + 1)); say "ipset v7.17: Syntax error: typename '$type' is unknown"; continue;; esac
  case "$verb" in
    count) commands=$((commands + 1));;
    counted) say "ipset v7.17: $commands commands, $fences fences";;
    warn) say "Warning: Kernel support protocol versions 6-7";;
    fail) say "ipset v7.17: The set with the given name does not exist";;
    syntax) say "ipset v7.17: Syntax error: cannot parse 1.1.1.x"; say "cannot parse '99999' as a tcp port";;
    split) printf 'ipset v7.17: first ha' >&2; sleep 0.05; say 'lf';;
    pid) say "ipset v7.17: $$";;
    die-once) [ -e "$name" ] || { : >"$name"; exit 3; };;
    die) exit 3;;
    hang) exec sleep 60;;
  esac
done
`;

const sessions: IpsetSession[] = [];

function open(silenceMs?: number): IpsetSession {
  const session = new IpsetSession(['bash', '--norc', '-c', STAND_IN], silenceMs);
  sessions.push(session);
  return session;
}

afterEach(async () => {
  await Promise.all(sessions.splice(0).map((session) => session.close()));
});

test('each command has its own answer', async () => {
  expect(await open().run(['ok', 'fail', 'ok', 'syntax', 'split', 'ok'])).toEqual([
    undefined,
    'The set with the given name does not exist',
    undefined,
    "Syntax error: cannot parse 1.1.1.x; cannot parse '99999' as a tcp port",
    'first half',
    undefined,
  ]);
});

test('several that succeed are confirmed together, and one that fails among them is told', async () => {
  const session = open();
  expect(await session.run(['count', 'count', 'count'])).toEqual([undefined, undefined, undefined]);
  const [counted] = await session.run(['counted']);
  expect(counted).toBe('3 commands, 1 fences');
  expect(await session.run(['count', 'fail', 'count'])).toEqual([
    undefined,
    'The set with the given name does not exist',
    undefined,
  ]);
});

test('a warning is no failure', async () => {
  expect(await open().run(['warn', 'ok'])).toEqual([undefined, undefined]);
});

test('one process serves all runs, and runs do not mix', async () => {
  const session = open();
  const [first, second, third] = await Promise.all([
    session.run(['pid', 'ok']),
    session.run(['fail']),
    session.run(['pid']),
  ]);
  expect(second).toEqual(['The set with the given name does not exist']);
  expect(third).toEqual([first?.[0]]);
});

test('thousands of commands go through at once', async () => {
  const answers = await open().run(
    Array.from({ length: 3_000 }, (_, i) => (i % 3 ? 'ok' : 'fail')),
  );
  expect(answers.filter((answer) => answer !== undefined)).toHaveLength(1_000);
});

test('nothing to do starts no process', async () => {
  const session = open();
  expect(await session.run([])).toEqual([]);
  expect(session.pid).toBeUndefined();
});

test('a tool that dies is started anew and given what had no answer', async () => {
  const mark = `${process.env['TMPDIR'] ?? '/tmp'}/kube-ipvs-session-${process.pid}`;
  const session = open();
  const answers = await session.run(['fail', `die-once ${mark}`, 'fail']);
  expect(answers).toEqual([answers[0], undefined, answers[0]]);
  const { rm } = await import('node:fs/promises');
  await rm(mark);
});

test('a tool that was killed between two runs is noticed', async () => {
  const session = open();
  const [before] = await session.run(['pid']);
  process.kill(session.pid!, 'SIGKILL');
  const [after] = await session.run(['pid']);
  expect(after).toMatch(/^\d+$/);
  expect(after).not.toBe(before);
});

test('a tool that always dies is an error with its exit code, and the session stays usable', async () => {
  const session = open();
  await expect(session.run(['ok', 'die'])).rejects.toMatchObject({
    name: 'ExecError',
    message: expect.stringContaining('exit code 3'),
  });
  expect(await session.run(['ok'])).toEqual([undefined]);
});

test('a tool that says nothing is ended', async () => {
  await expect(open(100).run(['hang'])).rejects.toThrow('said nothing for 100 ms');
});

test('a missing program says what to install', async () => {
  const session = new IpsetSession(['ipset-that-is-not-there', '-']);
  await expect(session.run(['ok'])).rejects.toThrow('install the package ipset');
});
