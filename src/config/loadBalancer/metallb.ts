/**
 * MetalLB's objects that pools are made of: IPAddressPool, and L2Advertisement, which says who
 * announces them. Fields and defaults are those of MetalLB's api/v1beta1; who announces what is its
 * internal/config, setL2AdvertisementsToPools.
 */
import * as v from 'valibot';
import { selectorMatches } from '../../model/labelSelector.ts';
import type { Problem } from '../../model/problem.ts';
import { globOf } from '../../net/glob.ts';
import { flag } from '../fieldTypes.ts';
import { type Placed, problemAt } from '../placed.ts';
import type { DraftPool } from './draftPool.ts';
import {
  INT32_MAX,
  addressRange,
  dnsLabel,
  interfaceName,
  labelSelector,
  list,
  mustBeObject,
  selectors,
  wholeNumber,
} from './fields.ts';
import {
  type Translation,
  announcementOf,
  byName,
  metadata,
  orNone,
  poolMetadata,
  restricting,
} from './foreignObjects.ts';
import type { Announcement } from './settings.ts';

export const ipAddressPool = v.looseObject(
  {
    metadata: poolMetadata,
    spec: v.looseObject(
      {
        addresses: v.array(addressRange, 'must be a list of prefixes and ranges'),
        autoAssign: flag(true),
        avoidBuggyIPs: flag(),
        serviceAllocation: v.nullish(
          v.looseObject(
            {
              priority: v.nullish(wholeNumber(-INT32_MAX, INT32_MAX), 0),
              namespaces: list(dnsLabel, 'names'),
              namespaceSelectors: selectors(),
              serviceSelectors: selectors(),
            },
            'must be an object',
          ),
          {},
        ),
      },
      mustBeObject('addresses'),
    ),
  },
  mustBeObject('metadata and spec'),
);

export type IpAddressPool = v.InferOutput<typeof ipAddressPool>;

export const l2Advertisement = v.looseObject(
  {
    metadata,
    spec: v.nullish(
      v.looseObject(
        {
          ipAddressPools: list(v.string('must be text'), 'names'),
          ipAddressPoolSelectors: selectors(),
          nodeSelectors: selectors(),
          serviceSelectors: selectors(),
          interfaces: list(interfaceName, 'names'),
          preferredNodeSelectors: list(
            v.looseObject(
              { weight: wholeNumber(1, 100), preference: labelSelector },
              mustBeObject('weight and preference'),
            ),
            'objects with weight and preference',
          ),
        },
        'must be an object',
      ),
      {},
    ),
  },
  mustBeObject('metadata and spec'),
);

export type L2Advertisement = v.InferOutput<typeof l2Advertisement>;

export function poolsOfMetallb(
  pools: readonly Placed<IpAddressPool>[],
  advertisements: readonly Placed<L2Advertisement>[],
): Translation {
  const entries = new Map<Placed<IpAddressPool>, Announcement[]>(pools.map((pool) => [pool, []]));
  const known = poolsByName(pools);
  const remarks: Problem[] = [];
  for (const advertisement of advertisements.toSorted(byName)) {
    const advertised = advertisedBy(advertisement, pools, known);
    for (const pool of advertised) entries.get(pool)!.push(entryOf(advertisement.value));
    remarks.push(...unknownPools(advertisement, known, advertised.size));
  }
  return {
    pools: pools.map((pool) => draftOf(pool, entries.get(pool)!)),
    remarks: [
      ...pools.flatMap((pool) => [
        ...(entries.get(pool)!.length > 0 ? [] : [notAnnounced(pool)]),
        ...negativePriority(pool),
      ]),
      ...remarks,
    ],
  };
}

type PoolsByName = ReadonlyMap<string, readonly Placed<IpAddressPool>[]>;

function poolsByName(pools: readonly Placed<IpAddressPool>[]): PoolsByName {
  return Map.groupBy(pools, ({ value }) => value.metadata.name);
}

/** All of them where it neither names nor selects any; one that it reaches twice counts once. */
function advertisedBy(
  { value: { spec } }: Placed<L2Advertisement>,
  pools: readonly Placed<IpAddressPool>[],
  known: PoolsByName,
): ReadonlySet<Placed<IpAddressPool>> {
  const { ipAddressPools: names, ipAddressPoolSelectors: poolSelectors } = spec;
  if (names.length === 0 && poolSelectors.length === 0) return new Set(pools);
  const selected =
    poolSelectors.length === 0
      ? []
      : pools.filter(
          ({
            value: {
              metadata: { labels },
            },
          }) => poolSelectors.some((selector) => selectorMatches(selector, labels)),
        );
  return new Set([...names.flatMap((each) => known.get(each) ?? []), ...selected]);
}

function entryOf({ spec }: L2Advertisement): Announcement {
  return announcementOf({
    nodeSelectors: restricting(spec.nodeSelectors),
    serviceSelectors: restricting(spec.serviceSelectors),
    interfaces: spec.interfaces.map(globOf),
    preferredNodes: spec.preferredNodeSelectors.map(({ weight, preference }) => ({
      weight,
      selector: preference,
    })),
  });
}

function draftOf(document: Placed<IpAddressPool>, announce: readonly Announcement[]): DraftPool {
  const { spec, metadata: meta } = document.value;
  const { serviceAllocation: allocation } = spec;
  return {
    pool: {
      name: meta.name,
      ranges: spec.addresses,
      autoAssign: spec.autoAssign,
      draining: false,
      skipZeroAnd255: spec.avoidBuggyIPs,
      priority: allocation.priority > 0 ? allocation.priority : undefined,
      namespaces: orNone(allocation.namespaces),
      namespaceSelectors: orNone(allocation.namespaceSelectors),
      serviceSelectors: orNone(allocation.serviceSelectors),
      announce,
    },
    document,
    nameField: 'metadata.name',
    rangeFields: spec.addresses.map((_, i) => `spec.addresses[${i}]`),
  };
}

function notAnnounced(pool: Placed<IpAddressPool>): Problem {
  const problem =
    'no L2Advertisement here names or selects it: as by MetalLB, its addresses are given out and not announced by ARP or Neighbor Discovery';
  return problemAt(pool, '', { problem });
}

function negativePriority(pool: Placed<IpAddressPool>): readonly Problem[] {
  const { priority } = pool.value.spec.serviceAllocation;
  if (priority >= 0) return [];
  const problem = 'is below 0: the pool comes after all that have a priority from 1';
  return [problemAt(pool, 'spec.serviceAllocation.priority', { value: priority, problem })];
}

function unknownPools(
  advertisement: Placed<L2Advertisement>,
  known: PoolsByName,
  count: number,
): readonly Problem[] {
  const { ipAddressPools: names } = advertisement.value.spec;
  const unknown = names.flatMap((each, i) =>
    known.has(each)
      ? []
      : [
          problemAt(advertisement, `spec.ipAddressPools[${i}]`, {
            value: each,
            problem: 'there is no IPAddressPool of that name here',
          }),
        ],
  );
  if (unknown.length > 0 || count > 0) return unknown;
  const problem = 'selects none of the pools here: nothing is announced because of it';
  return [problemAt(advertisement, '', { problem })];
}
