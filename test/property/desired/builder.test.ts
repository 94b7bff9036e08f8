import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { DesiredBuilder, buildDesired } from '../../../src/desired/builder.ts';
import type { DataplaneOptions } from '../../../src/dataplane/options.ts';
import type { DesiredState } from '../../../src/dataplane/state.ts';
import type { Touched } from '../../../src/dataplane/touched.ts';
import type { HostNetwork } from '../../../src/model/host.ts';
import type {
  EndpointSliceResource,
  NodeResource,
  ServiceResource,
} from '../../../src/model/resources.ts';
import type { Problem } from '../../../src/model/problem.ts';
import { ClusterStore, type ObjectState, replay } from '../../../src/model/clusterStore.ts';
import { parsePrefix } from '../../../src/net/prefix.ts';
import { dataplaneOptions, hostNetwork } from '../../support/objects/nodeFixtures.ts';

// Small pools, so that addresses, ports and names collide all the time.
const SERVICES = ['a/one', 'a/two', 'b/one'];
const CLUSTER_IPS = ['10.96.0.1', '10.96.0.2', 'fd00:96::1', 'fd00:96::2'];
const EXTERNALS = [
  '80.1.1.1',
  '192.168.0.1',
  '192.168.0.2',
  '192.168.0.254',
  'fd00:80::1',
  '80.1.1.2',
  '10.96.0.2',
  '10.244.1.1',
  '10.244.2.1',
];
const NODES = ['node-1', 'node-2', 'node-3'];
const ENDPOINTS = [
  '10.244.1.1',
  '10.244.1.2',
  '10.244.2.1',
  'fd00:244::1',
  '80.1.1.1',
  '192.168.0.1',
];
const split = (key: string) => key.split('/') as [string, string];
const some = <T>(pool: readonly T[]) => fc.subarray([...pool]);

const protocol = fc.constantFrom('TCP' as const, 'TCP' as const, 'UDP' as const, 'SCTP' as const);

const port = fc.record({
  name: fc.constantFrom('', '', 'http'),
  protocol,
  port: fc.constantFrom(80, 443, 30080),
  nodePort: fc.constantFrom(0, 0, 80, 30080),
});

const service = fc
  .record({
    createdAt: fc.constantFrom('', '2024-01-01T00:00:00Z', '2025-01-01T00:00:00Z'),
    type: fc.constantFrom('ClusterIP', 'NodePort', 'LoadBalancer', 'LoadBalancer', 'ExternalName'),
    clusterIPs: fc.oneof(fc.shuffledSubarray(CLUSTER_IPS, { minLength: 1 }), fc.constant(['None'])),
    externalIPs: some(EXTERNALS),
    ingress: some(EXTERNALS),
    sourceRanges: some(['0.0.0.0/0', '192.168.0.0/24', 'fd00:168::1/128', 'nonsense']),
    ports: fc.array(port, { minLength: 1, maxLength: 2 }),
    affinityTimeoutSec: fc.constantFrom(undefined, 10_800),
    externalTrafficPolicy: fc.constantFrom('Cluster', 'Local'),
    internalTrafficPolicy: fc.constantFrom('Cluster', 'Local'),
    healthCheckNodePort: fc.constantFrom(0, 31_000),
  })
  .map(({ ingress, ports, affinityTimeoutSec, ...rest }) => ({
    ...rest,
    sourceRangesPath: 'spec.loadBalancerSourceRanges',
    loadBalancerIngress: ingress.map((ip) => ({ ip, ipMode: 'VIP' as const })),
    ports: ports.map((spec, index) => ({ ...spec, index })),
    policy: affinityTimeoutSec === undefined ? {} : { affinityTimeoutSec },
  }));

const endpoint = fc
  .record({
    address: fc.constantFrom(...ENDPOINTS),
    isReady: fc.constantFrom(true, true, true, false),
    isServing: fc.boolean(),
    isTerminating: fc.boolean(),
    nodeName: fc.constantFrom(undefined, ...NODES),
    hintZones: fc.constantFrom(undefined, ['zone-a'], ['zone-a'], ['zone-b']),
    target: fc.constantFrom(undefined, 'Pod a/one-x'),
  })
  .map(({ nodeName, hintZones, target, ...rest }) => ({
    ...rest,
    ...(target === undefined ? {} : { target }),
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(hintZones === undefined ? {} : { hintZones }),
  }));

