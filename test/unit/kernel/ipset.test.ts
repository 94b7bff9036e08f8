import { expect, test } from '@jest/globals';
import { ExecError } from '../../../src/kernel/errors.ts';
import { IpsetClient, type SetOperation } from '../../../src/kernel/ipset.ts';
import type { Answer, IpsetSession } from '../../../src/kernel/ipsetSession.ts';
import type { EntryOperation } from '../../../src/kernel/ipsetWriter.ts';

const set = { name: 'A', type: 'hash:ip', family: 'IPv4', maxElements: 65_536 } as const;

function additions(count: number): SetOperation[] {
  return Array.from({ length: count }, (_, i) => ({ op: 'addEntry', set, entry: `10.0.0.${i}` }));
}

interface Script {
  /** answer of the session to a line */
  readonly answer?: (line: string) => Answer;
  /** whether the kernel acknowledges an entry */
  readonly takes?: (entry: string) => boolean;
}

/** An IpsetClient without kernel and processes; `lines` and `written` are what it asked for. */
function scripted({ answer = () => undefined, takes = () => true }: Script) {
  const lines: string[] = [];
  const written: string[] = [];
  const session = {
    run: async (commands: readonly string[]) => {
      lines.push(...commands);
      return commands.map(answer);
    },
  } as unknown as IpsetSession;
  const writer = {
    write: async (operations: readonly EntryOperation[]) => {
      written.push(...operations.map(({ op, set: to, entry }) => `${op} ${to.name} ${entry}`));
      return operations.map(({ entry }) => takes(entry));
    },
    close: () => undefined,
  };
  return { port: new IpsetClient({ session, writer }), lines, written };
}

test('sets go through the program, their entries over netlink, in the order given', async () => {
  const { port, lines, written } = scripted({});
  const other = { ...set, name: 'B' };
  const report = await port.apply([
    { op: 'createSet', set },
    { op: 'createSet', set: other },
    ...additions(2),
    { op: 'removeEntry', set, entry: '10.0.0.9' },
    { op: 'removeSet', set: other },
  ]);
  expect(lines).toEqual([
    'create -exist A hash:ip family inet maxelem 65536',
    'create -exist B hash:ip family inet maxelem 65536',
    'destroy -exist B',
  ]);
  expect(written).toEqual(['addEntry A 10.0.0.0', 'addEntry A 10.0.0.1', 'removeEntry A 10.0.0.9']);
  expect(report).toEqual({ outcomes: Array(6).fill(undefined), kernelWrites: 6 });
});

test('what the kernel does not acknowledge is repeated with the program, and nothing else', async () => {
  const full = 'Hash is full, cannot add more elements';
  const { port, lines } = scripted({
    takes: (entry) => !/[246]$/.test(entry),
    answer: (line) => (line.endsWith('.4') ? full : undefined),
  });
  const { outcomes, kernelWrites } = await port.apply(additions(6));
  expect(lines).toEqual(['add -exist A 10.0.0.2', 'add -exist A 10.0.0.4']);
  expect(outcomes.map((outcome) => outcome?.message)).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
    expect.stringMatching(/^ipset add -exist A 10\.0\.0\.4: .*Hash is full/),
    undefined,
  ]);
  expect(kernelWrites).toBe(6);
});

test('an entry is gone with its set, but cannot be added to none', async () => {
  const { port } = scripted({
    takes: () => false,
    answer: () => 'The set with the given name does not exist',
  });
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
  const { port, lines, written } = scripted({});
  const { outcomes } = await port.apply([{ op: 'replaceSet', set, entries: ['10.0.0.1'] }]);
  expect(outcomes).toEqual([undefined]);
  const other = 'KUBE-IPVS-REPLACEMENT';
  expect(lines).toEqual([
    `destroy -exist ${other}`,
    `create -exist ${other} hash:ip family inet maxelem 65536`,
    `swap -exist ${other} A`,
    `destroy -exist ${other}`,
  ]);
  expect(written).toEqual([`addEntry ${other} 10.0.0.1`]);
});

test('a replacement that cannot be filled changes nothing and is cleared away', async () => {
  const { port, lines } = scripted({
    takes: () => false,
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
  expect(lines.slice(2)).toEqual([
    `swap -exist ${other} A`,
    'destroy -exist A',
    `rename -exist ${other} A`,
  ]);
});

test('between entries a set is replaced in its turn', async () => {
  const { port, written } = scripted({});
  const [before, after] = additions(2) as [SetOperation, SetOperation];
  const replace: SetOperation = { op: 'replaceSet', set, entries: ['10.0.0.7'] };
  const { outcomes, kernelWrites } = await port.apply([before, replace, after]);
  expect(outcomes).toEqual([undefined, undefined, undefined]);
  // Create, fill, swap and destroy, beside the two entries.
  expect(kernelWrites).toBe(6);
  expect(written).toEqual([
    'addEntry A 10.0.0.0',
    'addEntry KUBE-IPVS-REPLACEMENT 10.0.0.7',
    'addEntry A 10.0.0.1',
  ]);
});

test('a program that cannot be run fails each line with the reason, a bug is thrown', async () => {
  let reason: Error = new ExecError({ argv: ['ipset', '-'], stderr: 'install the package ipset' });
  const { port } = scripted({
    takes: () => false,
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

test('closing gives back the sockets, and the session with its process', async () => {
  const closed: string[] = [];
  const reader = { read: async () => new Map(), close: () => void closed.push('reader') };
  const writer = { write: async () => [], close: () => void closed.push('writer') };
  const session = {
    close: async () => {
      await Promise.resolve();
      closed.push('session');
    },
  } as unknown as IpsetSession;
  await new IpsetClient({ reader, writer, session }).close();
  expect(closed).toEqual(['reader', 'writer', 'session']);
});
