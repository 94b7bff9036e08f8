import { expect, test } from '@jest/globals';
import type { IpSet } from '../../../src/dataplane/state.ts';
import { ExecError } from '../../../src/kernel/errors.ts';
import type { Argv, Runner } from '../../../src/kernel/exec.ts';
import { IpsetClient, type SetOperation } from '../../../src/kernel/ipset.ts';
import type { Answer, IpsetSession } from '../../../src/kernel/ipsetSession.ts';

const set = { name: 'A', type: 'hash:ip', family: 'IPv4', maxElements: 65_536 } as const;

function additions(count: number): SetOperation[] {
  return Array.from({ length: count }, (_, i) => ({ op: 'addEntry', set, entry: `10.0.0.${i}` }));
}

interface Script {
  /** answer of the session to a line */
  readonly answer?: (line: string) => Answer;
  /** what netlink tells */
  readonly sets?: readonly IpSet[];
  /** output of a program */
  readonly program?: (argv: Argv, stdin: string) => string;
}

/** An IpsetClient without processes; `lines` and `programs` are what it asked for. */
function scripted(
  { answer = () => undefined, program = () => '', sets = [] }: Script,
  bulkLines = 5,
) {
  const lines: string[] = [];
  const programs: string[] = [];
  const session = {
    run: async (commands: readonly string[]) => {
      lines.push(...commands);
      return commands.map(answer);
    },
  } as unknown as IpsetSession;
  const run: Runner = async (argv, options) => {
    programs.push(argv.join(' '));
    return { stdout: program(argv, options?.stdin ?? ''), stderr: '' };
  };
  const reader = {
    read: async () => new Map(sets.map((each) => [each.name, each])),
    close: () => undefined,
  };
  const port = new IpsetClient({ run, session, reader, bulkLines });
  return { port, lines, programs, reader };
}

const counts = (n: number) => `Name: A\nNumber of entries: ${n}\n`;

test('few lines go through the session', async () => {
  const { port, lines, programs } = scripted({});
  const report = await port.apply([{ op: 'createSet', set }, ...additions(1)]);
  expect(lines).toEqual([
    'create -exist A hash:ip family inet maxelem 65536',
    'add -exist A 10.0.0.0',
  ]);
  expect(programs).toEqual([]);
  expect(report).toEqual({ outcomes: [undefined, undefined], kernelWrites: 2 });
});

test('many lines go through one restore, and are counted', async () => {
  let restored = '';
  const { port, lines } = scripted({
    program: (argv, stdin) => {
      if (argv.includes('restore')) restored = stdin;
      return counts(restored === '' ? 3 : 9);
    },
  });
  const report = await port.apply(additions(6));
  expect(restored.split('\n')).toHaveLength(8);
  expect(lines).toEqual([]);
  expect(report.outcomes).toEqual(Array(6).fill(undefined));
});

test('what was read need not be counted, also after single lines, until the count was wrong', async () => {
  let size = 0;
  const { port, lines, programs } = scripted({
    program: (argv, stdin) => {
      if (argv.includes('restore')) size += stdin.split('\n').length - 2;
      return counts(size + 1);
    },
    sets: [{ ...set, entries: new Set(['10.9.9.9']) }],
  });
  await port.read(['A']);
  await port.apply([{ op: 'createSet', set }]);
  await port.apply(additions(6));
  await port.apply(additions(7));
  const restore = 'ipset restore -exist';
  expect(programs).toEqual([restore, restore]);
  await port.apply(additions(1));
  size += 1;
  await port.apply(additions(8));
  expect(programs.slice(2)).toEqual([restore]);
  expect(lines).toHaveLength(2);
  size += 1; // by somebody else
  await port.apply(additions(9));
  expect(lines).toHaveLength(11);
  await port.apply(additions(6));
  expect(programs.slice(3)).toEqual([restore, 'ipset list -t', restore]);
});

test('a reading that fails leaves nothing to count by', async () => {
  const known: IpSet = { ...set, entries: new Set(['10.9.9.9']) };
  const { port, programs, reader } = scripted({ sets: [known], program: () => counts(7) });
  await port.read(['A']);
  reader.read = () => Promise.reject(new Error('ENOBUFS'));
  await expect(port.read(['A'])).rejects.toThrow('ENOBUFS');
  await port.apply(additions(6));
  expect(programs[0]).toBe('ipset list -t');
});

test('when the count is wrong or restore fails, every line is repeated singly', async () => {
  const full = 'Hash is full, cannot add more elements';
  for (const program of [
    () => counts(3),
    () => '',
    () => {
      throw new ExecError({ argv: ['ipset', 'restore'], exitCode: 1, stderr: 'Error in line 3' });
    },
  ]) {
    const { port, lines } = scripted({
      program,
      answer: (line) => (line.endsWith('.4') ? full : undefined),
    });
    const { outcomes } = await port.apply(additions(6));
    expect(lines).toHaveLength(6);
    expect(outcomes.map((outcome) => outcome === undefined)).toEqual([
      true,
      true,
      true,
      true,
      false,
      true,
    ]);
    expect(outcomes[4]?.message).toContain(full);
  }
});

test('an entry is gone with its set, but cannot be added to none', async () => {
  const { port } = scripted({ answer: () => 'The set with the given name does not exist' });
  const { outcomes } = await port.apply([
    { op: 'removeEntry', set, entry: '10.0.0.1' },
    { op: 'addEntry', set, entry: '10.0.0.1' },
  ]);
  expect(outcomes[0]).toBeUndefined();
  expect(outcomes[1]).toBeInstanceOf(ExecError);
});

