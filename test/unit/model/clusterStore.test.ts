import { describe, expect, test } from '@jest/globals';
import { ClusterStore, type ObjectState, replay } from '../../../src/model/clusterStore.ts';
import { slimEndpointSlice } from '../../../src/model/slimEndpointSlice.ts';
import { slimNode } from '../../../src/model/slimNode.ts';
import { slimService } from '../../../src/model/slimService.ts';
import { rawService, rawSlice } from '../../support/objects/rawObjects.ts';

function slice(name: string, service: string): ObjectState {
  const labels = { 'kubernetes.io/service-name': service };
  const metadata = { name, namespace: 'default', labels };
  const { object } = slimEndpointSlice(rawSlice({ metadata }));
  return { kind: 'EndpointSlice', key: `default/${name}`, object };
}

function gone(name: string): ObjectState {
  return { kind: 'EndpointSlice', key: `default/${name}`, object: undefined };
}

function slicesOf(store: ClusterStore): Record<string, string[]> {
  return Object.fromEntries(
    [...store.slices].map(([service, slices]) => [
      service,
      slices.map(({ namespace, name }) => `${namespace}/${name}`),
    ]),
  );
}

const service = slimService(rawService()).object!;
const node = slimNode({ metadata: { name: 'node-a' } }).object!;
const KEY = 'default/web';

test('an object comes, changes and goes, and each change says what was before', () => {
  const store = new ClusterStore();
  const put = (object: typeof service | undefined) =>
    store.put({ kind: 'Service', key: KEY, object });
  const changed = { ...service, externalIPs: ['80.11.12.10'] };
  const identity = { kind: 'Service', key: KEY };
  expect(put(service)).toEqual({ ...identity, object: service, before: undefined });
  expect(put(changed)).toEqual({ ...identity, object: changed, before: service });
  expect([...store.services]).toEqual([[KEY, changed]]);
  expect(put(undefined)).toEqual({ ...identity, object: undefined, before: changed });
  expect(store.services.size).toBe(0);
});

test('what says nothing new is no change, and the object that is kept stays the same', () => {
  const store = new ClusterStore();
  store.put({ kind: 'Node', key: 'node-a', object: node });
  expect(store.put({ kind: 'Node', key: 'node-a', object: { ...node } })).toBeUndefined();
  expect(store.nodes.get('node-a')).toBe(node);
  expect(store.put({ kind: 'Node', key: 'node-b', object: undefined })).toBeUndefined();
});

test('objects are altered at the door, and compared behind it', () => {
  const store = new ClusterStore({ Node: (object) => ({ ...object, zone: 'zone-a' }) });
  expect(store.put({ kind: 'Node', key: 'node-a', object: node })?.object).toEqual({
    ...node,
    zone: 'zone-a',
  });
  expect(store.put({ kind: 'Node', key: 'node-a', object: node })).toBeUndefined();
  expect(store.put({ kind: 'Service', key: KEY, object: service })?.object).toBe(service);
});

test('everything is replayed, what a Service refers to before it', () => {
  const store = new ClusterStore();
  store.put({ kind: 'Service', key: KEY, object: service });
  store.put(slice('web-1', 'web'));
  store.put({ kind: 'Node', key: 'node-a', object: node });
  expect([...replay(store)]).toEqual([
    { kind: 'Node', key: 'node-a', object: node, before: undefined },
    { ...slice('web-1', 'web'), before: undefined },
    { kind: 'Service', key: KEY, object: service, before: undefined },
  ]);
});

describe('slices', () => {
  test('are found by Service', () => {
    const store = new ClusterStore();
    store.put(slice('web-1', 'web'));
    store.put(slice('web-2', 'web'));
    store.put(slice('db-1', 'db'));
    expect(slicesOf(store)).toEqual({
      'default/web': ['default/web-1', 'default/web-2'],
      'default/db': ['default/db-1'],
    });
  });

  test('leave no empty map behind (kubernetes #128928)', () => {
    const store = new ClusterStore();
    store.put(slice('web-1', 'web'));
    store.put(slice('web-2', 'web'));
    store.put(gone('web-1'));
    expect(slicesOf(store)).toEqual({ 'default/web': ['default/web-2'] });
    store.put(gone('web-2'));
    expect(store.slices.size).toBe(0);
  });

  test('that are headless are kept, and are none of the Service for proxies', () => {
    const store = new ClusterStore();
    const state = slice('web-1', 'web');
    const headless = { ...state, object: { ...state.object, isHeadless: true } } as ObjectState;
    store.put(headless);
    expect(store.slices.size).toBe(0);
    expect(store.objects('EndpointSlice').size).toBe(1);
    store.put(state);
    expect(slicesOf(store)).toEqual({ 'default/web': ['default/web-1'] });
    store.put(headless);
    expect(store.slices.size).toBe(0);
  });

  test('that change their Service leave the old one', () => {
    const store = new ClusterStore();
    store.put(slice('web-1', 'web'));
    expect(store.put(slice('web-1', 'db'))).toMatchObject({
      before: { service: 'default/web' },
      object: { service: 'default/db' },
    });
    expect(slicesOf(store)).toEqual({ 'default/db': ['default/web-1'] });
  });
});
