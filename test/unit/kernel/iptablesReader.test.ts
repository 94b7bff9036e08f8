/**
 * How a table is read chain by chain, and which answers of the program mean that something is not
 * there.
 */
import { expect, test } from '@jest/globals';
import { ExecError } from '../../../src/kernel/errors.ts';
import type { Argv } from '../../../src/kernel/exec.ts';
import { readTables } from '../../../src/kernel/iptablesReader.ts';

const ours = { nat: [], filter: ['KUBE-FORWARD'] };
const unprintable = "# Table `filter' is incompatible, use 'nft' tool.\n";
const jumps = new Map([
  ['KUBE-FORWARD', ['-A KUBE-FORWARD -j RETURN']],
  ['FORWARD', ['-A FORWARD -m comment --comment "a \\"b\\"" -j KUBE-FORWARD']],
]);

interface Refusal {
  readonly exitCode?: number;
  readonly stderr: string;
}

/** @param answer to a command, without the program and the table */
async function read(answer: (command: string, argv: Argv) => string | Refusal) {
  const asked: string[] = [];
  const tables = await readTables(unprintable, {
    run: async (argv) => {
      asked.push(argv.join(' '));
      const said = answer(argv.slice(3).join(' '), argv);
      if (typeof said === 'string') return { stdout: said, stderr: '' };
      throw new ExecError({ argv, ...said });
    },
    variant: 'nft',
    family: 'IPv6',
    ours,
    jumps: (table) => (table === 'filter' ? jumps : undefined),
  });
  return { asked, filter: tables.filter.chains };
}

const incompatible: Refusal = { exitCode: 1, stderr: 'chain is incompatible' };

test('our chains are listed and the built-in ones, whose jumps are asked for where that is refused', async () => {
  const { asked, filter } = await read((command) => {
    if (command === '-S KUBE-FORWARD') return '-N KUBE-FORWARD\n-A KUBE-FORWARD -j RETURN\n';
    return command === '-S FORWARD' ? incompatible : '';
  });
  expect(asked).toEqual([
    'ip6tables-nft -t filter -S KUBE-FORWARD',
    'ip6tables-nft -t filter -S FORWARD',
    'ip6tables-nft -t filter -C FORWARD -m comment --comment a "b" -j KUBE-FORWARD',
  ]);
  expect(filter).toEqual(jumps);
});

test('a chain that is not there has no rules', async () => {
  const missing = { exitCode: 1, stderr: 'ip6tables: No chain/target/match by that name.\n' };
  expect((await read(() => missing)).filter).toEqual(new Map());
});

/** Both chains can be seen to be there, and the jump that is asked for is answered so. */
const whenAsked = (refusal: Refusal) =>
  read((command) => {
    if (command.startsWith('-C')) return refusal;
    return command === '-S FORWARD' ? incompatible : '-N KUBE-FORWARD\n';
  });

test.each<[string, Refusal]>([
  ['no such rule', { exitCode: 1, stderr: 'Bad rule' }],
  ['no chain to jump to', { exitCode: 2, stderr: 'Chain KUBE-FORWARD does not exist' }],
  ['no target', { exitCode: 2, stderr: "Couldn't load target `KUBE-FORWARD'" }],
])('a jump that is asked for is not there: %s', async (_, refusal) => {
  expect([...(await whenAsked(refusal)).filter]).toEqual([
    ['KUBE-FORWARD', []],
    ['FORWARD', []],
  ]);
});

test.each<[string, Refusal]>([
  ['another complaint', { exitCode: 2, stderr: 'unknown option' }],
  ['a lock', { exitCode: 4, stderr: 'does not exist' }],
  ['no program', { stderr: 'does not exist' }],
])('a jump that could not be asked for is unknown, not missing: %s', async (_, refusal) => {
  await expect(whenAsked(refusal)).rejects.toMatchObject({ stderr: refusal.stderr });
});

test.each<[string, Refusal]>([
  ['another complaint', { exitCode: 1, stderr: 'Permission denied' }],
  ['no program', { stderr: 'No chain/target/match by that name' }],
])('a chain that cannot be listed is unknown, not missing: %s', async (_, refusal) => {
  await expect(read(() => refusal)).rejects.toMatchObject({ stderr: refusal.stderr });
});

test('what is thrown for another reason is a bug and passed on', async () => {
  const bug = new TypeError('bug');
  const failing = (verb: string) => (command: string) => {
    if (command.startsWith(verb)) throw bug;
    return command === '-S FORWARD' ? incompatible : '';
  };
  await expect(read(failing('-S'))).rejects.toBe(bug);
  await expect(read(failing('-C'))).rejects.toBe(bug);
});
