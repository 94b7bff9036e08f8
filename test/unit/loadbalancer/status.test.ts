import { expect, test } from '@jest/globals';
import type { Decision } from '../../../src/loadbalancer/allocation/decision.ts';
import { CONDITION_TYPE } from '../../../src/loadbalancer/condition.ts';
import { conflictEvent, eventsOf } from '../../../src/loadbalancer/events.ts';
import { patchOf, statusAfter } from '../../../src/loadbalancer/status.ts';
import type { BalancedService } from '../../../src/model/balancedService.ts';
import {
  pool,
  run,
  service,
  settingsOf,
  type ServiceWords,
} from '../../support/loadbalancer/balanced.ts';

const SETTINGS = settingsOf([pool('office', '192.0.2.64/30 2001:db8::/126')]);
const THEN = '2026-11-30T12:00:00Z';
const NOW = '2026-11-30T13:00:00Z';
const OTHER = { type: 'example.com/Other', status: 'True' };

function decide(words: ServiceWords, others: readonly BalancedService[] = [], settings = SETTINGS) {
  const { decisions } = run(settings, [service('a', words), ...others]);
  return decisions.get('default/a')!;
}

function events(decision: Decision) {
  return eventsOf(decision, patchOf(decision, NOW) !== undefined).map(
    ({ type, reason, note }) => `${type} ${reason}: ${note}`,
  );
}

const condition = (status: string, reason: string, message = '') => ({
  type: CONDITION_TYPE,
  status,
  reason,
  message,
  lastTransitionTime: THEN,
});
const assigned = (ip = '192.0.2.64', message = `${ip} from pool former`): ServiceWords => ({
  status: {
    loadBalancer: { ingress: [{ ip, ipMode: 'VIP' }] },
    conditions: [OTHER, condition('True', 'Assigned', message)],
  },
});

test('a new address is written with its mode and our condition', () => {
  const decision = decide({});
  expect(patchOf(decision, NOW)).toEqual({
    metadata: { resourceVersion: '1' },
    status: {
      loadBalancer: { ingress: [{ ip: '192.0.2.64', ipMode: 'VIP' }] },
      conditions: [
        {
          type: CONDITION_TYPE,
          status: 'True',
          reason: 'Assigned',
          message: '192.0.2.64 from pool office',
          lastTransitionTime: NOW,
        },
      ],
    },
  });
  expect(events(decision)).toEqual(['Normal AddressAssigned: 192.0.2.64 from pool office']);
});

test('what is there already is not written, though the message would be another', () => {
  const decision = decide(assigned());
  expect(patchOf(decision, NOW)).toBeUndefined();
  expect(events(decision)).toEqual([]);
  expect(statusAfter(decision, NOW)).toEqual({
    loadBalancer: { ingress: [{ ip: '192.0.2.64', ipMode: 'VIP' }] },
    conditions: [OTHER, condition('True', 'Assigned', '192.0.2.64 from pool former')],
  });
});

test('what others wrote of our pools is named before it counts as ours', () => {
  const decision = decide(assigned('192.0.2.66', '192.0.2.64 from pool office'));
  expect(patchOf(decision, NOW)?.status).toEqual({
    conditions: [condition('True', 'Assigned', '192.0.2.66 from pool office')],
  });
  expect(events(decision)).toEqual([]);
});

test('what another program gave is adopted with mode and condition', () => {
  const decision = decide({ status: { loadBalancer: { ingress: [{ ip: '192.0.2.66' }] } } });
  expect(patchOf(decision, NOW)?.status).toMatchObject({
    loadBalancer: { ingress: [{ ip: '192.0.2.66', ipMode: 'VIP' }] },
    conditions: [{ reason: 'Assigned' }],
  });
  expect(events(decision)).toEqual(['Normal AddressAssigned: 192.0.2.66 from pool office']);
});

