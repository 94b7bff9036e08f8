import { describe, expect, test } from '@jest/globals';
import { ExecError } from '../../../src/kernel/errors.ts';
import type { Argv, Runner } from '../../../src/kernel/exec.ts';
import { IptablesClient } from '../../../src/kernel/iptables.ts';
import { findTools, type IptablesTools } from '../../../src/kernel/iptablesBackend.ts';
import { survey, writableVariant } from '../../../src/kernel/iptablesSurvey.ts';
import { askPrograms } from '../../../src/kernel/tablesInUse.ts';
import { ours, saved } from '../../support/kernel/savedRules.ts';

type Answers = (argv: Argv, stdin: string) => string | Error;

function scripted(answers: Answers) {
  const asked: { argv: string; stdin: string }[] = [];
  const run: Runner = async (argv, options) => {
    const stdin = options?.stdin ?? '';
    asked.push({ argv: argv.join(' '), stdin });
    const answer = answers(argv, stdin);
    if (answer instanceof Error) throw answer;
    return { stdout: answer, stderr: '' };
  };
  return { run, asked, tablesInUse: askPrograms };
}

const tools: IptablesTools = {
  version: '1.8.9',
  hasRandomFully: true,
  families: ['IPv4', 'IPv6'],
  variants: ['nft', 'legacy'],
  surveyed: undefined,
};

const both = tools.variants;

/**
 * A node where both variants are installed and one of them holds `text`; the nft one forgets unless
 * it works.
 */
function node({ nft = '', legacy = '', isNftWorking = true } = {}): Answers {
  const isProbed = { nft: false, legacy: false };
  return (argv, stdin) => {
    const [program] = argv;
    const variant = program.includes('-nft') ? 'nft' : 'legacy';
    if (program.endsWith('-restore')) {
      isProbed[variant] = stdin.includes(':KUBE-IPVS-PROBE');
      return '';
    }
    if (argv.includes('-S')) {
      const isKept = isProbed[variant] && (variant === 'legacy' || isNftWorking);
      return isKept ? '-N KUBE-IPVS-PROBE\n' : '';
    }
    return variant === 'nft' ? nft : legacy;
  };
}

const hint = '*mangle\n:KUBE-IPTABLES-HINT - [0:0]\nCOMMIT\n';

