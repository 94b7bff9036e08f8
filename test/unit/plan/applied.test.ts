import { expect, test } from '@jest/globals';
import { applyOperation, applyReport, mutableState } from '../../../src/plan/applied.ts';
import type { Operation, ServerSpec } from '../../../src/dataplane/operations.ts';
import { emptyState } from '../../../src/dataplane/state.ts';
import { FakeKernel } from '../../support/kernel/fakeKernel.ts';

const server: ServerSpec = {
  address: '10.96.0.1',
  port: 80,
  protocol: 'TCP',
  scheduler: 'rr',
  flags: [],
};
const destination = { address: '10.244.0.1', port: 8080, weight: 1 };
const add: Operation[] = [
  { op: 'addServer', server },
  { op: 'addDestination', server, destination },
];

test('an update of a server keeps its destinations', () => {
  const state = mutableState(emptyState());
  for (const operation of add) applyOperation(state, operation);
  applyOperation(state, { op: 'updateServer', server: { ...server, scheduler: 'wrr' } });
  const changed = state.virtualServers.get('10.96.0.1:80/TCP');
  expect(changed?.scheduler).toBe('wrr');
  expect([...changed!.destinations.values()]).toEqual([destination]);
});

test('a view that records reports agrees with the kernel about what drains and what is gone', async () => {
  for (const connections of [0, 1]) {
    const kernel = new FakeKernel();
    const view = mutableState(kernel.state);
    kernel.setConnections('10.96.0.1:80/TCP', '10.244.0.1:8080', connections);
    applyReport(view, await kernel.apply(add));
    applyReport(view, await kernel.apply([{ op: 'drainDestination', server, destination }]));
    expect(view).toEqual(kernel.state);
    expect(view.virtualServers.get('10.96.0.1:80/TCP')?.destinations.size).toBe(connections);
  }
});

test('missing jumps go to the head in their order, and foreign rules and chains stay', () => {
  const state = mutableState(emptyState());
  const nat = state.iptables.IPv4.nat;
  nat.set('INPUT', ['-A INPUT -j KUBE-B', '-A INPUT -j KUBE-OLD']);
  nat.set('KUBE-OLD', ['-A KUBE-OLD -j DROP']);
  const chains = new Map([
    ['KUBE-A', ['-A KUBE-A -j ACCEPT']],
    ['INPUT', ['-A INPUT -j KUBE-A', '-A INPUT -j KUBE-B', '-A INPUT -j KUBE-C']],
  ]);
  applyOperation(state, { op: 'writeRules', family: 'IPv4', table: 'nat', chains });
  expect(Object.fromEntries(nat)).toEqual({
    INPUT: [
      '-A INPUT -j KUBE-A',
      '-A INPUT -j KUBE-C',
      '-A INPUT -j KUBE-B',
      '-A INPUT -j KUBE-OLD',
    ],
    'KUBE-OLD': ['-A KUBE-OLD -j DROP'],
    'KUBE-A': ['-A KUBE-A -j ACCEPT'],
  });
});
