import { expect, test } from '@jest/globals';
import { ChangeLog } from '../../../../src/agent/report/changeLog.ts';
import type { Operation, ServerSpec } from '../../../../src/dataplane/operations.ts';
import { type DataplaneState, serverKey } from '../../../../src/dataplane/state.ts';
import { createLogger } from '../../../../src/ops/log.ts';
import { Verbosity } from '../../../../src/ops/verbosity.ts';
import { FakeLog } from '../../../support/program/fakeLog.ts';

const spec = (service: string | undefined, address = '10.96.0.1', port = 80): ServerSpec => ({
  address,
  port,
  protocol: 'TCP',
  scheduler: 'rr',
  flags: [],
  ...(service !== undefined && { service }),
});
const destination = (address: string) => ({ address, port: 8080, weight: 1 });
const set = { name: 'KUBE-CLUSTER-IP', type: 'hash:ip,port', family: 'IPv4' } as const;

function desired(...servers: readonly ServerSpec[]): DataplaneState {
  const virtualServers = new Map(
    servers.map((server) => [serverKey(server), { ...server, destinations: new Map() }]),
  );
  return { virtualServers } as unknown as DataplaneState;
}

function outcome(done: readonly Operation[], isFull = false) {
  const report = { done, failed: [], draining: [], kernelWrites: 0 };
  return { isFull, planned: done, report, durationMs: 1 };
}

test('at 2 each Service has a line with what came, changed and went', () => {
  const log = new FakeLog(2);
  const changes = new ChangeLog(log);
  const [http, alt] = [spec('ns/web:http'), spec('ns/web:alt', '10.96.0.1', 81)];
  const db = spec('ns/db:', '10.96.0.2', 5432);
  const done: Operation[] = [
    { op: 'addEntry', set, entry: '10.96.0.1,tcp:80' },
    { op: 'addServer', server: http },
    { op: 'updateServer', server: alt },
    { op: 'addDestination', server: http, destination: destination('10.1.0.1') },
    { op: 'addDestination', server: alt, destination: destination('10.1.0.1') },
    { op: 'updateDestination', server: alt, destination: destination('10.1.0.4') },
    { op: 'drainDestination', server: alt, destination: destination('10.1.0.2') },
    { op: 'removeDestination', server: db, destination: destination('10.1.0.3') },
    { op: 'bindAddress', address: '10.96.0.1' },
  ];
  changes.round(outcome(done), desired(http, alt, db));
  expect(log.take()).toEqual([
    `v2 Service changed ${JSON.stringify({
      service: 'ns/web',
      added: ['10.96.0.1:80/TCP'],
      changed: ['10.96.0.1:81/TCP'],
      endpointsAdded: ['10.1.0.1:8080'],
      endpointsChanged: ['10.1.0.4:8080'],
      endpointsDraining: ['10.1.0.2:8080'],
    })}`,
    'v2 Service changed {"service":"ns/db","endpointsRemoved":["10.1.0.3:8080"]}',
  ]);
});

test('a server that goes is told with the Service that it had, though the kernel knows none', () => {
  const log = new FakeLog(2);
  const changes = new ChangeLog(log);
  const server = spec('ns/web:http');
  const removal: Operation = { op: 'removeServer', server: spec(undefined) };
  changes.round(outcome([{ op: 'addServer', server }]), desired(server));
  log.take();
  changes.round(outcome([removal]), desired());
  changes.round(outcome([removal]), desired());
  expect(log.take()).toEqual([
    'v2 Service changed {"service":"ns/web","removed":["10.96.0.1:80/TCP"]}',
    'v2 Service changed {"service":"unknown","removed":["10.96.0.1:80/TCP"]}',
  ]);
});

test('whose servers are is known from the first round that is told, and anew with each audit', () => {
  const log = new FakeLog(2);
  const changes = new ChangeLog(log);
  changes.round(outcome([]), desired(spec('ns/old:'), spec('ns/other:', '10.96.0.2')));
  changes.round(outcome([], true), desired(spec('ns/new:')));
  const gone = (address: string): Operation => ({
    op: 'removeServer',
    server: spec(undefined, address),
  });
  changes.round(outcome([gone('10.96.0.1'), gone('10.96.0.2')]), desired());
  expect(log.take()).toEqual([
    'v2 Service changed {"service":"ns/new","removed":["10.96.0.1:80/TCP"]}',
    'v2 Service changed {"service":"unknown","removed":["10.96.0.2:80/TCP"]}',
  ]);
});

