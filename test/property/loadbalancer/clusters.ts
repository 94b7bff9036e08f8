/** Small clusters in which everything clashes: few addresses, few keys, wishes for all of them. */
import * as fc from 'fast-check';
import type { LoadBalancerSettings } from '../../../src/config/loadBalancer/settings.ts';
import type { BalancedService } from '../../../src/model/balancedService.ts';
import {
  pool,
  service,
  settingsOf,
  type ServiceWords,
} from '../../support/loadbalancer/balanced.ts';

const FOURS = ['192.0.2.0', '192.0.2.1', '192.0.2.2', '192.0.2.3', '198.51.100.0', '203.0.113.1'];
const SIXES = ['2001:db8::', '2001:db8::1', '2001:db8:1::'];
const four = fc.constantFrom(...FOURS);
const six = fc.constantFrom(...SIXES);

/** undefined more often than not */
const rarely = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 });
const sometimes = fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.constant(true));

export const settings: fc.Arbitrary<LoadBalancerSettings> = fc
  .record({
    outOfPool: fc.constantFrom('Keep' as const, 'Reassign' as const),
    fallback: fc.constantFrom('Never' as const, 'WhenExhausted' as const),
    sharing: fc.constantFrom('SameNamespace' as const, 'AnyNamespace' as const, 'Never' as const),
    unclassed: fc.boolean(),
    draining: sometimes,
    onRequest: sometimes,
    skip: sometimes,
    restricted: sometimes,
  })
  .map(({ unclassed, draining, onRequest, skip, restricted, ...allocation }) =>
    settingsOf(
      [
        pool('first', '192.0.2.0/31 2001:db8::/128', { draining, skipZeroAnd255: skip }),
        pool('second', '192.0.2.2/32 2001:db8::1', { autoAssign: !onRequest, priority: 2 }),
        pool('third', '198.51.100.0/32', restricted ? { namespaces: ['a'] } : {}),
      ],
      allocation,
      unclassed,
    ),
  );

export const addressWish = rarely(
  fc.oneof(
    four,
    six,
    fc.tuple(four, six).map((both) => both.join()),
    fc.constant('typo'),
  ),
);
export const poolWish = rarely(
  fc.constantFrom('first', 'second', 'third', 'third,first', 'nowhere'),
);

export interface Wishes {
  readonly address: string | undefined;
  readonly pool: string | undefined;
}

const words = fc.record({
  created: fc.constantFrom('2020', '2021', '2022'),
  namespace: fc.constantFrom('a', 'b'),
  families: fc.constantFrom('4', '4', '6', '46', '64'),
  policy: fc.constantFrom('SingleStack', 'PreferDualStack', 'RequireDualStack'),
  lbClass: fc.constantFrom(undefined, undefined, null, 'example.com/cloud'),
  ports: fc.constantFrom('80/TCP', '80/UDP', '443/TCP', '80/TCP 443/TCP'),
  has: fc.oneof(
    fc.constant(''),
    four,
    six,
    fc.tuple(four, six).map((both) => both.join(' ')),
  ),
  isMarked: fc.boolean(),
  /** somebody else has written the addresses over ours */
  isOverwritten: sometimes,
  key: rarely(fc.constantFrom('k', 'l')),
  isAllowed: sometimes,
  isLocal: sometimes,
  isDeleting: sometimes,
  address: addressWish,
  pool: poolWish,
});

export const serviceWords = words;

export const services: fc.Arbitrary<readonly BalancedService[]> = fc
  .array(words, { minLength: 1, maxLength: 7 })
  .map((list) => list.map((one, index) => serviceOf(`s${index}`, one)));

type Drawn = typeof words extends fc.Arbitrary<infer T> ? T : never;

export function serviceOf(name: string, drawn: Drawn): BalancedService {
  const { isMarked, key, isAllowed, isLocal, isDeleting, address, pool: from, lbClass } = drawn;
  const annotations = {
    ...(key === undefined ? {} : { 'kube-ipvs.io/share-key': key }),
    ...(isAllowed ? { 'kube-ipvs.io/share-with-namespaces': '*' } : {}),
  };
  const policy = drawn.policy as NonNullable<ServiceWords['policy']>;
  const made = service(name, {
    created: drawn.created,
    namespace: drawn.namespace,
    families: drawn.families,
    policy,
    ...(lbClass === undefined ? {} : { lbClass }),
    ports: drawn.ports,
    has: drawn.has,
    ...(isMarked ? { reason: 'Assigned' } : {}),
    annotations,
    spec: {
      clusterIPs: ['203.0.113.200'],
      ...(isLocal ? { externalTrafficPolicy: 'Local', selector: { app: 'x' } } : {}),
    },
    ...(isDeleting ? { metadata: { deletionTimestamp: '2026-11-30T12:00:00Z' } } : {}),
  });
  const object = drawn.isOverwritten ? overwritten(made) : made;
  return wishing(object, { address, pool: from });
}

function overwritten(object: BalancedService): BalancedService {
  const conditions = object.conditions.map((condition) => ({
    ...condition,
    message: '198.51.100.250 from pool former',
  }));
  return { ...object, conditions };
}

/** The same Service with other wishes for addresses and pools. */
export function wishing(object: BalancedService, wishes: Wishes): BalancedService {
  const { wantedAddresses: _address, wantedPools: _pool, ...rest } = object;
  const wish = (value: string | undefined, field: string) =>
    value === undefined ? {} : { [field]: { field, value } };
  return {
    ...rest,
    ...wish(wishes.address, 'wantedAddresses'),
    ...wish(wishes.pool, 'wantedPools'),
  };
}

export const around = fc.record({
  nodes: rarely(four).map((address) => new Map(address === undefined ? [] : [[address, 'n1']])),
  foreignOwners: rarely(four).map(
    (address) => new Map(address === undefined ? [] : [[address, '02:00:00:00:00:99']]),
  ),
});
