import { expect, test } from '@jest/globals';
import { emptyState, type VirtualServer } from '../../../src/dataplane/state.ts';
import type { ApplyReport, Operation } from '../../../src/dataplane/operations.ts';
import { applyReport, mutableState } from '../../../src/plan/applied.ts';
import { keysOf, Tally } from '../../../src/plan/tally.ts';

const server = (address: string, destinations: number): VirtualServer => ({
  address,
  port: 80,
  protocol: 'TCP',
  scheduler: 'rr',
  flags: [],
  destinations: new Map(
    Array.from({ length: destinations }, (_, i) => [
      `10.0.0.1:${i}`,
      { address: '10.0.0.1', port: i, weight: 1 },
    ]),
  ),
});

const counts = ({ virtualServers, destinations, addresses }: Tally) => ({
  virtualServers,
  destinations,
  addresses,
});

test('a state is counted by family', () => {
  const state = {
    virtualServers: new Map([
      ['10.96.0.1:80/TCP', server('10.96.0.1', 2)],
      ['[fd00::1]:80/TCP', server('fd00::1', 3)],
    ]),
    addresses: new Set(['10.96.0.1']),
  };
  expect(counts(Tally.of(state))).toEqual({
    virtualServers: { IPv4: 1, IPv6: 1 },
    destinations: { IPv4: 2, IPv6: 3 },
    addresses: { IPv4: 1, IPv6: 0 },
  });
});

const spec = server('10.96.0.2', 0);
const destination = { address: '10.0.0.9', port: 1, weight: 1 };

const OPERATIONS: readonly (readonly [string, readonly Operation[]])[] = [
  [
    'a new server with a destination',
    [
      { op: 'addServer', server: spec },
      { op: 'addDestination', server: spec, destination },
    ],
  ],
  ['a server that is there already', [{ op: 'addServer', server: server('10.96.0.1', 0) }]],
  [
    'a server that goes with its destinations',
    [{ op: 'removeServer', server: server('10.96.0.1', 0) }],
  ],
  ['a server that is not there', [{ op: 'removeServer', server: spec }]],
  [
    'a destination that goes, and one with another weight',
    [
      {
        op: 'removeDestination',
        server: server('10.96.0.1', 0),
        destination: { address: '10.0.0.1', port: 0, weight: 1 },
      },
      {
        op: 'updateDestination',
        server: server('10.96.0.1', 0),
        destination: { address: '10.0.0.1', port: 1, weight: 3 },
      },
    ],
  ],
  [
    'a destination that is drained and has no connection',
    [
      {
        op: 'drainDestination',
        server: server('fd00::1', 0),
        destination: { address: '10.0.0.1', port: 2, weight: 1 },
      },
    ],
  ],
  [
    'addresses that come and go, some of them already',
    [
      { op: 'bindAddress', address: 'fd00::5' },
      { op: 'bindAddress', address: '10.96.0.1' },
      { op: 'unbindAddress', address: '10.96.9.9' },
      { op: 'unbindAddress', address: '10.96.0.1' },
    ],
  ],
  ['what is counted elsewhere', [{ op: 'createDummyDevice' }]],
];

test.each(OPERATIONS)('%s: what was kept is what a count finds', (_, done) => {
  const state = mutableState({
    ...emptyState(),
    virtualServers: new Map([
      ['10.96.0.1:80/TCP', server('10.96.0.1', 2)],
      ['[fd00::1]:80/TCP', server('fd00::1', 3)],
    ]),
    addresses: new Set(['10.96.0.1']),
  });
  const tally = Tally.of(state);
  const report: ApplyReport = { done, failed: [], draining: [], kernelWrites: 0 };
  const keys = keysOf(done);
  tally.before(state, keys);
  applyReport(state, report);
  tally.after(state, keys);
  expect(counts(tally)).toEqual(counts(Tally.of(state)));
});