test.each([
  ['an address without mode', [{ ip: '192.0.2.64' }]],
  ['another mode', [{ ip: '192.0.2.64', ipMode: 'Proxy' }]],
  ['a host name beside', [{ ip: '192.0.2.64', ipMode: 'VIP' }, { hostname: 'lb.example' }]],
])('%s is put right, which is no news', (_title, ingress) => {
  const { conditions } = assigned().status!;
  const decision = decide({ status: { loadBalancer: { ingress }, conditions } });
  expect(patchOf(decision, NOW)?.status).toEqual({
    loadBalancer: { ingress: [{ ip: '192.0.2.64', ipMode: 'VIP' }] },
    conditions: [condition('True', 'Assigned', '192.0.2.64 from pool office')],
  });
  expect(events(decision)).toEqual([]);
});

test('the order of families is the order in the status', () => {
  const dual: ServiceWords = { families: '64', policy: 'PreferDualStack' };
  const decision = decide({ ...dual, has: '192.0.2.64 2001:db8::', reason: 'Assigned' });
  expect(patchOf(decision, NOW)?.status.loadBalancer?.ingress).toEqual([
    { ip: '2001:db8::', ipMode: 'VIP' },
    { ip: '192.0.2.64', ipMode: 'VIP' },
  ]);
});

test('without an address the condition says why, once for each cause', () => {
  const asks = (more: ServiceWords = {}) =>
    decide({ spec: { loadBalancerIP: '192.0.2.1' }, ...more });
  const pending = asks();
  const message = '192.0.2.1 is in no pool, the nearest is office (192.0.2.64-192.0.2.67)';
  expect(patchOf(pending, NOW)?.status).toEqual({
    conditions: [{ ...condition('False', 'AddressNotInPools', message), lastTransitionTime: NOW }],
  });
  expect(events(pending)).toEqual([`Warning AddressPending: AddressNotInPools: ${message}`]);
  const told = asks({ status: { conditions: [condition('False', 'AddressNotInPools')] } });
  expect(patchOf(told, NOW)).toBeUndefined();
  const before = asks({ status: { conditions: [condition('False', 'PoolsExhausted')] } });
  expect(patchOf(before, NOW)?.status.conditions).toEqual([
    condition('False', 'AddressNotInPools', message),
  ]);
});

test('an address that is lost is cleared, and told with what is missing now', () => {
  const elsewhere = settingsOf([pool('lab', '198.51.100.0/32')], { outOfPool: 'Reassign' });
  const taken = service('b', { has: '198.51.100.0' });
  const decision = decide(assigned(), [taken], elsewhere);
  expect(patchOf(decision, NOW)?.status).toEqual({
    loadBalancer: { ingress: null },
    conditions: [
      {
        ...condition('False', 'PoolsExhausted', 'no IPv4 address is free: lab has 1'),
        lastTransitionTime: NOW,
      },
    ],
  });
  expect(statusAfter(decision, NOW)).toMatchObject({
    loadBalancer: {},
    conditions: [OTHER, { status: 'False' }],
  });
  expect(events(decision)).toEqual([
    'Normal AddressReleased: 192.0.2.64 (192.0.2.64 is in no pool any more)',
    'Warning AddressPending: PoolsExhausted: no IPv4 address is free: lab has 1',
  ]);
});

test('a move is told with both addresses and why', () => {
  expect(events(decide({ ...assigned(), spec: { loadBalancerIP: '192.0.2.66' } }))).toEqual([
    'Normal AddressChanged: 192.0.2.64 (the Service asks for 192.0.2.66) to 192.0.2.66 from pool office',
  ]);
});

test('what is kept is told by why', () => {
  expect(events(decide({ ...assigned(), spec: { loadBalancerIP: 'x' } }))).toEqual([
    'Warning AddressKept: InvalidRequest: 192.0.2.64 from pool office, kept: ' +
      'spec.loadBalancerIP ("x"): "x" is not an IP address',
  ]);
  expect(events(decide(assigned('203.0.113.1')))).toEqual([
    'Warning AddressOutOfPool: AddressNotInPools: 203.0.113.1 of no pool, kept: ' +
      '203.0.113.1 is in no pool any more',
  ]);
});

