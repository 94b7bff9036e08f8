import { constants } from 'node:os';
import { describe, expect, test } from '@jest/globals';
import { RetryBook } from '../../../../src/agent/loop/retryBook.ts';
import { StandingFailures } from '../../../../src/agent/report/standingFailures.ts';
import {
  type Destination,
  emptyState,
  type VirtualServer,
} from '../../../../src/dataplane/state.ts';
import { KernelError } from '../../../../src/kernel/errors.ts';
import type { Operation, SetSpec } from '../../../../src/dataplane/operations.ts';

const REFUSED = new KernelError({ op: 'it', errno: constants.errno.EINVAL, hint: 'not unicast' });

const destination = (address: string, slice: string): Destination => ({
  address,
  port: 8080,
  weight: 1,
  endpoint: `shop/${slice}#0`,
});

/**
 * Services `shop/s0` … of two ports' worth of endpoints each, at 10.96.0.N and, where `isDual`, at
 * fd00::N.
 */
function serversOf(count: number, isDual = false): VirtualServer[] {
  return Array.from({ length: count }, (_, i) =>
    (isDual ? [`10.96.0.${i}`, `fd00::${i + 1}`] : [`10.96.0.${i}`]).map((address) => {
      const endpoints = [destination('10.244.0.5', 'a'), destination('192.168.1.255', 'b.v2')];
      return {
        address,
        port: 80,
        protocol: 'TCP' as const,
        scheduler: 'rr',
        flags: [],
        service: `shop/s${i}:http`,
        destinations: new Map(endpoints.map((each) => [`${each.address}:8080`, each])),
      };
    }),
  ).flat();
}

function judge(servers: readonly VirtualServer[], failing: readonly Operation[], attempts = 2) {
  const book = new RetryBook();
  for (let i = 0; i < attempts; i++)
    for (const operation of failing) book.failed({ operation, error: REFUSED }, 0);
  const virtualServers = new Map(servers.map((each) => [keyOf(each), each]));
  const addresses = new Set(servers.map(({ address }) => address));
  return new StandingFailures(book.standing, { ...emptyState(), virtualServers, addresses });
}

const keyOf = ({ address }: VirtualServer) =>
  address.includes(':') ? `[${address}]:80/TCP` : `${address}:80/TCP`;
const addAll = (servers: readonly VirtualServer[]): Operation[] =>
  servers.map((server) => ({ op: 'addServer', server }));
const addDestinations = (servers: readonly VirtualServer[], which: number[]): Operation[] =>
  servers.flatMap((server) =>
    which.map((i): Operation => {
      return { op: 'addDestination', server, destination: [...server.destinations.values()][i]! };
    }),
  );
const problemsOf = (failures: StandingFailures) => [...failures.problems().values()].flat();
const set: SetSpec = { name: 'KUBE-CLUSTER-IP', type: 'hash:ip,port', family: 'IPv4' };