test('what is no Service of anybody is one line', () => {
  const log = new FakeLog(2);
  const done: Operation[] = [
    { op: 'createSet', set },
    { op: 'setSysctl', name: 'net.ipv4.vs.conntrack', value: '1' },
    { op: 'writeRules', family: 'IPv4', table: 'nat', chains: new Map() },
  ];
  new ChangeLog(log).round(outcome(done), desired());
  expect(log.take()).toEqual([
    'v2 node changed {"operations":["createSet set KUBE-CLUSTER-IP","setSysctl sysctl net.ipv4.vs.conntrack","writeRules rules IPv4 nat"]}',
  ]);
});

test('thousands at once are counted', () => {
  const log = new FakeLog(2);
  const servers = Array.from({ length: 150 }, (_, i) => spec(`ns/s${i}:`, `10.96.1.${i}`));
  const done = servers.map((server): Operation => ({ op: 'addServer', server }));
  const many = Array.from({ length: 30 }, (_, i): Operation => ({
    op: 'addDestination',
    server: servers[0]!,
    destination: destination(`10.1.0.${i}`),
  }));
  new ChangeLog(log).round(outcome([...done, ...many]), desired(...servers));
  const lines = log.take();
  expect(lines).toHaveLength(101);
  expect(lines[0]).toContain('"10.1.0.19:8080","and 10 more"]');
  expect(lines.at(-1)).toBe('v2 more Services changed {"count":50}');
});

test('at 4 each operation has a line too', () => {
  const log = new FakeLog(4);
  const server = spec('ns/web:http');
  const done: Operation[] = [
    { op: 'addEntry', set, entry: '10.96.0.1,tcp:80' },
    { op: 'addServer', server },
  ];
  new ChangeLog(log).round(outcome(done), desired(server));
  expect(log.take()).toEqual([
    'v4 addEntry {"subject":"entry KUBE-CLUSTER-IP 10.96.0.1,tcp:80"}',
    'v4 addServer {"subject":"server 10.96.0.1:80/TCP"}',
    'v2 Service changed {"service":"ns/web","added":["10.96.0.1:80/TCP"]}',
  ]);
});

test('at 4 each object of the cluster that changed has one', () => {
  const log = new FakeLog(4);
  const changes = new ChangeLog(log);
  changes.object({ kind: 'Service', key: 'ns/web', object: {} as never });
  changes.object({ kind: 'Service', key: 'ns/web', object: undefined });
  new ChangeLog(new FakeLog(3)).object({ kind: 'Service', key: 'ns/web', object: undefined });
  expect(log.lines).toEqual([
    'v4 object changed {"kind":"Service","key":"ns/web"}',
    'v4 object is gone {"kind":"Service","key":"ns/web"}',
  ]);
});

test('below 2 nothing is looked at', () => {
  const log = new FakeLog(1);
  const nobody = new Proxy({} as DataplaneState, {
    get: () => {
      throw new Error('looked at');
    },
  });
  const round = { isFull: true, report: new Proxy({ done: nobody }, {}) };
  expect(() => new ChangeLog(log).round(round as never, nobody)).not.toThrow();
  expect(log.lines).toEqual([]);
});

test('--vmodule=changeLog=2 is enough', () => {
  const lines: string[] = [];
  const vmodule = [{ filePattern: 'changeLog', verbosity: 2 }];
  const log = createLogger({
    format: 'text',
    verbosity: new Verbosity({ verbosity: 0, vmodule }),
    destination: { write: (line) => lines.push(line) },
    wallMs: () => 0,
    pid: 1,
  });
  const server = spec('ns/web:http');
  new ChangeLog(log).round(outcome([{ op: 'addServer', server }]), desired(server));
  expect(lines).toEqual([
    expect.stringMatching(/ changeLog\.ts:\d+\] "Service changed" service="ns\/web" added=\[/),
  ]);
});
