import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { endpointsByPort } from '../../../src/model/endpoint.ts';
import { formatProblem } from '../../../src/model/problem.ts';
import { servicePorts } from '../../../src/model/service.ts';
import { slimBalancedService } from '../../../src/model/slimBalancedService.ts';
import { slimEndpointSlice } from '../../../src/model/slimEndpointSlice.ts';
import { slimNode } from '../../../src/model/slimNode.ts';
import { slimService } from '../../../src/model/slimService.ts';
import { isProtocol } from '../../../src/net/family.ts';
import { rawService, rawSlice } from '../../support/objects/rawObjects.ts';

/** The names the doors look for, so that random objects get past the first check. */
const KEYS = `metadata name namespace labels annotations spec status ports port protocol nodePort
  type clusterIP clusterIPs externalIPs loadBalancer ingress ip ipMode loadBalancerSourceRanges
  sessionAffinity sessionAffinityConfig clientIP timeoutSeconds externalTrafficPolicy addressType
  endpoints addresses conditions ready hints forZones nodeName targetRef address podCIDRs podCIDR
  taints key kubernetes.io/service-name __proto__`.split(/\s+/);
const WORDS = `x TCP tcp Local ClientIP None 10.96.0.1 fd00::1 ::1 10.0.0.0/8 10.0.0.0/99 IPv4
  InternalIP web`.split(/\s+/);
const LEAVES = [null, true, 0, 80, 70_000, 1.5, -1, '', ...WORDS];

const { anything } = fc.letrec((tie) => ({
  anything: fc.oneof(
    { depthSize: 'large', withCrossShrink: true },
    fc.constantFrom(...LEAVES),
    fc.array(tie('anything'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...KEYS), tie('anything'), { maxKeys: 6 }),
  ),
}));

/** A good object in which the value at one random place is replaced. */
function damaged(good: () => Record<string, unknown>): fc.Arbitrary<Record<string, unknown>> {
  return fc.tuple(fc.infiniteStream(fc.nat(20)), anything).map(([choices, value]) => {
    const root = good();
    let at: Record<string, unknown> = root;
    for (const choice of choices) {
      const keys = Object.keys(at);
      if (keys.length === 0) return root;
      const key = keys[choice % keys.length]!;
      const below = at[key];
      if (typeof below !== 'object' || below === null || choice > 15) {
        at[key] = value;
        return root;
      }
      at = below as Record<string, unknown>;
    }
    return root;
  });
}

test('no Service whatsoever makes the model throw, and what comes out is sound', () => {
  fc.assert(
    fc.property(fc.oneof(anything, damaged(rawService)), (raw) => {
      const { object, problems } = slimService(raw);
      expect(object !== undefined || problems.length > 0).toBe(true);
      if (object === undefined) return;
      const { ports, skipped } = servicePorts(object);
      expect(ports.length === 0).toBe(skipped !== undefined);
      for (const port of ports) {
        expect(isProtocol(port.protocol)).toBe(true);
        expect(port.port >= 1 && port.port <= 65_535 && Number.isInteger(port.port)).toBe(true);
        expect(port.clusterIP.includes(':')).toBe(port.family === 'IPv6');
      }
    }),
    { numRuns: 2000 },
  );
});

test('no Service whatsoever makes the door to the load balancer throw', () => {
  const rich = () =>
    rawService(
      { ipFamilies: ['IPv4'], selector: { app: 'web' }, loadBalancerIP: '192.0.2.1' },
      {
        metadata: {
          name: 'web',
          namespace: 'default',
          annotations: { 'purelb.io/addresses': 'x' },
        },
        status: { loadBalancer: { ingress: [{ ip: '::1' }] }, conditions: [{ type: 'a' }] },
      },
    );
  fc.assert(
    fc.property(fc.oneof(anything, damaged(rich)), (raw) => {
      const { object, problems } = slimBalancedService(raw);
      expect(object !== undefined || problems.length > 0).toBe(true);
      if (object === undefined) return;
      expect(new Set(object.families).size).toBe(object.families.length);
      expect(object.ports.every((port) => /^[1-9]\d*\/(TCP|UDP|SCTP)$/.test(port))).toBe(true);
      expect(object.wantedAddresses?.value).not.toBe('');
      expect(Object.values(object.selector).every((value) => typeof value === 'string')).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

test('no slice whatsoever makes the model throw, and what comes out is sound', () => {
  fc.assert(
    fc.property(fc.oneof(anything, damaged(rawSlice)), (raw) => {
      const { object } = slimEndpointSlice(raw);
      if (object === undefined) return;
      const { endpoints } = endpointsByPort([object], object.addressType, 'node-a');
      for (const endpoint of [...endpoints.values()].flat()) {
        expect(endpoint.address.includes(':')).toBe(object.addressType === 'IPv6');
        expect(typeof endpoint.isReady).toBe('boolean');
      }
    }),
    { numRuns: 2000 },
  );
});

test('no Node whatsoever makes the model throw', () => {
  fc.assert(
    fc.property(anything, (raw) => {
      const { object, problems } = slimNode(raw);
      expect(object !== undefined || problems.length > 0).toBe(true);
    }),
  );
});

test('every problem names a field below its object and fits on one line', () => {
  fc.assert(
    fc.property(damaged(rawService), (raw) => {
      const { object, problems } = slimService(raw);
      const all = [...problems, ...(object === undefined ? [] : servicePorts(object).problems)];
      for (const problem of all) {
        expect(problem.path).toMatch(/^Service\/[^/]+\/[^.[]+[.[]/);
        expect(formatProblem(problem)).not.toContain('\n');
      }
    }),
    { numRuns: 500 },
  );
});

test('a bad port never takes another one with it', () => {
  const goodPort = fc.integer({ min: 1, max: 65_535 });
  const badPort = fc.constantFrom<unknown>('abc', 0, 70_000, null, [], 1.5, true);
  fc.assert(
    fc.property(
      fc.uniqueArray(goodPort, { maxLength: 5 }),
      fc.array(badPort, { maxLength: 5 }),
      fc.infiniteStream(fc.boolean()),
      (good, bad, order) => {
        const [goodQueue, badQueue] = [[...good], [...bad]];
        const ports: Record<string, unknown>[] = [];
        while (goodQueue.length + badQueue.length > 0) {
          const takesGood = badQueue.length === 0 || (goodQueue.length > 0 && order.next().value);
          const port = takesGood ? goodQueue.shift() : badQueue.shift();
          ports.push({ name: `p${ports.length}`, port });
        }
        const { object, problems } = slimService(rawService({ ports }));
        expect(object?.ports.map(({ port }) => port)).toEqual(good);
        expect(problems).toHaveLength(bad.length);
      },
    ),
  );
});