describe('the problem', () => {
  const servers = serversOf(3);

  test('of a refused endpoint has the path of its slice, the Service and the reason of the kernel', () => {
    expect(problemsOf(judge(servers, addDestinations(servers.slice(1, 2), [1])))).toEqual([
      {
        path: 'EndpointSlice/shop/b.v2.endpoints[0].addresses[0]',
        value: '192.168.1.255:8080',
        service: 'shop/s1',
        problem:
          'cannot be an endpoint of Service shop/s1:http at 10.96.0.1:80/TCP: it: EINVAL, invalid argument (not unicast)',
        consequence: 'RefusedByKernel',
      },
    ]);
  });

  test.each<[string, Operation]>([
    ['server', { op: 'addServer', server: servers[2]! }],
    ['address', { op: 'bindAddress', address: '10.96.0.2' }],
    ['member of a set', { op: 'addEntry', set, entry: '10.96.0.2,tcp:80' }],
    ['address in a set', { op: 'addEntry', set, entry: '10.96.0.2' }],
  ])("of a frontend's %s is its Service's", (_, operation) => {
    expect(problemsOf(judge(servers, [operation]))).toEqual([
      expect.objectContaining({
        path: 'Service/shop/s2',
        value: '10.96.0.2:80/TCP',
        consequence: 'RefusedByKernel',
      }),
    ]);
  });

  test('of a NodePort is found by its number', () => {
    const nodePort = { ...servers[0]!, address: '192.168.0.1', port: 30080 };
    const virtualServers = new Map([['192.168.0.1:30080/TCP', nodePort]]);
    const operation: Operation = { op: 'addEntry', set, entry: '30080' };
    const failures = [{ operation, error: REFUSED, attempts: 2 }];
    const judged = new StandingFailures(failures, { ...emptyState(), virtualServers });
    expect(problemsOf(judged)[0]).toMatchObject({
      path: 'Service/shop/s0',
      value: '192.168.0.1:30080/TCP',
    });
  });

  test("of a sysctl is the node's, with the cure", () => {
    const operation: Operation = { op: 'setSysctl', name: 'net/ipv4/ip_forward', value: '1' };
    expect(problemsOf(judge(servers, [operation]))).toEqual([
      expect.objectContaining({
        path: 'sysctl net/ipv4/ip_forward',
        problem: expect.stringMatching(/sysctl -w net\.ipv4\.ip_forward=1.*kubectl delete pod/),
        consequence: 'NodeNotProgrammed',
      }),
    ]);
  });

  test('of what is to go is that it stays', () => {
    const server = { ...servers[0]!, address: '10.96.9.9' };
    for (const operation of [
      { op: 'removeServer', server },
      { op: 'unbindAddress', address: '10.96.0.1' },
      { op: 'removeEntry', set, entry: '10.96.0.1,tcp:80' },
    ] satisfies Operation[]) {
      expect(problemsOf(judge(servers, [operation]))[0]?.consequence).toBe('NotRemoved');
    }
  });

  test('is none yet at the first failure, which may be of the moment', () => {
    expect(judge(servers, addAll(servers), 1).problems().size).toBe(0);
  });
});

describe('the node is unwell', () => {
  const broken = (servers: readonly VirtualServer[], failing: readonly Operation[]) => [
    ...judge(servers, failing, 1).brokenFamilies(),
  ];
  const chains = new Map();

  test.each<[string, Operation, string[]]>([
    ['rules', { op: 'writeRules', family: 'IPv6', table: 'nat', chains }, ['IPv6']],
    ['a set', { op: 'createSet', set }, ['IPv4']],
    ['a set too small', { op: 'replaceSet', set, entries: [] }, ['IPv4']],
    ['the device', { op: 'createDummyDevice' }, ['IPv4', 'IPv6']],
  ])('without %s', (_, operation, families) => {
    expect(broken(serversOf(10), [operation])).toEqual(families);
  });

  test('when more than half of the service ports of a family are not served', () => {
    const servers = serversOf(10, true);
    const six = servers.filter(({ address }) => address.includes(':'));
    expect(broken(servers, addAll(six.slice(0, 5)))).toEqual([]);
    expect(broken(servers, addAll(six.slice(0, 6)))).toEqual(['IPv6']);
    expect(broken(servers, addDestinations(six.slice(0, 6), [0, 1]))).toEqual(['IPv6']);
  });

  test('but not for endpoints of Services that have others', () => {
    const servers = serversOf(10);
    expect(broken(servers, addDestinations(servers, [1]))).toEqual([]);
  });

  test('nor for one Service, were it the only one', () => {
    const [only] = serversOf(1);
    const failing = [...addAll([only!]), ...addDestinations([only!], [0, 1])];
    expect(broken([only!], failing)).toEqual([]);
  });

  test('nor for a sysctl, or for what is to go', () => {
    const servers = serversOf(3);
    const removals = servers.map((server): Operation => ({ op: 'removeServer', server }));
    const sysctl: Operation = { op: 'setSysctl', name: 'net/ipv4/ip_forward', value: '1' };
    expect(broken(servers, [...removals, sysctl])).toEqual([]);
  });
});
