import { describe, expect, test } from '@jest/globals';
import type { ClusterChange } from '../../../src/model/resources.ts';
import { slimEndpointSlice } from '../../../src/model/slimEndpointSlice.ts';
import { slimNode } from '../../../src/model/slimNode.ts';
import { slimService } from '../../../src/model/slimService.ts';
import { ClusterStore } from '../../../src/model/snapshot.ts';
import { rawService, rawSlice } from '../../support/rawObjects.ts';

function sliceChange(name: string, service: string, isGone = false): ClusterChange {
  const labels = { 'kubernetes.io/service-name': service };
  const { object } = slimEndpointSlice(
    rawSlice({ metadata: { name, namespace: 'default', labels } }),
  );
  return {
    kind: 'EndpointSlice',
    key: `default/${name}`,
    service: `default/${service}`,
    object: isGone ? undefined : object,
  };
}

function slicesOf(store: ClusterStore): Record<string, string[]> {
  return Object.fromEntries(
    [...store.slices].map(([service, slices]) => [service, [...slices.keys()]]),
  );
}

const service = slimService(rawService()).object!;
const KEY = 'default/web';

test('a Service comes, changes and goes', () => {
  const store = new ClusterStore();
  expect(store.apply({ kind: 'Service', key: KEY, object: service })).toEqual([KEY]);
  const changed = { ...service, externalIPs: ['80.11.12.10'] };
  store.apply({ kind: 'Service', key: KEY, object: changed });
  expect([...store.services]).toEqual([[KEY, changed]]);
  expect(store.apply({ kind: 'Service', key: KEY, object: undefined })).toEqual([KEY]);
  expect(store.services.size).toBe(0);
});

test('a Node comes and goes and concerns no Service', () => {
  const store = new ClusterStore();
  const object = slimNode({ metadata: { name: 'node-a' } }).object!;
  expect(store.apply({ kind: 'Node', key: 'node-a', object })).toEqual([]);
  expect(store.nodes.get('node-a')).toBe(object);
  store.apply({ kind: 'Node', key: 'node-a', object: undefined });
  expect(store.nodes.size).toBe(0);
});

describe('slices', () => {
  test('are kept by Service', () => {
    const store = new ClusterStore();
    expect(store.apply(sliceChange('web-1', 'web'))).toEqual(['default/web']);
    store.apply(sliceChange('web-2', 'web'));
    store.apply(sliceChange('db-1', 'db'));
    expect(slicesOf(store)).toEqual({
      'default/web': ['default/web-1', 'default/web-2'],
      'default/db': ['default/db-1'],
    });
  });

  test('leave no empty map behind (kubernetes #128928)', () => {
    const store = new ClusterStore();
    store.apply(sliceChange('web-1', 'web'));
    store.apply(sliceChange('web-2', 'web'));
    store.apply(sliceChange('web-1', 'web', true));
    expect(slicesOf(store)).toEqual({ 'default/web': ['default/web-2'] });
    store.apply(sliceChange('web-2', 'web', true));
    expect(store.slices.size).toBe(0);
  });

  test('that change their Service leave the old one, and concern both', () => {
    const store = new ClusterStore();
    store.apply(sliceChange('web-1', 'web'));
    expect(store.apply(sliceChange('web-1', 'db'))).toEqual(['default/web', 'default/db']);
    expect(slicesOf(store)).toEqual({ 'default/db': ['default/web-1'] });
  });

  test('are found when their removal names another Service than they had', () => {
    const store = new ClusterStore();
    store.apply(sliceChange('web-1', 'web'));
    expect(store.apply(sliceChange('web-1', 'other', true))).toEqual(['default/web']);
    expect(store.slices.size).toBe(0);
  });

  test('that were never there can go', () => {
    const store = new ClusterStore();
    expect(store.apply(sliceChange('web-1', 'web', true))).toEqual(['default/web']);
    expect(store.slices.size).toBe(0);
  });
});
