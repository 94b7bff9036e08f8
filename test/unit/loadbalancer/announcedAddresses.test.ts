import { expect, test } from '@jest/globals';
import type { Decision } from '../../../src/loadbalancer/allocation/decision.ts';
import { announcedAddresses } from '../../../src/loadbalancer/announcedAddresses.ts';
import type { NamedAddress } from '../../../src/loadbalancer/condition.ts';
import { slimBalancedService } from '../../../src/model/slimBalancedService.ts';
import { slimEndpointSlice } from '../../../src/model/slimEndpointSlice.ts';
import { pool } from '../../support/loadbalancer/balanced.ts';
import { rawSlice } from '../../support/objects/rawObjects.ts';

const OFFICE = pool('office', '192.0.2.0/24 2001:db8::/64');

function decision(name: string, spec: object, ...addresses: readonly NamedAddress[]) {
  const raw = { metadata: { name, namespace: 'shop', labels: { app: name } }, spec };
  const service = slimBalancedService(raw).object!;
  const rest = { isOurs: true, state: 'Assigned', message: '', losses: [], isUntouched: false };
  return [`shop/${name}`, { service, addresses, ...rest } as Decision] as const;
}

const at = (address: string) => ({ address, pool: 'office' });

test('each address once with all Services on it, by address and by key', () => {
  const decisions = new Map([
    decision('a', {}, at('192.0.2.70'), at('2001:db8::1')),
    decision('b', { externalTrafficPolicy: 'Local' }, at('192.0.2.9'), at('192.0.2.70')),
    decision('c', {}),
    decision('d', {}, { address: '203.0.113.1', pool: undefined }),
  ]);
  const found = announcedAddresses(decisions, new Map(), [OFFICE]);
  expect(found.map(({ address, services }) => [address, services.map(({ key }) => key)])).toEqual([
    ['192.0.2.9', ['shop/b']],
    ['192.0.2.70', ['shop/a', 'shop/b']],
    ['203.0.113.1', ['shop/d']],
    ['2001:db8::1', ['shop/a']],
  ]);
  expect(found.map((each) => each.pool)).toEqual([OFFICE, OFFICE, undefined, OFFICE]);
  expect(found[1]!.services.map(({ isLocal }) => isLocal)).toEqual([false, true]);
  expect(found[0]!.services[0]!.labels).toEqual({
    app: 'b',
    'kube-ipvs.io/name': 'b',
    'kube-ipvs.io/namespace': 'shop',
  });
});

test('the endpoints are those of the address family', () => {
  const conditions = { ready: true };
  const endpoints = [{ addresses: ['10.0.0.1'], nodeName: 'n1', conditions }];
  const slice = slimEndpointSlice(rawSlice({ endpoints })).object!;
  const decisions = new Map([decision('a', {}, at('192.0.2.9'), at('2001:db8::1'))]);
  const found = announcedAddresses(decisions, new Map([['shop/a', [slice]]]), []);
  expect(found.map(({ services }) => services[0]!.endpoints)).toEqual([
    { isAny: true, nodes: new Set(['n1']) },
    { isAny: false, nodes: new Set() },
  ]);
});
