import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parseOptions, QUANTITIES, usage, UsageError } from '../../bench/options.mjs';

const checkout = join(import.meta.dirname, '..', '..', '..');

test('without options everything is measured', () => {
  expect(parseOptions([])).toEqual({
    help: false,
    quick: false,
    sizes: [],
    only: undefined,
    quantities: [...QUANTITIES],
  });
});

test('sizes, a proxy and quantities are chosen, in either spelling', () => {
  const line =
    '--size 1000x2 --size=50×1000 --only=kube-proxy --measure restart,change --measure=start';
  const options = parseOptions(line.split(' '));
  expect(options.sizes).toEqual([
    { services: 1_000, endpoints: 2 },
    { services: 50, endpoints: 1_000 },
  ]);
  expect(options.only).toBe('kube-proxy');
  // In the order in which they are measured.
  expect(options.quantities).toEqual(['start', 'change', 'restart']);
});

test('the quick ones are chosen by --quick, unless they are named', () => {
  expect(parseOptions(['--quick']).quantities).toEqual(['start', 'change', 'idle', 'restart']);
  expect(parseOptions(['--measure=rate', '--quick']).quantities).toEqual(['rate']);
});

test('each quantity is explained', () => {
  for (const quantity of QUANTITIES)
    expect(usage).toMatch(new RegExp(`^ {6}${quantity} +\\S`, 'm'));
});

describe('what cannot be is refused in a line', () => {
  test.each([
    [['--size', 'bad'], '--size: must be SERVICESxENDPOINTS, as in 1000x2, not "bad"'],
    [['--size=0x2'], '--size: must be SERVICESxENDPOINTS, as in 1000x2, not "0x2"'],
    [['--size'], '--size needs a value'],
    [['--only', 'bad'], '--only: must be one of kube-ipvs, kube-proxy, not "bad"'],
    [['--measure', 'start,speed'], expect.stringMatching(/^--measure: .*restart.* not "speed"$/)],
    [['--fast'], 'unknown option --fast; --help lists them'],
    [['constructor'], 'unknown option constructor; --help lists them'],
  ])('%p', (argv, message) => {
    const caught = (() => {
      try {
        return parseOptions(argv);
      } catch (error) {
        return error;
      }
    })();
    expect(caught).toBeInstanceOf(UsageError);
    expect((caught as Error).message).toEqual(message);
  });

  test('before anything is installed, built or started', () => {
    const program = join(checkout, 'test', 'bench', 'start.mjs');
    const bench = (...argv: readonly string[]) =>
      spawnSync(process.execPath, [program, ...argv], { encoding: 'utf8', env: {} });
    const { status, stdout, stderr } = bench('--size', 'bad');
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^npm run bench: --size: .*\n$/);
    expect(bench('--help')).toMatchObject({ status: 0, stdout: usage, stderr: '' });
  });
});