const slice = fc.record({
  service: fc.constantFrom(...SERVICES),
  addressType: fc.constantFrom('IPv4' as const, 'IPv6' as const),
  ports: fc.array(
    fc.record({
      name: fc.constantFrom('', '', 'http'),
      protocol,
      port: fc.constantFrom(80, 8080),
    }),
    { minLength: 1, maxLength: 2 },
  ),
  endpoints: fc.array(endpoint, { maxLength: 4 }),
});

const node = fc
  .record({
    addresses: some([...EXTERNALS, 'fd00:168::1']),
    externalAddresses: some(EXTERNALS),
    podCIDRs: some(['10.244.1.0/24', '10.244.2.0/24', 'fd00:244::/64', '0.0.0.0/0']),
    zone: fc.constantFrom(undefined, 'zone-a', 'zone-b'),
  })
  .map(({ zone, ...rest }) => ({
    ...rest,
    isLeaving: false,
    ...(zone === undefined ? {} : { zone }),
  }));

const state: fc.Arbitrary<ObjectState> = fc.oneof(
  fc
    .tuple(fc.constantFrom(...SERVICES), fc.option(service, { nil: undefined }))
    .map(([key, spec]) => {
      const [namespace, name] = split(key);
      const object =
        spec === undefined ? undefined : ({ namespace, name, ...spec } as ServiceResource);
      return { kind: 'Service' as const, key, object };
    }),
  fc
    .tuple(fc.constantFrom('a/one-1', 'a/one-2', 'b/one-1'), slice, fc.boolean())
    .map(([key, spec, isThere]) => {
      const [namespace, name] = split(key);
      const endpoints = spec.endpoints.map((item, index) => ({ ...item, index }));
      const object = { namespace, name, ...spec, endpoints } as EndpointSliceResource;
      return {
        kind: 'EndpointSlice' as const,
        key,
        object: isThere ? object : undefined,
      };
    }),
  fc.tuple(fc.constantFrom(...NODES), fc.option(node, { nil: undefined })).map(([name, spec]) => {
    const object = spec === undefined ? undefined : ({ name, ...spec } as NodeResource);
    return { kind: 'Node' as const, key: name, object };
  }),
);

const host: fc.Arbitrary<HostNetwork> = fc
  .record({
    addresses: some(['192.168.0.1/24', '192.168.0.2/24', '80.1.1.2/32', 'fd00:168::1/64']),
    gateways: some(['192.168.0.254', '80.1.1.1']),
    families: fc.constantFrom<HostNetwork['families']>(['IPv4', 'IPv6'], ['IPv4']),
    apiServerAddresses: some(['10.96.0.1', '80.1.1.2']),
    kernelVersion: fc.constantFrom('4.19.0', '6.1.0'),
  })
  .map(({ addresses, gateways, ...rest }) =>
    hostNetwork({
      ...rest,
      interfaces: [{ name: 'eth0', isUp: true, addresses }],
      defaultGateways: gateways,
    }),
  );

const options: fc.Arbitrary<DataplaneOptions> = fc
  .record({
    scheduler: fc.constantFrom('rr', 'mh'),
    nodePortAddresses: fc.constantFrom<DataplaneOptions['nodePortAddresses']>(
      [],
      ['primary'],
      [parsePrefix('192.168.0.0/24')!],
    ),
    detectLocal: fc.constantFrom<DataplaneOptions['detectLocal']>(
      { IPv4: { kind: 'none' }, IPv6: { kind: 'none' } },
      {
        IPv4: { kind: 'prefix', prefix: parsePrefix('10.244.1.0/24')! },
        IPv6: { kind: 'interface', match: 'cni0' },
      },
    ),
  })
  .map(dataplaneOptions);

type Step =
  { readonly state: ObjectState } | { readonly host: HostNetwork } | { readonly settle: true };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: state.map((value) => ({ state: value })) },
  { weight: 2, arbitrary: host.map((value) => ({ host: value })) },
  { weight: 2, arbitrary: fc.constant({ settle: true as const }) },
);

/**
 * A deep copy that compares by value, whatever the order of insertion, destinations' order apart.
 */
function copyOf({ virtualServers, addresses, ipsets, iptables, sysctls }: DesiredState) {
  const servers = Array.from(virtualServers, ([key, server]) => [
    key,
    { ...server, destinations: [...server.destinations] },
  ]);
  const sets = Array.from(ipsets, ([name, set]) => [
    name,
    { ...set, entries: [...set.entries].toSorted() },
  ]);
  return {
    virtualServers: Object.fromEntries(servers) as Record<string, unknown>,
    addresses: [...addresses].toSorted(),
    ipsets: Object.fromEntries(sets) as Record<string, { entries: string[] }>,
    iptables,
    sysctls: Object.fromEntries(sysctls),
  };
}