describe('backend', () => {
  test('kubelet and kube-proxy leave traces that tell the variant', async () => {
    const find = async (answers: Answers) =>
      (await survey(scripted(answers), tools)).traced?.variant;
    expect(await find(node({ nft: hint }))).toBe('nft');
    expect(await find(node({ legacy: hint }))).toBe('legacy');
    expect(await find(node({ legacy: '*nat\n:KUBE-POSTROUTING - [0:0]\n' }))).toBe('legacy');
    expect(await find(node({ nft: '*nat\n:KUBE-MARK-DROP - [0:0]\n' }))).toBeUndefined();
    expect(await find(node({ nft: '-A X --comment ":KUBE-SERVICES "\n' }))).toBeUndefined();
  });

  test('kubelet’s word counts before the chains of any proxy', async () => {
    const find = async (answers: Answers) =>
      (await survey(scripted(answers), tools)).traced?.variant;
    const proxy = '*nat\n:KUBE-SERVICES - [0:0]\n:KUBE-POSTROUTING - [0:0]\nCOMMIT\n';
    const canary = '*mangle\n:KUBE-KUBELET-CANARY - [0:0]\nCOMMIT\n';
    for (const kubelet of [hint, canary]) {
      expect(await find(node({ nft: proxy, legacy: kubelet }))).toBe('legacy');
      expect(await find(node({ nft: kubelet, legacy: proxy }))).toBe('nft');
    }
    expect(await find(node({ nft: canary, legacy: hint }))).toBe('nft');
    expect(await find(node({ nft: proxy, legacy: proxy }))).toBe('nft');
  });

  test('without traces the variant with more rules is tried first', async () => {
    const rules = (count: number) => `*filter\n${'-A INPUT -j ACCEPT\n'.repeat(count)}COMMIT\n`;
    const order = async (answers: Answers) => (await survey(scripted(answers), tools)).readable;
    expect(await order(node({ legacy: rules(12) }))).toEqual(['legacy', 'nft']);
    expect(await order(node({ legacy: rules(12), nft: rules(13) }))).toEqual(['nft', 'legacy']);
    expect(await order(node({ legacy: rules(3), nft: rules(3) }))).toEqual(['nft', 'legacy']);
  });

  test('without traces the first variant that keeps what is written is used', async () => {
    expect(await writableVariant(scripted(node()).run, both)).toBe('nft');
    expect(await writableVariant(scripted(node({ isNftWorking: false })).run, both)).toBe('legacy');
  });

  test('a variant that cannot be read is out, and one that is left needs no trial', async () => {
    const { run, asked, tablesInUse } = scripted((argv) =>
      argv[0].includes('nft') ? new ExecError({ argv, exitCode: 4, stderr: 'no nf_tables' }) : '',
    );
    const { traced, readable } = await survey({ run, tablesInUse }, tools);
    expect(traced).toBeUndefined();
    expect(readable).toEqual(['legacy']);
    const asksBefore = asked.length;
    expect(await writableVariant(run, readable)).toBe('legacy');
    expect(asked).toHaveLength(asksBefore);
  });

  test('where nothing can be read the rules are unknown, not empty', async () => {
    const look = scripted(
      (argv) => new ExecError({ argv, exitCode: 1, stderr: 'Permission denied' }),
    );
    await expect(new IptablesClient(ours, { ...look, tools }).read()).rejects.toThrow(
      'Permission denied',
    );
  });

  test('a probe leaves nothing behind', async () => {
    const { run, asked } = scripted(node());
    await writableVariant(run, both);
    expect(asked.at(-1)?.stdin).toBe('*nat\n-X KUBE-IPVS-PROBE\nCOMMIT\n');
  });

  test('a system that has only the plain names is served', async () => {
    const answers: Answers = (argv) =>
      argv.includes('--version') ? 'iptables v1.8.9 (nf_tables)' : hint;
    const { asked, ...look } = scripted(answers);
    const isInstalled = async (program: string) => !/-(?:nft|legacy)/.test(program);
    const plain = await findTools({ ...look, isInstalled });
    expect(plain.variants).toEqual(['plain']);
    expect((await survey(look, plain)).traced?.variant).toBe('plain');
    expect(asked.at(-1)?.argv).toBe('ip6tables-save');
  });

  test('where none works the error gives the reason for each', async () => {
    const { run } = scripted((argv) => {
      const stderr = argv[0].includes('nft') ? 'TABLE_ADD failed' : "can't initialize";
      return new ExecError({ argv, exitCode: 4, stderr });
    });
    await expect(writableVariant(run, both)).rejects.toThrow(
      /TABLE_ADD failed.*iptables-legacy-restore.*can't initialize/,
    );
  });

  test('the version tells about --random-fully, the second program about IPv6', async () => {
    for (const [text, version, hasRandomFully] of [
      ['iptables v1.8.9 (nf_tables)', '1.8.9', true],
      ['iptables v1.6.2', '1.6.2', true],
      ['iptables v1.6.1', '1.6.1', false],
      ['iptables v1.10', '1.10', true],
    ] as const) {
      const look = scripted((argv) => (argv.includes('--version') ? text : ''));
      const found = await findTools({ ...look, isInstalled: async () => true });
      expect(found).toMatchObject({ ...tools, version, hasRandomFully, surveyed: {} });
      const isInstalled = async (program: string) => !program.startsWith('ip6');
      const { families } = await findTools({ ...look, isInstalled });
      expect(families).toEqual(['IPv4']);
    }
  });

  test('what is not there is not asked for: no tables, no process', async () => {
    const { run, asked } = scripted(() => saved);
    const tablesInUse = async (variant: string) =>
      variant === 'nft' ? undefined : (['IPv4'] as const);
    const found = await findTools({ run, tablesInUse, isInstalled: async () => true });
    expect(found).toMatchObject({
      version: '1.8.9',
      surveyed: { traced: { variant: 'legacy' }, readable: ['legacy'] },
    });
    const port = new IptablesClient(ours, { run, tablesInUse, tools: found });
    expect((await port.read()).IPv4.nat.size).toBe(3);
    expect(port.variant).toBe('legacy');
    expect(asked.map(({ argv }) => argv)).toEqual(['iptables-legacy-save']);
    // What was found at the start serves one read.
    await port.read();
    expect(asked).toHaveLength(3);
  });

  test('a port that has to look for the programs itself asks each of them once for one read', async () => {
    const { asked, ...look } = scripted(node({ legacy: saved }));
    const port = new IptablesClient(ours, { ...look, isInstalled: async () => true });
    await port.read();
    const saves = asked.map(({ argv }) => argv).filter((argv) => argv.endsWith('-save'));
    expect(saves.toSorted()).toEqual([
      'ip6tables-legacy-save',
      'ip6tables-nft-save',
      'iptables-legacy-save',
      'iptables-nft-save',
    ]);
  });

  test('where the only variant is one that the kernel has not, the error says what to do', async () => {
    const { run } = scripted(() => '');
    const look = { run, tablesInUse: async () => undefined };
    await expect(survey(look, { ...tools, variants: ['nft'] })).rejects.toThrow(
      'modprobe nf_tables',
    );
  });
});

