import { expect, test } from '@jest/globals';
import { formatOperation } from '../../../src/plan/format.ts';
import type { Operation, ServerSpec, SetSpec } from '../../../src/dataplane/operations.ts';
import { isCriticalService, orderPlan } from '../../../src/plan/order.ts';

const set: SetSpec = { name: 'S', type: 'hash:ip,port', family: 'IPv4' };

function server(address: string, service: string): ServerSpec {
  return { address, port: 80, protocol: 'TCP', scheduler: 'rr', flags: [], service };
}

const web = server('10.0.0.5', 'shop/web:http');
const api = server('10.96.0.1', 'default/kubernetes:https');
const destination = { address: '10.244.0.1', port: 8080, weight: 1 };

test('what is added stands in front of what it needs it for, removals in the reverse sequence', () => {
  const operations: Operation[] = [
    { op: 'removeEntry', set, entry: '10.0.0.9,tcp:80' },
    { op: 'removeServer', server: server('10.0.0.9', 'old/one') },
    { op: 'unbindAddress', address: '10.0.0.9' },
    { op: 'bindAddress', address: '10.0.0.5' },
    { op: 'addServer', server: web },
    { op: 'addDestination', server: web, destination },
    { op: 'addEntry', set, entry: '10.0.0.5,tcp:80' },
    { op: 'writeRules', family: 'IPv4', table: 'nat', chains: new Map([['KUBE-SERVICES', []]]) },
    { op: 'createSet', set },
    { op: 'createDummyDevice' },
    { op: 'setSysctl', name: 'net/ipv4/ip_forward', value: '1' },
  ];
  expect(orderPlan(operations).map(formatOperation)).toEqual([
    '+ kube-ipvs0',
    '~ net/ipv4/ip_forward = 1',
    '+ S hash:ip,port IPv4',
    '~ IPv4 nat: KUBE-SERVICES',
    '+ S 10.0.0.5,tcp:80',
    '+ 10.0.0.5:80/TCP rr (shop/web:http)',
    '+ 10.0.0.5:80/TCP -> 10.244.0.1:8080 weight 1',
    '+ 10.0.0.5',
    '- 10.0.0.9',
    '- 10.0.0.9:80/TCP (old/one)',
    '- S 10.0.0.9,tcp:80',
  ]);
});

test('the API server and cluster DNS are complete before any other Service begins', () => {
  const operations: Operation[] = [
    { op: 'addEntry', set, entry: '10.0.0.5,tcp:80' },
    { op: 'addEntry', set, entry: '10.96.0.1,tcp:443' },
    { op: 'addEntry', set, entry: '10.244.0.1,tcp:8080,10.244.0.1' },
    { op: 'addServer', server: web },
    { op: 'addServer', server: api },
    { op: 'addDestination', server: api, destination },
    { op: 'bindAddress', address: '10.0.0.5' },
    { op: 'bindAddress', address: '10.96.0.1' },
  ];
  expect(orderPlan(operations).map(formatOperation)).toEqual([
    '+ S 10.96.0.1,tcp:443',
    '+ S 10.244.0.1,tcp:8080,10.244.0.1',
    '+ 10.96.0.1:80/TCP rr (default/kubernetes:https)',
    '+ 10.96.0.1:80/TCP -> 10.244.0.1:8080 weight 1',
    '+ 10.96.0.1',
    '+ S 10.0.0.5,tcp:80',
    '+ 10.0.0.5:80/TCP rr (shop/web:http)',
    '+ 10.0.0.5',
  ]);
});

test('another Service on a critical address comes with it', () => {
  const guest = { ...server('10.96.0.1', 'shop/web:http'), port: 81 };
  const operations: Operation[] = [
    { op: 'addServer', server: web },
    { op: 'addServer', server: guest },
    { op: 'addServer', server: api },
  ];
  const servers = orderPlan(operations).map((each) => 'server' in each && each.server);
  expect(servers).toEqual([guest, api, web]);
});

test('critical are these two Services and none whose name only begins like them', () => {
  const labels = ['default/kubernetes:https', 'kube-system/kube-dns:dns-tcp', 'default/kubernetes'];
  expect(labels.every(isCriticalService)).toBe(true);
  const others = ['default/kubernetes-x:a', 'x/kube-dns:dns', 'kube-system/kube-dns-2:dns'];
  expect(others.some(isCriticalService)).toBe(false);
});
