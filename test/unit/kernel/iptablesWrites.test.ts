/** What is taken away, and what a refused write says. */
import { expect, test } from '@jest/globals';
import { ExecError } from '../../../src/kernel/errors.ts';
import type { Runner } from '../../../src/kernel/exec.ts';
import { IptablesClient } from '../../../src/kernel/iptables.ts';
import type { IptablesTools } from '../../../src/kernel/iptablesBackend.ts';
import { askPrograms } from '../../../src/kernel/tablesInUse.ts';

const ours = { nat: ['KUBE-SERVICES'], filter: ['KUBE-FORWARD'] };
const hint = '*mangle\n:KUBE-IPTABLES-HINT - [0:0]\nCOMMIT\n';
const saved = `${hint}*nat
:PREROUTING ACCEPT [0:0]
:KUBE-SERVICES - [0:0]
:CNI-HOSTPORT - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A PREROUTING -j CNI-HOSTPORT
-A KUBE-SERVICES -s 127.0.0.0/8 -j RETURN
COMMIT
*filter
:FORWARD ACCEPT [0:0]
:KUBE-FORWARD - [0:0]
-A FORWARD -g KUBE-FORWARD
COMMIT
`;

const tools: IptablesTools = {
  version: '1.8.9',
  hasRandomFully: true,
  families: ['IPv4', 'IPv6'],
  variants: ['legacy'],
  surveyed: undefined,
};

/** A node whose tables are these, in both families; what is written is noted, or refused. */
function nodeWith(text: string, refusal?: { exitCode?: number; stderr: string; cause?: Error }) {
  const written: { command: string; stdin: string }[] = [];
  const run: Runner = async (argv, { stdin = '' } = {}) => {
    if (!argv[0].endsWith('-restore')) return { stdout: text, stderr: '' };
    if (refusal !== undefined) throw new ExecError({ argv, ...refusal });
    written.push({ command: argv.join(' '), stdin });
    return { stdout: '', stderr: '' };
  };
  return { written, port: new IptablesClient(ours, { run, tablesInUse: askPrograms, tools }) };
}

test('all that is ours is taken away, of both families, and of others nothing', async () => {
  const { written, port } = nodeWith(saved);
  await port.removeAll();
  expect(written.map(({ command }) => command)).toEqual([
    'iptables-legacy-restore --noflush -w 5',
    'ip6tables-legacy-restore --noflush -w 5',
  ]);
  for (const { stdin } of written) {
    expect(stdin).toContain(
      '-D PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES\n',
    );
    expect(stdin).toContain('-X KUBE-SERVICES\n');
    expect(stdin).toContain('-D FORWARD -g KUBE-FORWARD\n');
    expect(stdin).not.toContain('CNI-HOSTPORT');
  }
});

test('where nothing is ours nothing is written', async () => {
  const { written, port } = nodeWith(hint);
  await port.removeAll();
  expect(written).toEqual([]);
});

/** The error of a write that the program refuses. */
async function refusedBy(refusal: { exitCode?: number; stderr: string; cause?: Error }) {
  const chains = new Map([['KUBE-SERVICES', ['-A KUBE-SERVICES -j RETURN']]]);
  const { outcomes, kernelWrites } = await nodeWith(hint, refusal).port.apply([
    { op: 'writeRules', family: 'IPv4', table: 'nat', chains },
  ]);
  expect(kernelWrites).toBe(0);
  return outcomes[0] as ExecError;
}

test.each([
  ['Permission denied (you must be root)', 4, 'CAP_NET_ADMIN'],
  ['Operation not permitted', 1, 'CAP_NET_ADMIN'],
  ['Another app is currently holding the xtables lock', 4, 'it is tried again'],
  ["Couldn't load match `set'", 2, 'xt_set, xt_comment'],
  ['No chain/target/match by that name.', 1, 'xt_set, xt_comment'],
])('a refused write comes with its cure: %s', async (stderr, exitCode, cure) => {
  const error = await refusedBy({ stderr: `${stderr}\n`, exitCode });
  expect(error.exitCode).toBe(exitCode);
  expect(error.stderr).toMatch(/ \(.*\)$/);
  expect(error.stderr).toContain(`${stderr} (`);
  expect(error.stderr).toContain(cure);
});

test.each([
  ['the exit code of a lock, and not a word of one', { stderr: 'odd', exitCode: 4 }],
  ['a word of a lock, and another exit code', { stderr: 'lock', exitCode: 1 }],
  ['a line that is not there', { stderr: 'failed at line: 99', exitCode: 1 }],
  ['a line that says nothing', { stderr: 'failed at line: 4', exitCode: 1 }],
])('a refusal without a known cure is told as it is: %s', async (_, refusal) => {
  expect(await refusedBy(refusal)).toMatchObject(refusal);
});

test('a program that is missing is told as that, whatever it says', async () => {
  const cause = Object.assign(new Error('spawn ENOENT'), { code: 'ENOENT' });
  const stderr = 'Operation not permitted';
  expect(await refusedBy({ stderr, cause })).toMatchObject({ stderr, cause });
});

test('a lock that somebody holds is waited for once, whatever there is to write', async () => {
  const tried: string[] = [];
  let isHeld = true;
  const run: Runner = async (argv, { stdin = '' } = {}) => {
    if (!argv[0].endsWith('-restore')) return { stdout: hint, stderr: '' };
    tried.push(argv[0]);
    const stderr = 'Another app is currently holding the xtables lock; Stopped waiting after 5s.';
    if (isHeld) throw new ExecError({ argv, exitCode: 4, stderr });
    return { stdout: stdin, stderr: '' };
  };
  const port = new IptablesClient(ours, { run, tablesInUse: askPrograms, tools });
  const writes = (['IPv4', 'IPv6'] as const).flatMap((family) =>
    (['nat', 'filter'] as const).map((table) => {
      const chains = new Map([[ours[table][0]!, ['-j RETURN']]]);
      return { op: 'writeRules', family, table, chains } as const;
    }),
  );
  const { outcomes } = await port.apply(writes);
  expect(outcomes.map((outcome) => outcome?.message)).toEqual(
    writes.map(() => expect.stringContaining('another program holds /run/xtables.lock')),
  );
  expect(tried).toEqual(['iptables-legacy-restore']);
  isHeld = false;
  const later = await port.apply(writes);
  expect(later.outcomes).toEqual(writes.map(() => undefined));
});
