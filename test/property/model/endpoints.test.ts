import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { endpointsByPort } from '../../../src/model/endpoint.ts';
import { chooseEndpoints } from '../../../src/model/endpointChoice.ts';
import type { EndpointSliceResource, EndpointSpec } from '../../../src/model/resources.ts';
import type { Endpoint, ServicePort } from '../../../src/model/servicePort.ts';
import { SliceReader } from '../../../src/model/sliceEndpoints.ts';
import { compareAddresses, joinHostPort } from '../../../src/net/address.ts';

const NODE = { name: 'node-a', zone: 'z1' };

// few addresses, so that slices overlap
const spec: fc.Arbitrary<Omit<EndpointSpec, 'index'>> = fc
  .record({
    lastByte: fc.integer({ min: 1, max: 6 }),
    isReady: fc.boolean(),
    isServing: fc.boolean(),
    isTerminating: fc.boolean(),
    nodeName: fc.constantFrom('node-a', 'node-b', undefined),
    hintZones: fc.constantFrom(['z1'], ['z2'], ['z1', 'z2'], undefined),
    hintNodes: fc.constantFrom(['node-a'], ['node-b'], undefined),
  })
  .map(({ lastByte, nodeName, hintZones, hintNodes, ...conditions }) => ({
    address: `10.244.0.${lastByte}`,
    ...conditions,
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(hintZones === undefined ? {} : { hintZones }),
    ...(hintNodes === undefined ? {} : { hintNodes }),
  }));

const slices: fc.Arbitrary<EndpointSliceResource[]> = fc
  .array(fc.tuple(fc.array(spec, { maxLength: 6 }), fc.constantFrom(80, 81)), { maxLength: 4 })
  .map((all) =>
    all.map(([endpoints, port], i) => ({
      namespace: 'default',
      name: `web-${i}`,
      service: 'default/web',
      addressType: 'IPv4',
      ports: [{ name: 'http', protocol: 'TCP', port }],
      endpoints: endpoints.map((endpoint, index) => ({ ...endpoint, index })),
    })),
  );

function merged(given: readonly EndpointSliceResource[]): readonly Endpoint[] {
  return endpointsByPort(given, 'IPv4', NODE.name).endpoints.get('http/TCP') ?? [];
}

const port: fc.Arbitrary<ServicePort> = fc
  .record({
    nodePort: fc.constantFrom(0, 30080),
    isInternalLocal: fc.boolean(),
    isLocal: fc.boolean(),
  })
  .map(({ nodePort, isInternalLocal, isLocal }) => ({
    service: 'default/web',
    portName: 'http',
    label: 'default/web:http',
    family: 'IPv4',
    protocol: 'TCP',
    port: 80,
    nodePort,
    clusterIP: '10.96.0.10',
    externalIPs: [],
    loadBalancerIPs: [],
    isExternalLocal: isLocal && nodePort !== 0,
    isInternalLocal,
    policy: {},
    healthCheckNodePort: 0,
  }));

test('the order of slices does not matter', () => {
  const shuffled = slices.chain((all) =>
    fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
  );
  fc.assert(fc.property(shuffled, ([a, b]) => expect(merged(b)).toEqual(merged(a))));
});

test('slices that were read before give the same as all read anew, one of them changed or not', () => {
  fc.assert(
    fc.property(slices, slices, ([...given], others) => {
      const reader = new SliceReader(NODE.name);
      const withReader = () => endpointsByPort(given, 'IPv4', NODE.name, reader);
      expect(withReader()).toEqual(endpointsByPort(given, 'IPv4', NODE.name));
      if (given.length > 0 && others.length > 0) given[0] = others[0]!;
      expect(withReader()).toEqual(endpointsByPort(given, 'IPv4', NODE.name));
    }),
  );
});

test('merged endpoints are sorted, none twice, and none of the slices missing', () => {
  fc.assert(
    fc.property(slices, (given) => {
      const list = merged(given);
      for (const [i, next] of list.slice(1).entries()) {
        const before = list[i]!;
        const order = compareAddresses(before.address, next.address) || before.port - next.port;
        expect(order).toBeLessThan(0);
      }
      const expected = given.flatMap(({ ports, endpoints }) =>
        endpoints.map(({ address }) => joinHostPort(address, ports[0]!.port)),
      );
      expect(new Set(list.map((e) => joinHostPort(e.address, e.port)))).toEqual(new Set(expected));
    }),
  );
});

test('no copy of an endpoint is better than the one that counts', () => {
  const worth = (e: Pick<EndpointSpec, 'isReady' | 'isServing' | 'isTerminating'>) =>
    (e.isReady ? 4 : 0) + (e.isServing ? 2 : 0) + (e.isTerminating ? 0 : 1);
  fc.assert(
    fc.property(slices, (given) => {
      for (const counted of merged(given)) {
        const copies = given
          .filter(({ ports }) => ports[0]!.port === counted.port)
          .flatMap(({ endpoints }) => endpoints)
          .filter(({ address }) => address === counted.address);
        expect(Math.max(...copies.map(worth))).toBe(worth(counted));
      }
    }),
  );
});

test('the choice holds what kube-proxy promises', () => {
  fc.assert(
    fc.property(slices, port, (given, servicePort) => {
      const all = merged(given);
      const choice = chooseEndpoints(all, servicePort, NODE);
      const isUsable = (e: Endpoint) => e.isReady || (e.isServing && e.isTerminating);
      const usesCluster = !servicePort.isInternalLocal || servicePort.nodePort !== 0;

      expect([...choice.cluster, ...choice.local].every(isUsable)).toBe(true);
      // one list never mixes ready endpoints with the last resort
      for (const list of [choice.cluster, choice.local]) {
        expect(new Set(list.map(({ isReady }) => isReady)).size).toBeLessThanOrEqual(1);
      }
      expect(choice.local.every(({ isLocal }) => isLocal)).toBe(true);
      // hints never take the last endpoint away
      expect(choice.cluster.length > 0).toBe(usesCluster && all.some(isUsable));
      expect(choice.allLocal).toEqual(all.filter(({ isLocal }) => isLocal));
    }),
    { numRuns: 500 },
  );
});

test('traffic from outside is dropped exactly when only others could answer it', () => {
  fc.assert(
    fc.property(slices, port, (given, servicePort) => {
      const choice = chooseEndpoints(merged(given), servicePort, NODE);
      const isElsewhereOnly = choice.local.length === 0 && choice.cluster.length > 0;
      expect(choice.isOutsideDropped).toBe(servicePort.isExternalLocal && isElsewhereOnly);
      const { isInternalLocal, isExternalLocal } = servicePort;
      expect(choice.forClusterIP).toBe(isInternalLocal ? choice.local : choice.cluster);
      const staysHere = isExternalLocal && choice.local.length > 0;
      expect(choice.forExternal).toBe(staysHere ? choice.local : choice.cluster);
    }),
  );
});

test('every endpoint is chosen or has a reason, in the given order', () => {
  fc.assert(
    fc.property(slices, port, (given, servicePort) => {
      const all = merged(given);
      const { cluster, local, excluded } = chooseEndpoints(all, servicePort, NODE);
      const isOut = new Set(excluded.map(({ endpoint }) => endpoint));
      const isIn = new Set([...cluster, ...local]);
      expect(isOut.size + isIn.size).toBe(all.length);
      expect(all.filter((e) => isIn.has(e) === isOut.has(e))).toEqual([]);
      expect(cluster).toEqual(all.filter((e) => cluster.includes(e)));
      expect(excluded.every(({ reason }) => reason !== '')).toBe(true);
    }),
  );
});