describe('port', () => {
  const write = {
    op: 'writeRules',
    family: 'IPv6',
    table: 'nat',
    chains: new Map([['KUBE-SERVICES', ['-A KUBE-SERVICES -j BAD']]]),
  } as const;

  test('reading a node without traces writes nothing and finds nothing', async () => {
    const { asked, ...look } = scripted(node());
    const tables = await new IptablesClient(ours, { ...look, tools }).read();
    expect(tables.IPv4.nat.size + tables.IPv6.filter.size).toBe(0);
    expect(asked.filter(({ argv }) => argv.includes('restore'))).toEqual([]);
  });

  test('rules are written in one transaction that waits for the lock', async () => {
    const { asked, ...look } = scripted(node({ legacy: hint }));
    const report = await new IptablesClient(ours, { ...look, tools }).apply([write]);
    expect(report).toEqual({ outcomes: [undefined], kernelWrites: 1 });
    expect(asked.filter(({ stdin }) => stdin !== '')).toEqual([
      {
        argv: 'ip6tables-legacy-restore --noflush -w 5',
        stdin: '*nat\n:KUBE-SERVICES - [0:0]\n-A KUBE-SERVICES -j BAD\nCOMMIT\n',
      },
    ]);
  });

  test('chains are taken away with the jumps to them, by their names and in their table alone', async () => {
    const raw = [
      '*raw',
      ':PREROUTING ACCEPT [0:0]',
      ':KUBE-X - [0:0]',
      ':KUBE-Y - [0:0]',
      '-A PREROUTING -j KUBE-Y',
      '-A PREROUTING -j KUBE-X',
      '-A PREROUTING -j ACCEPT',
      '-A KUBE-X -j RETURN',
      'COMMIT',
      '',
    ].join('\n');
    const { asked, ...look } = scripted(node({ legacy: `${hint}${raw}` }));
    const names = { ...ours, raw: ['KUBE-X', 'KUBE-Y'] };
    const port = new IptablesClient(names, { ...look, tools });
    const removal = {
      op: 'removeRules',
      family: 'IPv4',
      table: 'raw',
      chains: ['KUBE-X'],
    } as const;
    const none = { ...removal, table: 'nat' } as const;
    expect((await port.apply([none, removal])).outcomes).toEqual([undefined, undefined]);
    expect(asked.filter(({ argv }) => argv.includes('restore'))).toEqual([
      {
        argv: 'iptables-legacy-restore --noflush -w 5',
        stdin: '*raw\n:KUBE-X - [0:0]\n-D PREROUTING -j KUBE-X\n-X KUBE-X\nCOMMIT\n',
      },
    ]);
  });

  test('a table of which nothing is ours is read by nobody, whatever it holds', async () => {
    const raw = '*raw\n:KUBE-X - [0:0]\n-A PREROUTING -j KUBE-X\nCOMMIT\n';
    const { asked: _, ...look } = scripted(node({ legacy: `${hint}${raw}` }));
    const { IPv4 } = await new IptablesClient(ours, { ...look, tools }).read();
    expect(Object.keys(IPv4)).toEqual(['nat', 'filter']);
  });

  test('a refused rule is quoted in the error, and the next table is still written', async () => {
    const answers = node({ legacy: hint });
    const look = scripted((argv, stdin) =>
      stdin.includes('BAD')
        ? new ExecError({
            argv,
            exitCode: 2,
            stderr: "Couldn't load target `BAD'\nError occurred at line: 3",
          })
        : answers(argv, stdin),
    );
    const good = { ...write, table: 'filter', chains: new Map([['KUBE-FORWARD', []]]) } as const;
    const { outcomes } = await new IptablesClient(ours, { ...look, tools }).apply([write, good]);
    expect(outcomes[0]?.message).toContain('in: -A KUBE-SERVICES -j BAD');
    expect(outcomes[1]).toBeUndefined();
  });

  test('without ip6tables the other family is read', async () => {
    const { asked, ...look } = scripted(node({ legacy: saved }));
    const port = new IptablesClient(ours, { ...look, tools: { ...tools, families: ['IPv4'] } });
    const tables = await port.read();
    expect(tables.IPv4.nat.size).toBe(3);
    expect(tables.IPv6.nat.size).toBe(0);
    expect(asked.some(({ argv }) => argv.startsWith('ip6'))).toBe(false);
  });
});