test('a set is removed with its entries, one that is not there is gone, one that a rule uses stays', async () => {
  const removal = { op: 'removeSet', set } as const;
  const gone = scripted({});
  expect((await gone.port.apply([removal])).outcomes).toEqual([undefined]);
  expect(gone.lines).toEqual(['destroy -exist A']);
  const missing = scripted({ answer: () => 'The set with the given name does not exist' });
  expect((await missing.port.apply([removal])).outcomes).toEqual([undefined]);
  const used = 'Set cannot be destroyed: it is in use by a kernel component';
  const [outcome] = (await scripted({ answer: () => used }).port.apply([removal])).outcomes;
  expect(outcome?.message).toContain(used);
});

test('a set is replaced by a filled one, in one swap', async () => {
  const { port, lines } = scripted({});
  const { outcomes } = await port.apply([{ op: 'replaceSet', set, entries: ['10.0.0.1'] }]);
  expect(outcomes).toEqual([undefined]);
  const other = 'KUBE-IPVS-REPLACEMENT';
  expect(lines).toEqual([
    `destroy -exist ${other}`,
    `create -exist ${other} hash:ip family inet maxelem 65536`,
    `add -exist ${other} 10.0.0.1`,
    `swap -exist ${other} A`,
    `destroy -exist ${other}`,
  ]);
});

test('a replacement that cannot be filled changes nothing and is cleared away', async () => {
  const { port, lines } = scripted({
    answer: (line) => (line.startsWith('add') ? 'Hash is full' : undefined),
  });
  const { outcomes } = await port.apply([{ op: 'replaceSet', set, entries: ['10.0.0.1'] }]);
  expect(outcomes[0]?.message).toContain('Hash is full');
  expect(lines.some((line) => line.startsWith('swap'))).toBe(false);
  expect(lines.at(-1)).toBe('destroy -exist KUBE-IPVS-REPLACEMENT');
});

test('a set of another type that a rule uses is kept, and the error says why', async () => {
  const { port } = scripted({
    answer: (line) => {
      if (line.startsWith('swap')) return 'their type does not match';
      return line === 'destroy -exist A' ? 'it is in use by a kernel component' : undefined;
    },
  });
  const { outcomes } = await port.apply([{ op: 'replaceSet', set, entries: [] }]);
  expect(outcomes[0]?.message).toMatch(/type does not match.*in use.*rules that refer to A/);
  expect(outcomes[0]?.message).toMatch(/^ipset swap \S+ A: exit code 1: /);
});

test('a missing kernel module or permission comes with its cure', async () => {
  for (const [text, cure] of [
    ['Kernel error received: Invalid argument', 'modprobe ip_set'],
    ['Kernel error received: Operation not permitted', 'CAP_NET_ADMIN'],
  ] as const) {
    const { port } = scripted({ answer: () => text });
    const { outcomes } = await port.apply([{ op: 'createSet', set }]);
    expect(outcomes[0]?.message).toContain(cure);
  }
});

test('a set of another type that no rule uses is removed, and the filled one takes its name', async () => {
  const { port, lines } = scripted({
    answer: (line) => (line.startsWith('swap') ? 'their type does not match' : undefined),
  });
  const { outcomes } = await port.apply([{ op: 'replaceSet', set, entries: ['10.0.0.1'] }]);
  expect(outcomes).toEqual([undefined]);
  const other = 'KUBE-IPVS-REPLACEMENT';
  expect(lines.slice(3)).toEqual([
    `swap -exist ${other} A`,
    'destroy -exist A',
    `rename -exist ${other} A`,
  ]);
});

test('between single lines a set is replaced in its turn', async () => {
  const { port, lines } = scripted({});
  const [before, after] = additions(2) as [SetOperation, SetOperation];
  const replace: SetOperation = { op: 'replaceSet', set, entries: [] };
  const { outcomes, kernelWrites } = await port.apply([before, replace, after]);
  expect(outcomes).toEqual([undefined, undefined, undefined]);
  // Create, swap and destroy, beside the two lines.
  expect(kernelWrites).toBe(5);
  expect(lines.at(0)).toBe('add -exist A 10.0.0.0');
  expect(lines.at(-1)).toBe('add -exist A 10.0.0.1');
});

test('a program that cannot be run fails each line with the reason, a bug is thrown', async () => {
  let reason: Error = new ExecError({ argv: ['ipset', '-'], stderr: 'install the package ipset' });
  const { port } = scripted({
    answer: () => {
      throw reason;
    },
  });
  const { outcomes } = await port.apply(additions(2));
  expect(outcomes.map((outcome) => outcome?.message)).toEqual([
    expect.stringMatching(/^ipset add -exist A 10\.0\.0\.0: .*install the package ipset/),
    expect.stringMatching(/^ipset add -exist A 10\.0\.0\.1: .*install the package ipset/),
  ]);
  reason = new TypeError('bug');
  await expect(port.apply(additions(1))).rejects.toBe(reason);
});

test('a bug while many are restored is thrown, not repeated line by line', async () => {
  const { port, lines } = scripted({
    program: () => {
      throw new TypeError('bug');
    },
  });
  await expect(port.apply(additions(6))).rejects.toThrow('bug');
  expect(lines).toEqual([]);
});

test('closing gives back the reader, and the session with its process', async () => {
  const closed: string[] = [];
  const reader = { read: async () => new Map(), close: () => void closed.push('reader') };
  const session = {
    close: async () => {
      await Promise.resolve();
      closed.push('session');
    },
  } as unknown as IpsetSession;
  await new IpsetClient({ reader, session }).close();
  expect(closed).toEqual(['reader', 'session']);
});
