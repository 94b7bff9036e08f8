/**
 * Sets in a real kernel, written by the port and read back by it, with the program itself as the
 * second witness.
 */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { IpSet } from '../../src/dataplane/state.ts';
import type { IpsetClient, SetOperation } from '../../src/kernel/ipset.ts';
import type { IpsetSession } from '../../src/kernel/ipsetSession.ts';
import { parseSave } from '../support/lab/ipsetSave.ts';
import { requireNamespaces } from '../support/lab/kernelProbe.ts';
import { freshNamespace, type Namespace } from '../support/lab/namespace.ts';
import { ipsetPortIn } from '../support/lab/namespaceRunner.ts';

const describe = await requireNamespaces();

// a process takes up to 0.2 s in the lab kernel

const MAX = 65_536;

const sets: readonly IpSet[] = [
  {
    name: 'IPS',
    type: 'hash:ip',
    family: 'IPv4',
    maxElements: MAX,
    entries: new Set(['10.0.0.1']),
  },
  {
    name: 'PORTS',
    type: 'hash:ip,port',
    family: 'IPv4',
    maxElements: MAX,
    entries: new Set(['10.0.0.1,tcp:80', '10.0.0.1,udp:80', '10.0.0.1,sctp:80']),
  },
  {
    name: 'LOOPS',
    type: 'hash:ip,port,ip',
    family: 'IPv4',
    maxElements: MAX,
    entries: new Set(['10.0.0.1,tcp:80,10.0.0.1']),
  },
  {
    name: 'RANGES',
    type: 'hash:ip,port,net',
    family: 'IPv4',
    maxElements: MAX,
    entries: new Set([
      '10.0.0.1,tcp:80,10.0.0.0/8',
      '10.0.0.1,tcp:80,10.0.0.9',
      '10.0.0.1,tcp:80,0.0.0.0/1',
    ]),
  },
  {
    name: 'NETS',
    type: 'hash:net',
    family: 'IPv4',
    maxElements: MAX,
    entries: new Set(['10.0.0.0/8']),
  },
  {
    name: 'KUBE-6-RANGES',
    type: 'hash:ip,port,net',
    family: 'IPv6',
    maxElements: 70_000,
    entries: new Set(['fd00::1,udp:53,fd00::/64', 'fd00::1,udp:53,fd00::2']),
  },
  {
    name: 'KUBE-6-IPS',
    type: 'hash:ip',
    family: 'IPv6',
    maxElements: MAX,
    entries: new Set(['::ffff:a00:1', 'fd00::']),
  },
  {
    name: 'NODE-PORTS',
    type: 'bitmap:port',
    family: 'IPv4',
    entries: new Set(['0', '30080', '65535']),
  },
  { name: 'KUBE-6-PORTS', type: 'bitmap:port', family: 'IPv6', entries: new Set() },
];

function creation({ entries, ...set }: IpSet): SetOperation[] {
  const filling = [...entries].map((entry) => ({ op: 'addEntry', set, entry }) as const);
  return [{ op: 'createSet', set }, ...filling];
}

function additions(set: Omit<IpSet, 'entries'>, count: number): SetOperation[] {
  return Array.from({ length: count }, (_, i) => {
    return { op: 'addEntry', set, entry: `10.1.${i >> 8}.${i & 255}` };
  });
}

const withoutIcmp = (set: IpSet): IpSet => ({
  ...set,
  entries: new Set([...set.entries].filter((entry) => !/icmp|,58:/.test(entry))),
});