type Copy = ReturnType<typeof copyOf>;

function differences(a: readonly string[], b: readonly string[]): string[] {
  return [...a.filter((x) => !b.includes(x)), ...b.filter((x) => !a.includes(x))];
}

/** Keys that differ and are not among the touched ones. */
function uncovered(before: Copy, after: Copy, touched: Touched): string[] {
  const servers = Object.keys({ ...before.virtualServers, ...after.virtualServers }).filter(
    (key) =>
      JSON.stringify(before.virtualServers[key]) !== JSON.stringify(after.virtualServers[key]),
  );
  const addresses = differences(before.addresses, after.addresses);
  const entries = Object.entries(after.ipsets).flatMap(([name, set]) =>
    differences(before.ipsets[name]?.entries ?? [], set.entries).filter(
      (entry) => !touched.entries.get(name)?.has(entry),
    ),
  );
  return [
    ...servers.filter((key) => !touched.servers.has(key)),
    ...addresses.filter((address) => !touched.addresses.has(address)),
    ...entries,
  ];
}

/** By everything told in another order than the product tells it. */
function localLacks(store: ClusterStore, on: HostNetwork, chosen: DataplaneOptions) {
  const builder = new DesiredBuilder(store, chosen, on);
  for (const change of [...replay(store)].toReversed()) builder.change(change);
  builder.settle();
  return builder.problems.localLacks;
}

/** As a source and the agent do. */
function tell(store: ClusterStore, builder: DesiredBuilder, one: ObjectState): void {
  const change = store.put(one);
  if (change !== undefined) builder.change(change);
}

test('whatever happens in whatever order, the state is the one built from scratch at the end', () => {
  fc.assert(
    fc.property(
      options,
      host,
      fc.array(step, { maxLength: 40, size: 'max' }),
      (chosen, firstHost, steps) => {
        const store = new ClusterStore();
        const builder = new DesiredBuilder(store, chosen, firstHost);
        const told = new Map<string, readonly Problem[]>();
        const listen = () => {
          for (const [key, problems] of builder.problems.takeNews()) told.set(key, problems);
        };
        let lastHost = firstHost;
        for (const one of steps) {
          if ('state' in one) {
            tell(store, builder, one.state);
          } else if ('host' in one) {
            builder.setHost(one.host);
            lastHost = one.host;
          } else {
            builder.settle();
            listen();
          }
        }
        builder.settle();
        listen();
        const fresh = buildDesired(store, lastHost, chosen);
        expect(copyOf(builder.state)).toEqual(copyOf(fresh.state));
        expect(builder.problems.all()).toEqual(fresh.problems);
        const heard = [...told].toSorted(([a], [b]) => (a < b ? -1 : 1));
        expect(heard.flatMap(([, problems]) => problems)).toEqual(fresh.problems);
        expect(builder.problems.localLacks).toEqual(localLacks(store, lastHost, chosen));
      },
    ),
    { numRuns: 300 },
  );
});

test('what settle reports as touched covers every difference since the settle before', () => {
  fc.assert(
    fc.property(options, fc.array(state, { maxLength: 25 }), (chosen, states) => {
      const store = new ClusterStore();
      const builder = new DesiredBuilder(store, chosen, hostNetwork());
      builder.settle();
      let before = copyOf(builder.state);
      for (const one of states) {
        tell(store, builder, one);
        const touched = builder.settle();
        const after = copyOf(builder.state);
        expect(uncovered(before, after, touched)).toEqual([]);
        before = after;
      }
    }),
    { numRuns: 150 },
  );
});

test('every address that is bound has its set members and a virtual server', () => {
  fc.assert(
    fc.property(options, fc.array(state, { maxLength: 25 }), (chosen, states) => {
      const store = new ClusterStore();
      const builder = new DesiredBuilder(store, chosen, hostNetwork());
      for (const one of states) tell(store, builder, one);
      builder.settle();
      const { addresses, ipsets, virtualServers } = builder.state;
      const inSets = [
        ...ipsets.get('KUBE-IPVS-IPS')!.entries,
        ...ipsets.get('KUBE-6-IPVS-IPS')!.entries,
      ];
      expect(inSets.toSorted()).toEqual([...addresses].toSorted());
      const served = new Set(Array.from(virtualServers.values(), ({ address }) => address));
      for (const address of addresses) expect(served).toContain(address);
    }),
    { numRuns: 150 },
  );
});
