import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { ClusterChange, EndpointSliceResource } from '../../../src/model/resources.ts';
import { ClusterStore } from '../../../src/model/snapshot.ts';

const name = fc.constantFrom('a', 'b', 'c');

const sliceChange: fc.Arbitrary<ClusterChange> = fc
  .tuple(name, name, fc.boolean())
  .map(([slice, service, isGone]) => {
    const object: EndpointSliceResource = {
      namespace: 'ns',
      name: slice,
      service: `ns/${service}`,
      addressType: 'IPv4',
      ports: [],
      endpoints: [],
    };
    const key = `ns/${slice}`;
    return {
      kind: 'EndpointSlice',
      key,
      service: object.service,
      object: isGone ? undefined : object,
    };
  });

test('after any changes the store holds the last word on each slice, and no empty map', () => {
  fc.assert(
    fc.property(fc.array(sliceChange, { maxLength: 30 }), (changes) => {
      const store = new ClusterStore();
      const last = new Map<string, EndpointSliceResource>();
      for (const change of changes) {
        store.apply(change);
        if (change.kind !== 'EndpointSlice') continue;
        if (change.object === undefined) last.delete(change.key);
        else last.set(change.key, change.object);
      }
      const held = [...store.slices].flatMap(([service, slices]) => {
        expect(slices.size).toBeGreaterThan(0);
        return [...slices].map(([key, slice]) => [service, key, slice] as const);
      });
      expect(held.every(([service, , slice]) => slice.service === service)).toBe(true);
      expect(new Map(held.map(([, key, slice]) => [key, slice]))).toEqual(last);
    }),
  );
});

test('applying a change tells every Service whose slices differ from before', () => {
  const slicesOf = (store: ClusterStore) =>
    new Map([...store.slices].map(([service, slices]) => [service, [...slices.values()]]));
  fc.assert(
    fc.property(fc.array(sliceChange, { maxLength: 20 }), (changes) => {
      const store = new ClusterStore();
      for (const change of changes) {
        const before = slicesOf(store);
        const told = store.apply(change);
        const after = slicesOf(store);
        for (const service of new Set([...before.keys(), ...after.keys()])) {
          const isSame = JSON.stringify(before.get(service)) === JSON.stringify(after.get(service));
          expect(isSame || told.includes(service)).toBe(true);
        }
      }
    }),
  );
});