test('a half is told with what is missing', () => {
  const six = settingsOf([pool('six', '2001:db8::/126')]);
  const decision = decide({ families: '46', policy: 'PreferDualStack' }, [], six);
  expect(patchOf(decision, NOW)?.status.conditions).toMatchObject([{ reason: 'Partial' }]);
  expect(events(decision)).toEqual([
    'Normal AddressAssigned: 2001:db8:: from pool six; IPv4 is missing: IPv4 cannot be had: ' +
      'no pool for this Service has IPv4 addresses (six)',
  ]);
});

test('a Service of another type loses condition and address, and nothing of others', () => {
  const gone = { spec: { type: 'NodePort', loadBalancerClass: undefined } };
  const both = decide({ ...assigned(), ...gone });
  expect(patchOf(both, NOW)?.status).toEqual({
    loadBalancer: { ingress: null },
    conditions: [{ $patch: 'delete', type: CONDITION_TYPE }],
  });
  expect(statusAfter(both, NOW)).toEqual({ loadBalancer: {}, conditions: [OTHER] });
  expect(events(both)).toEqual(['Normal AddressReleased: 192.0.2.64 (type is NodePort)']);
  const cleared = { conditions: [OTHER, condition('True', 'Assigned')] };
  expect(patchOf(decide({ ...gone, status: cleared }), NOW)?.status).toEqual({
    conditions: [{ $patch: 'delete', type: CONDITION_TYPE }],
  });
  const ingress = [{ hostname: 'lb.example' }, { ip: '192.0.2.65' }];
  const unmarked = decide({ ...gone, status: { loadBalancer: { ingress } } });
  expect(patchOf(unmarked, NOW)?.status).toEqual({
    loadBalancer: { ingress: [{ hostname: 'lb.example' }] },
  });
});

test("what is somebody else's, unknown or being deleted is not written", () => {
  const untouched = [
    decide({ lbClass: 'example.com/cloud', ...assigned() }),
    decide({ families: '', ...assigned() }),
    decide({ metadata: { deletionTimestamp: THEN }, ...assigned('203.0.113.1') }),
    decide({ metadata: { deletionTimestamp: THEN } }),
  ];
  for (const decision of untouched) {
    expect(patchOf(decision, NOW)).toBeUndefined();
    expect(statusAfter(decision, NOW).conditions).toEqual(decision.service.conditions);
    expect(events(decision)).toEqual([]);
  }
});

test('a class-less Service with a foreign status gets a warning and nothing else', () => {
  const settings = settingsOf([], {}, true);
  const decision = decide({ lbClass: null, has: '203.0.113.1' }, [], settings);
  expect(patchOf(decision, NOW)).toBeUndefined();
  expect(events(decision)).toEqual([
    'Warning AddressNotOurs: its status was written by somebody else: no address of it is in a pool',
  ]);
});

test('a conflict says who, and where it was seen', () => {
  const mac = '02:00:00:00:00:99';
  expect(conflictEvent('n/a', '192.0.2.64', mac)).toMatchObject({
    type: 'Warning',
    reason: 'AddressConflict',
    note: `192.0.2.64 is answered for by ${mac} too: give one of the two another address`,
  });
  const seen = { interfaceName: 'eth0', node: 'n1' };
  expect(conflictEvent('n/a', '192.0.2.64', mac, seen).note).toContain(' at eth0 of n1: ');
});

test('half of a status that a Service on its way out keeps stays marked as ours', () => {
  const settings = settingsOf(SETTINGS.pools, {}, true);
  const words = { lbClass: null, metadata: { deletionTimestamp: THEN } };
  const older = service('b', { created: '2025', families: '6', has: '2001:db8::1' });
  const decision = decide({ ...words, has: '192.0.2.9 2001:db8::1' }, [older], settings);
  const status = statusAfter(decision, NOW);
  expect(status.loadBalancer.ingress).toEqual([{ ip: '192.0.2.9', ipMode: 'VIP' }]);
  const again = decide({ ...words, status: { ...status } }, [older], settings);
  expect(again.addresses).toEqual([{ address: '192.0.2.9', pool: undefined }]);
  expect(patchOf(again, NOW)).toBeUndefined();
});