describe('in a real kernel', () => {
  let namespace: Namespace;
  let port: IpsetClient;
  let session: IpsetSession;

  beforeEach(async () => {
    namespace = await freshNamespace();
    ({ port, session } = ipsetPortIn(namespace));
  });

  afterEach(async () => {
    await port.close();
    await namespace.remove();
  });

  const apply = async (...run: SetOperation[]) => {
    const report = await port.apply(run);
    return report.outcomes.map((outcome) => outcome?.message);
  };
  const read = async (name: string) => (await port.read([name])).get(name);

  test('every type in both families is read as it was written, and again after a second writing', async () => {
    const names = sets.map(({ name }) => name);
    expect(await port.read(names)).toEqual(new Map());
    for (let times = 0; times < 2; times++) {
      const outcomes = await apply(...sets.flatMap(creation));
      expect(outcomes.filter((outcome) => outcome !== undefined)).toEqual([]);
      expect([...(await port.read([...names, 'NOT-THERE'])).values()]).toEqual(sets);
    }
  });

  test('sets are read as the program prints them, large ones and what others have put into ours too', async () => {
    const large = {
      name: 'LARGE',
      type: 'hash:ip,port',
      family: 'IPv6',
      maxElements: MAX,
    } as const;
    const entries = Array.from(
      { length: 3_000 },
      (_, i) => `fd00::${(i + 1).toString(16)},tcp:${i}`,
    );
    await apply(...sets.flatMap(creation), ...creation({ ...large, entries: new Set(entries) }));
    await namespace.run('ipset', 'add', 'LARGE', 'fd00::1,icmpv6:128/0');
    await namespace.run('ipset', 'create', 'EMPTY', 'hash:net', 'family', 'inet6');
    await namespace.run('ipset', 'create', 'FOREIGN', 'hash:mac');
    await namespace.run('ipset', 'add', 'FOREIGN', '01:02:03:04:05:06');
    const printed = parseSave(await namespace.run('ipset', 'save'));
    const found = await port.read([...printed.keys()]);
    expect(printed.get('LARGE')!.entries.size).toBe(3_001);
    expect([...found.keys()]).toEqual([...printed.keys()]);
    for (const [name, set] of printed) {
      expect(withoutIcmp(found.get(name)!)).toEqual(
        name === 'FOREIGN' ? { ...set, entries: new Set() } : withoutIcmp(set),
      );
    }
    // The program names type and code; this form is one that it reads.
    expect(found.get('LARGE')!.entries).toContain('fd00::1,58:128/0');
    const set = large;
    expect(await apply({ op: 'removeEntry', set, entry: 'fd00::1,58:128/0' })).toEqual([undefined]);
    expect((await port.read(['LARGE'])).get('LARGE')!.entries).toEqual(new Set(entries));
  });

  test('sets of others are not read', async () => {
    await namespace.run('ipset', 'create', 'OTHER', 'hash:ip');
    await apply(...creation(sets[0]!));
    expect([...(await port.read(['IPS'])).keys()]).toEqual(['IPS']);
  });

  test('few and many entries are there afterwards, and leave again', async () => {
    const set = { name: 'A', type: 'hash:ip', family: 'IPv4', maxElements: MAX } as const;
    for (const count of [20, 400]) {
      const added = additions(set, count);
      expect(
        (await apply({ op: 'createSet', set }, ...added)).every((each) => each === undefined),
      ).toBe(true);
      expect((await read('A'))?.entries.size).toBe(count);
      const removed = added.map((each) => ({ ...each, op: 'removeEntry' }) as SetOperation);
      expect((await apply(...removed)).every((each) => each === undefined)).toBe(true);
      expect((await read('A'))?.entries.size).toBe(0);
    }
  });

  test('a full set is never silent: just the entries that did not fit have failed, few or many', async () => {
    for (const count of [8, 300]) {
      const set = {
        name: `FULL-${count}`,
        type: 'hash:ip',
        family: 'IPv4',
        maxElements: 4,
      } as const;
      const [created, ...outcomes] = await apply(
        { op: 'createSet', set },
        ...additions(set, count),
      );
      expect(created).toBeUndefined();
      const entries = (await read(set.name))!.entries;
      additions(set, count).forEach((operation, i) => {
        const isThere = operation.op === 'addEntry' && entries.has(operation.entry);
        expect(outcomes[i] === undefined).toBe(isThere);
      });
      expect(outcomes.find((outcome) => outcome !== undefined)).toContain('Hash is full');
    }
  });

  test('entries need no program: it is started for sets, and its death is survived', async () => {
    await apply(...creation(sets[0]!));
    const before = session.pid!;
    process.kill(before, 'SIGKILL');
    const add = (entry: string) => ({ op: 'addEntry', set: sets[0]!, entry }) as const;
    expect(await apply(add('10.0.0.2'), add('10.0.0.3'))).toEqual([undefined, undefined]);
    // Whether its end has been heard of by now or not.
    expect(await apply(...creation(sets[1]!))).toEqual(Array(4).fill(undefined));
    expect(session.pid).not.toBe(before);
    expect((await read('IPS'))?.entries).toEqual(new Set(['10.0.0.1', '10.0.0.2', '10.0.0.3']));
  });

  test('what netlink writes the program finds, in every type and family', async () => {
    await apply(...sets.flatMap(creation));
    for (const { name, entries } of sets) {
      for (const entry of entries) {
        const numeric = entry.replace('sctp', '132');
        expect(await namespace.run('ipset', 'test', name, numeric)).toBe('');
      }
    }
    const removals = sets.flatMap(({ entries, ...set }) =>
      [...entries].map((entry) => ({ op: 'removeEntry', set, entry }) as const),
    );
    const before = session.pid;
    expect(await apply(...removals)).toEqual(removals.map(() => undefined));
    expect(session.pid).toBe(before);
    const printed = parseSave(await namespace.run('ipset', 'save'));
    expect([...printed.values()].flatMap(({ entries }) => [...entries])).toEqual([]);
  });

  test('a range, which only the program reads, is written and removed all the same', async () => {
    const set = { name: 'A', type: 'hash:ip', family: 'IPv4', maxElements: MAX } as const;
    const entry = '10.0.0.1-10.0.0.3';
    await apply({ op: 'createSet', set });
    expect(await apply({ op: 'addEntry', set, entry })).toEqual([undefined]);
    expect((await read('A'))?.entries.size).toBe(3);
    expect(await apply({ op: 'removeEntry', set, entry })).toEqual([undefined]);
    expect((await read('A'))?.entries.size).toBe(0);
  });

  test('a set grows while a rule refers to it, and the rule refers to the grown one', async () => {
    const small = { name: 'GROWS', type: 'hash:ip', family: 'IPv4', maxElements: 4 } as const;
    await apply({ op: 'createSet', set: small }, ...additions(small, 4));
    const rule = 'FORWARD -m set --match-set GROWS dst -j ACCEPT'.split(' ');
    await namespace.run('iptables', '-A', ...rule);
    const entries = Array.from({ length: 1_000 }, (_, i) => `10.2.${i >> 8}.${i & 255}`);
    const large = { ...small, maxElements: 2_000 };
    expect(await apply({ op: 'replaceSet', set: large, entries })).toEqual([undefined]);
    expect(await read('GROWS')).toEqual({ ...large, entries: new Set(entries) });
    await namespace.run('iptables', '-C', ...rule);
    expect(await namespace.run('ipset', 'list', '-n')).toBe('GROWS\n');
  });

  test('a set of the wrong family or type is replaced while nothing refers to it', async () => {
    const wrong = { name: 'KUBE-6-X', type: 'hash:ip', family: 'IPv4', maxElements: MAX } as const;
    await apply({ op: 'createSet', set: wrong });
    const right = { ...wrong, family: 'IPv6' } as const;
    expect(await apply({ op: 'replaceSet', set: right, entries: ['fd00::1'] })).toEqual([
      undefined,
    ]);
    expect(await read('KUBE-6-X')).toEqual({ ...right, entries: new Set(['fd00::1']) });
    const bitmap = { name: 'KUBE-6-X', type: 'bitmap:port', family: 'IPv6' } as const;
    expect(await apply({ op: 'replaceSet', set: bitmap, entries: ['80'] })).toEqual([undefined]);
    expect(await read('KUBE-6-X')).toEqual({ ...bitmap, entries: new Set(['80']) });
  });

  test('a set of the wrong type that a rule refers to is left, and the error says what to do', async () => {
    await apply(...creation(sets[0]!));
    await namespace.run(
      'iptables',
      ...'-A FORWARD -m set --match-set IPS dst -j ACCEPT'.split(' '),
    );
    const set = { name: 'IPS', type: 'hash:ip,port', family: 'IPv4', maxElements: MAX } as const;
    const [outcome] = await apply({ op: 'replaceSet', set, entries: [] });
    expect(outcome).toContain('remove the rules that refer to IPS');
    expect(await read('IPS')).toEqual(sets[0]);
    expect(await namespace.run('ipset', 'list', '-n')).toBe('IPS\n');
  });

  test('a replacement that was cut short before is cleared away', async () => {
    await namespace.run('ipset', 'create', 'KUBE-IPVS-REPLACEMENT', 'bitmap:port', 'range', '0-9');
    await apply(...creation(sets[0]!));
    const set = { ...sets[0]!, maxElements: 100_000 };
    expect(await apply({ op: 'replaceSet', set, entries: ['10.0.0.7'] })).toEqual([undefined]);
    expect((await read('IPS'))?.entries).toEqual(new Set(['10.0.0.7']));
  });

  test('an entry that the kernel does not take fails alone', async () => {
    await apply(...creation(sets[1]!));
    const add = (entry: string) => ({ op: 'addEntry', set: sets[1]!, entry }) as const;
    const outcomes = await apply(
      add('10.0.0.2,tcp:80'),
      add('fd00::1,tcp:80'),
      add('10.0.0.3,tcp:80'),
    );
    expect(outcomes.map((outcome) => outcome === undefined)).toEqual([true, false, true]);
  });
});
