import { describe, expect, test } from '@jest/globals';
import { emptyState } from '../../../src/dataplane/state.ts';
import {
  KernelDataplane,
  namesOf,
  openClients,
  type Clients,
} from '../../../src/kernel/dataplane.ts';
import { ExecError, KernelError } from '../../../src/kernel/errors.ts';
import { formatOperation } from '../../../src/plan/format.ts';
import type { Operation } from '../../../src/dataplane/operations.ts';

const set = { name: 'S', type: 'hash:ip', family: 'IPv4' } as const;
const server = {
  address: '10.0.0.1',
  port: 80,
  protocol: 'TCP',
  scheduler: 'rr',
  flags: [],
} as const;
const destination = { address: '10.1.0.1', port: 8080, weight: 1 };
const left = {
  server: '10.0.0.1:80/TCP',
  destination: { ...destination, weight: 0 },
  activeConnections: 1,
  inactiveConnections: 0,
};

/** Clients that write down each run, and fail the operations that `isBad` picks. */
function recording(isBad: (operation: Operation) => boolean = () => false) {
  const runs: string[] = [];
  const port = (name: string) => ({
    read: async () => ({}) as never,
    connections: async () => [],
    close: async () => undefined,
    apply: async (run: readonly Operation[]) => {
      runs.push(`${name}: ${run.map(formatOperation).join(', ')}`);
      const error = new ExecError({ argv: [name], exitCode: 1, stderr: 'no' });
      const draining = run.some(({ op }) => op === 'drainDestination') ? [left] : [];
      return {
        outcomes: run.map((each) => (isBad(each) ? error : undefined)),
        draining,
        kernelWrites: run.length,
      };
    },
  });
  const ports = {
    ipvs: port('ipvs'),
    links: port('links'),
    sets: port('sets'),
    rules: port('rules'),
    sysctls: port('sysctls'),
  } as unknown as Clients;
  return { ports, runs };
}

const owned = { sets: [], chains: { nat: [], filter: [] } };

const plan: Operation[] = [
  { op: 'setSysctl', name: 'a', value: '1' },
  { op: 'createSet', set },
  { op: 'addEntry', set, entry: '10.0.0.1' },
  { op: 'writeRules', family: 'IPv4', table: 'nat', chains: new Map() },
  { op: 'createDummyDevice' },
  { op: 'addServer', server },
  { op: 'addDestination', server, destination },
  { op: 'bindAddress', address: '10.0.0.1' },
  { op: 'drainDestination', server, destination },
  { op: 'removeEntry', set, entry: '10.0.0.2' },
];

test('a plan is cut into runs of one subsystem, in its own order', async () => {
  const { ports, runs } = recording();
  const report = await new KernelDataplane(owned, ports).apply(plan);
  expect(runs).toEqual([
    'sysctls: ~ a = 1',
    'sets: + S hash:ip IPv4, + S 10.0.0.1',
    'rules: ~ IPv4 nat: ',
    'links: + kube-ipvs0',
    'ipvs: + 10.0.0.1:80/TCP rr, + 10.0.0.1:80/TCP -> 10.1.0.1:8080 weight 1',
    'links: + 10.0.0.1',
    'ipvs: > 10.0.0.1:80/TCP -> 10.1.0.1:8080',
    'sets: - S 10.0.0.2',
  ]);
  expect(report).toEqual({ done: plan, failed: [], draining: [left], kernelWrites: 10 });
});

test('what fails is reported by itself and the rest is done', async () => {
  const { ports, runs } = recording(({ op }) => op === 'addEntry' || op === 'bindAddress');
  const { done, failed } = await new KernelDataplane(owned, ports).apply(plan);
  expect(runs).toHaveLength(8);
  expect(failed.map(({ operation }) => operation.op)).toEqual(['addEntry', 'bindAddress']);
  expect(done).toHaveLength(8);
});

test('a port that cannot work fails its own operations only; a bug is thrown', async () => {
  const { ports } = recording();
  const broken = (error: Error): Clients => ({
    ...ports,
    links: {
      ...ports.links,
      apply: async () => {
        throw error;
      },
    },
  });
  const refused = new KernelError({ op: 'open socket', errno: 1 });
  const { done, failed } = await new KernelDataplane(owned, broken(refused)).apply(plan);
  expect(failed.map(({ operation }) => operation.op)).toEqual(['createDummyDevice', 'bindAddress']);
  expect(done).toHaveLength(8);
  const bug = new KernelDataplane(owned, broken(new TypeError('bug')));
  await expect(bug.apply(plan)).rejects.toThrow('bug');
});

test('connections are those that IPVS counts, of the servers that are asked for', async () => {
  const { ports } = recording();
  const connections = async (servers: readonly string[]) => servers.map(() => left);
  const dataplane = new KernelDataplane(owned, { ...ports, ipvs: { ...ports.ipvs, connections } });
  expect(await dataplane.connections(['10.0.0.1:80/TCP'])).toEqual([left]);
});

