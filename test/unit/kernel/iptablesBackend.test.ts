import { expect, test } from '@jest/globals';
import { ExecError } from '../../../src/kernel/errors.ts';
import type { Runner } from '../../../src/kernel/exec.ts';
import { findTools } from '../../../src/kernel/iptablesBackend.ts';

/** A node without any tables, whose iptables says this of its version. */
function toolsOf(version: string, installed: readonly string[] = ['iptables', 'ip6tables']) {
  const asked: string[] = [];
  const run: Runner = async (argv) => {
    asked.push(argv.join(' '));
    return { stdout: version, stderr: '' };
  };
  const found = findTools({
    run,
    isInstalled: async (program) => installed.includes(program),
    tablesInUse: async () => [],
  });
  return { asked, found };
}

test.each([
  ['iptables v1.4.21', false],
  ['iptables v1.6', false],
  ['iptables v1.6.1', false],
  ['iptables v1.6.2', true],
  ['iptables v1.6.2.1', true],
  ['iptables v1.8.9 (nf_tables)', true],
  ['iptables v2.0', true],
])('%s knows --random-fully and the lock of restore: %p', async (text, isKnown) => {
  const { asked, found } = toolsOf(text);
  expect(await found).toMatchObject({
    version: /v([\d.]+)/.exec(text)![1],
    hasRandomFully: isKnown,
    variants: ['plain'],
    families: ['IPv4', 'IPv6'],
  });
  expect(asked).toEqual(['iptables --version']);
});

test('a version that is not understood is quoted', async () => {
  await expect(toolsOf('busybox\n').found).rejects.toThrow(
    /^iptables --version is not understood: busybox$/,
  );
});

test('which variants are there is told by their programs, and IPv6 by its own', async () => {
  const of = async (...installed: string[]) => {
    const { variants, families } = await toolsOf('iptables v1.8.9', installed).found;
    return { variants, families };
  };
  const [four, both] = [['IPv4'], ['IPv4', 'IPv6']];
  expect(await of('iptables', 'ip6tables', 'iptables-nft', 'iptables-legacy')).toEqual({
    variants: ['nft', 'legacy'],
    families: both,
  });
  expect(await of('iptables', 'iptables-legacy')).toEqual({ variants: ['legacy'], families: four });
  expect(await of('iptables', 'iptables-nft')).toEqual({ variants: ['nft'], families: four });
});

test('rules that cannot be read are for who reads them; a program that cannot be run is told', async () => {
  let refuses = (argv: readonly string[]) => !argv.includes('--version');
  const run: Runner = async (argv) => {
    if (refuses(argv)) throw new ExecError({ argv, exitCode: 4, stderr: 'locked' });
    return { stdout: 'iptables v1.8.9', stderr: '' };
  };
  const look = { run, isInstalled: async () => true, tablesInUse: async () => ['IPv4'] as const };
  expect(await findTools(look)).toMatchObject({ version: '1.8.9', surveyed: undefined });
  refuses = () => true;
  await expect(findTools(look)).rejects.toThrow('iptables --version: exit code 4: locked');
});
