import { expect, test } from '@jest/globals';
import { readServices } from '../../../../src/loadbalancer/shell/readServices.ts';
import { rawBalanced } from '../../../support/loadbalancer/balanced.ts';
import { refused } from '../../../support/loadbalancer/servicesServer.ts';

const NEEDS = new Set(['LoadBalancing', 'ExternalNames'] as const);
const { signal } = new AbortController();

test('all pages are of this moment, and asked for as the watch does', async () => {
  const asked: unknown[] = [];
  const getJson = (path: string, query: object, options: object) => {
    asked.push([path, query, options]);
    const isFirst = !Object.hasOwn(query, 'continue');
    return Promise.resolve({
      metadata: { resourceVersion: '9', ...(isFirst ? { continue: 'more' } : {}) },
      items: [rawBalanced(isFirst ? 'a' : 'b'), { metadata: {} }],
    });
  };
  const found = await readServices({ getJson }, NEEDS, signal);
  expect([...found.keys()]).toEqual(['default/a', 'default/b']);
  const labelSelector = '!service.kubernetes.io/service-proxy-name,!service.kubernetes.io/headless';
  const query = { labelSelector, fieldSelector: 'spec.clusterIP!=None', limit: '500' };
  expect(asked).toEqual([
    ['/api/v1/services', query, { signal, isContinuation: false }],
    ['/api/v1/services', { ...query, continue: 'more' }, { signal, isContinuation: true }],
  ]);
});

test('a server that does not know the field is asked without', async () => {
  const getJson = (_: string, query: object) =>
    Object.hasOwn(query, 'fieldSelector')
      ? Promise.reject(refused(400, 'BadRequest'))
      : Promise.resolve({ metadata: { resourceVersion: '9' }, items: [rawBalanced('a')] });
  expect((await readServices({ getJson }, NEEDS, signal)).size).toBe(1);
});
