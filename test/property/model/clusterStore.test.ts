import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { ClusterStore } from '../../../src/model/clusterStore.ts';
import type { EndpointSliceResource } from '../../../src/model/resources.ts';
import { sameValue } from '../../../src/model/sameValue.ts';

const name = fc.constantFrom('a', 'b', 'c');

const sliceState = fc.tuple(name, name, fc.boolean()).map(([slice, service, isGone]) => {
  const object: EndpointSliceResource = {
    namespace: 'ns',
    name: slice,
    service: `ns/${service}`,
    addressType: 'IPv4',
    ports: [],
    endpoints: [],
  };
  const kind = 'EndpointSlice' as const;
  return { kind, key: `ns/${slice}`, object: isGone ? undefined : object };
});

test('after any changes the store holds the last word on each slice, and no empty list', () => {
  fc.assert(
    fc.property(fc.array(sliceState, { maxLength: 30 }), (states) => {
      const store = new ClusterStore();
      const last = new Map<string, EndpointSliceResource>();
      for (const state of states) {
        store.put(state);
        if (state.object === undefined) last.delete(state.key);
        else last.set(state.key, state.object);
      }
      const held = [...store.slices].flatMap(([service, slices]) => {
        expect(slices.length).toBeGreaterThan(0);
        return slices.map((slice) => [service, `${slice.namespace}/${slice.name}`, slice] as const);
      });
      expect(held.every(([service, , slice]) => slice.service === service)).toBe(true);
      expect(new Map(held.map(([, key, slice]) => [key, slice]))).toEqual(last);
      expect(new Map(store.objects('EndpointSlice'))).toEqual(last);
    }),
  );
});

test('a change tells every Service whose slices differ from before', () => {
  const slicesOf = (store: ClusterStore) => new Map(store.slices);
  fc.assert(
    fc.property(fc.array(sliceState, { maxLength: 20 }), (states) => {
      const store = new ClusterStore();
      for (const state of states) {
        const before = slicesOf(store);
        const change = store.put(state);
        const told = [change?.before, change?.object].map(
          (slice) => (slice as EndpointSliceResource | undefined)?.service,
        );
        const after = slicesOf(store);
        for (const service of new Set([...before.keys(), ...after.keys()])) {
          const isSame = JSON.stringify(before.get(service)) === JSON.stringify(after.get(service));
          expect(isSame || told.includes(service)).toBe(true);
        }
      }
    }),
  );
});

test('two values are the same when their JSON is, whatever the order of fields', () => {
  const sorted = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(sorted);
    if (typeof value !== 'object' || value === null) return value;
    const fields = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
    // In an object of its own: no list is the same as an object, at any depth.
    return { fields: fields.map(([key, item]) => [key, sorted(item)]) };
  };
  const small = fc.jsonValue({ maxDepth: 2, noUnicodeString: true });
  fc.assert(
    fc.property(
      fc.oneof(
        fc.tuple(small, small),
        small.map((v) => [v, v] as const),
        fc.constant([[[]], [{}]] as const),
      ),
      ([a, b]) => {
        const text = (value: unknown) => JSON.stringify(sorted(value));
        expect(sameValue(a, structuredClone(b))).toBe(text(a) === text(b));
      },
    ),
  );
});