test('closing closes every port that holds something open, and ends when all are closed', async () => {
  const { ports } = recording();
  const closed: string[] = [];
  const close = (name: string) => () => void closed.push(name);
  const closeSets = async () => {
    await Promise.resolve();
    closed.push('sets');
  };
  await new KernelDataplane(owned, {
    ...ports,
    ipvs: { ...ports.ipvs, close: close('ipvs') },
    links: { ...ports.links, close: close('links') },
    sets: { ...ports.sets, close: closeSets },
  }).close();
  expect(closed).toEqual(['ipvs', 'links', 'sets']);
});

test('ports that nobody has used are closed without ever having been open', async () => {
  const addon = process.env['KUBE_IPVS_ADDON'];
  process.env['KUBE_IPVS_ADDON'] = '/not/there';
  try {
    const dataplane = new KernelDataplane(owned, openClients(owned));
    await dataplane.close();
    await expect(dataplane.connections(['10.0.0.1:80/TCP'])).rejects.toMatchObject({
      code: 'EBADF',
    });
  } finally {
    if (addon === undefined) delete process.env['KUBE_IPVS_ADDON'];
    else process.env['KUBE_IPVS_ADDON'] = addon;
  }
});

test('what is ours by name follows from a desired state', () => {
  const chains = new Map([
    ['KUBE-SERVICES', []],
    ['PREROUTING', []],
  ]);
  const tables = { nat: chains, filter: new Map([['KUBE-FORWARD', []]]) };
  const ipsets = new Map([['S', { ...set, entries: new Set<string>() }]]);
  expect(namesOf({ ipsets, iptables: { IPv4: tables, IPv6: tables } })).toEqual({
    sets: ['S'],
    chains: { nat: ['KUBE-SERVICES'], filter: ['KUBE-FORWARD'] },
  });
});

describe('a reading', () => {
  const error = new ExecError({ argv: ['x'], exitCode: 1, stderr: 'no' });
  const whole = (): Clients =>
    ({
      ipvs: {
        read: async () => ({ virtualServers: new Map(), foreignServers: ['fwmark:5/IPv4'] }),
      },
      links: { read: async () => ({ hasDummyDevice: true, addresses: new Set(['10.96.0.1']) }) },
      sets: {
        read: async (names: readonly string[]) =>
          new Map(names.map((name) => [name, { ...set, name, entries: new Set(['10.0.0.1']) }])),
      },
      rules: {
        read: async () => ({
          ...emptyState().iptables,
          unknown: new Map(),
          unconfirmed: new Map(),
        }),
      },
      sysctls: {
        read: async (names: readonly string[]) => new Map(names.map((name) => [name, '1'])),
      },
    }) as unknown as Clients;
  const named = { ...owned, sets: ['A', 'B'] };
  const failing = async () => {
    throw error;
  };
  const unread = async (ports: Partial<Clients>) => {
    const state = await new KernelDataplane(named, { ...whole(), ...ports }).read(['x', 'y']);
    return { state, unknown: [...state.unknown.keys()].map(String) };
  };

  test('of everything knows everything', async () => {
    const { state, unknown } = await unread({});
    expect(unknown).toEqual([]);
    expect(state.hasDummyDevice).toBe(true);
    expect([...state.ipsets.keys()]).toEqual(['A', 'B']);
    expect(state.sysctls).toEqual(
      new Map([
        ['x', '1'],
        ['y', '1'],
      ]),
    );
  });

  test.each([
    ['ipvs', ['virtual servers']],
    ['links', ['addresses']],
    ['sets', ['ipset A', 'ipset B']],
    ['rules', ['rules IPv4 nat', 'rules IPv4 filter', 'rules IPv6 nat', 'rules IPv6 filter']],
    ['sysctls', ['sysctl x', 'sysctl y']],
  ] as const)('without %s is without that alone', async (name, parts) => {
    const { state, unknown } = await unread({ [name]: { read: failing } });
    expect(unknown).toEqual(parts);
    expect([...state.unknown.values()][0]).toBe(error);
    expect([...state.addresses]).toEqual(name === 'links' ? [] : ['10.96.0.1']);
    expect(state.ipsets.size).toBe(name === 'sets' ? 0 : 2);
  });

  test('is without one set or sysctl where one alone fails', async () => {
    const only = (bad: string) => async (names: readonly string[]) => {
      if (names.includes(bad)) throw error;
      return new Map(names.map((name) => [name, '1']));
    };
    const { state, unknown } = await unread({
      sets: { read: only('B') } as never,
      sysctls: { read: only('x') } as never,
    });
    expect(unknown.toSorted()).toEqual(['ipset B', 'sysctl x']);
    expect([...state.ipsets.keys()]).toEqual(['A']);
    expect(state.sysctls).toEqual(new Map([['y', '1']]));
  });

  test('that gets no answer from one ends all the same', async () => {
    const silent = { read: () => new Promise<never>(() => undefined) };
    const ports = { ...whole(), ipvs: silent } as unknown as Clients;
    const state = await new KernelDataplane(named, ports, 1).read(['x']);
    expect([...state.unknown.keys()].map(String)).toEqual(['virtual servers']);
    expect([...state.addresses]).toEqual(['10.96.0.1']);
  });
});