test('a family that cannot be read is unknown, the other is known', async () => {
  const answers = node({ legacy: hint });
  let isRefused = false;
  const { asked: _, ...look } = scripted((argv, stdin) =>
    isRefused && argv[0] === 'ip6tables-legacy-save'
      ? new ExecError({ argv, stderr: 'fork: Resource temporarily unavailable' })
      : answers(argv, stdin),
  );
  const port = new IptablesClient(ours, { ...look, tools });
  expect((await port.read()).unknown.size).toBe(0);
  isRefused = true;
  const { unknown } = await port.read();
  expect([...unknown.keys()].map(String)).toEqual(['rules IPv6 nat', 'rules IPv6 filter']);
});

test('a variant whose program could not be started is not one without traces', async () => {
  const { asked: _, ...look } = scripted((argv) =>
    argv[0].includes('nft') ? new ExecError({ argv, stderr: 'fork: EAGAIN' }) : '',
  );
  await expect(survey(look, tools)).rejects.toThrow('EAGAIN');
});

const kubelet = '*mangle\n:KUBE-KUBELET-CANARY - [0:0]\nCOMMIT\n';

/** IPv4 of a node whose variants keep what they are told, and a port there. */
function keeping(held: { nft: string; legacy: string }) {
  const { asked, run } = scripted((argv, stdin) => {
    const variant = argv[0].includes('-nft') ? 'nft' : 'legacy';
    if (argv[0].endsWith('-save')) return held[variant];
    if (argv.includes('-S')) return '-N KUBE-IPVS-PROBE\n';
    if (stdin.includes('\n-X ')) held[variant] = held[variant].replace(/\*nat\n[^*]*COMMIT\n/, '');
    else held[variant] += stdin;
    return '';
  });
  const tablesInUse = async (variant: string) =>
    held[variant as 'nft' | 'legacy'] === '' ? [] : (['IPv4'] as const);
  const ipv4 = { ...tools, families: ['IPv4'] } as const;
  const port = new IptablesClient(ours, { run, tablesInUse, tools: ipv4 });
  return { asked, port };
}

test('kubelet that comes later, and into the other variant, is followed there', async () => {
  const held = { nft: '', legacy: '' };
  const { asked, port } = keeping(held);
  const rules = new Map([['KUBE-SERVICES', ['-A KUBE-SERVICES -j RETURN']]]);
  const write = { op: 'writeRules', family: 'IPv4', table: 'nat', chains: rules } as const;
  const isWritten = async () => (await port.read()).IPv4.nat.size > 0;

  expect(await isWritten()).toBe(false);
  await port.apply([write]);
  expect(await isWritten()).toBe(true);
  expect(port.variant).toBe('nft');
  const asksBefore = asked.length;
  expect(await isWritten()).toBe(true);
  // No process for a variant without tables.
  expect(asked.slice(asksBefore).map(({ argv }) => argv)).toEqual(['iptables-nft-save']);

  held.legacy = kubelet;
  expect(await isWritten()).toBe(false);
  expect(port.variant).toBe('legacy');
  expect(held.nft).toContain('KUBE-SERVICES');
  await port.apply([write]);
  expect(held.legacy).toContain('-A KUBE-SERVICES -j RETURN');
  expect(held.nft).not.toContain('KUBE-SERVICES');
  expect(await isWritten()).toBe(true);

  held.nft = kubelet;
  expect(await isWritten()).toBe(true);
  expect(port.variant).toBe('legacy');
});

test('what an earlier run left in the wrong variant goes with the first write into the right one', async () => {
  const rule = '-A KUBE-SERVICES -m set --match-set KUBE-IPVS-DROP dst,dst -j KUBE-MARK-MASQ';
  const ofOurs = `*nat\n:KUBE-SERVICES - [0:0]\n${rule}\nCOMMIT\n`;
  const held = { nft: ofOurs, legacy: kubelet };
  const { port } = keeping(held);
  expect((await port.read()).IPv4.nat.size).toBe(0);
  // Reading changes nothing.
  expect(held).toEqual({ nft: ofOurs, legacy: kubelet });
  const chains = new Map([['KUBE-SERVICES', [rule]]]);
  await port.apply([{ op: 'writeRules', family: 'IPv4', table: 'nat', chains }]);
  expect(held.nft).toBe('');
  expect(held.legacy).toContain(rule);
});

test('what a kube-proxy left in another variant is not ours to remove', async () => {
  const theirs = '*nat\n:KUBE-SERVICES - [0:0]\n-A KUBE-SERVICES -j KUBE-SVC-X\nCOMMIT\n';
  const held = { nft: theirs, legacy: kubelet };
  const { port } = keeping(held);
  const chains = new Map([['KUBE-SERVICES', []]]);
  await port.apply([{ op: 'writeRules', family: 'IPv4', table: 'nat', chains }]);
  expect(port.variant).toBe('legacy');
  expect(held.nft).toBe(theirs);
});
