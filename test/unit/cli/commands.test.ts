import { expect, test } from '@jest/globals';
import { RUN_FLAGS } from '../../../src/config/flags.ts';
import { runCommand } from '../../support/program/command.ts';

test.each([[['--help']], [['-h']], [['help']]])(
  '%j shows the commands and every flag of run',
  async (words) => {
    const { exitCode, stdout, stderr } = await runCommand(words);
    expect([exitCode, stderr]).toEqual([0, '']);
    for (const command of ['run', 'list', 'plan', 'version']) {
      expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
    }
    for (const { name } of RUN_FLAGS) expect(stdout).toContain(`--${name}`);
  },
);

test.each(['run', 'plan', 'version', 'list'])(
  '%s --help and help %s say the same',
  async (name) => {
    const { exitCode, stdout, stderr } = await runCommand([name, '--help']);
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(stdout).toContain('Examples:');
    expect(await runCommand(['help', name])).toEqual({ exitCode, stdout, stderr });
  },
);

test('called as kube-proxy it is run', async () => {
  const asRun = await runCommand(['run', '--help']);
  expect(await runCommand(['--help'], { program: 'kube-proxy' })).toEqual(asRun);
});

test.each([
  ['plann', 'plan'],
  ['rnu', 'run'],
  ['versoin', 'version'],
])('the unknown command %s is an error with a suggestion', async (typed, meant) => {
  const { exitCode, stdout, stderr } = await runCommand([typed]);
  expect([exitCode, stdout]).toEqual([2, '']);
  expect(stderr).toContain(`unknown command ${typed} (did you mean ${meant}?)`);
});

test('an unknown command that resembles nothing lists what there is', async () => {
  const { exitCode, stderr } = await runCommand(['frobnicate']);
  expect(exitCode).toBe(2);
  expect(stderr).toBe(
    'error: unknown command frobnicate; there are run, list, ipvsadm, plan, config, lb, cleanup, version\n',
  );
});

test('kube-proxy takes no command', async () => {
  const { exitCode, stderr } = await runCommand(['plan'], { program: 'kube-proxy' });
  expect(exitCode).toBe(1);
  expect(stderr).toContain('arguments ("plan")');
});
