// The API server the end-to-end tests stand on: what they take for granted is checked here.

import { existsSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ApiServer } from '../../support/e2e/apiServer.ts';
import type { ClusterObject } from '../../support/e2e/clusterObjects.ts';

let server: ApiServer;

beforeAll(async () => {
  // Without its cache the API server asks etcd, which is what a compaction is about.
  server = await ApiServer.start({ flags: ['--watch-cache=false'] });
}, 120_000);

afterAll(() => server?.stop(), 30_000);

const service = (name: string): ClusterObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'default' },
  spec: { ipFamilyPolicy: 'PreferDualStack', ports: [{ port: 80, targetPort: 8080 }] },
});

const names = async () =>
  (await server.objects.list('v1', 'Service')).map(({ metadata }) => metadata.name).sort();

test('objects are created, changed and deleted', async () => {
  const created = await server.objects.create(service('web'));
  expect(created['spec']).toMatchObject({ ipFamilies: ['IPv4', 'IPv6'] });
  await server.objects.patch(service('web'), { spec: { sessionAffinity: 'ClientIP' } });
  const status = { status: { loadBalancer: { ingress: [{ ip: '198.51.100.7' }] } } };
  await expect(server.objects.patch(service('web'), status, 'status')).rejects.toThrow(
    'loadBalancer',
  );
  expect((await server.objects.get(service('web')))['spec']).toMatchObject({
    sessionAffinity: 'ClientIP',
  });
  await server.objects.delete(service('web'));
  await server.objects.delete(service('web'));
  // The API server makes its own Service at some moment after it is ready.
  expect(await names()).not.toContain('web');
});

test('a killed API server comes back at the same address with the same objects', async () => {
  await server.objects.create(service('kept'));
  await server.killApi();
  await expect(names()).rejects.toThrow(/ECONNREFUSED|socket hang up/);
  await server.startApi();
  expect(await names()).toContain('kept');
}, 60_000);

test('after a compaction an old resource version is gone', async () => {
  const { metadata } = await server.objects.create(service('old'));
  for (const value of ['a', 'b', 'c']) {
    await server.objects.patch(service('old'), { metadata: { labels: { value } } });
  }
  await server.compactEtcd();
  const path = `/api/v1/services?watch=true&timeoutSeconds=5&resourceVersion=${String(metadata['resourceVersion'])}`;
  const { status, text } = await server.objects.request('GET', path);
  expect(`${status} ${text}`).toMatch(/\b410\b/);
});

test('many objects are created quickly', async () => {
  const before = Date.now();
  await server.objects.createAll(Array.from({ length: 100 }, (_, i) => service(`many-${i}`)));
  expect((await names()).filter((name) => name.startsWith('many-'))).toHaveLength(100);
  expect(Date.now() - before).toBeLessThan(10_000);
});

test('nothing is left when it ends', async () => {
  const other = await ApiServer.start();
  const { folder, url } = other;
  expect(existsSync(folder)).toBe(true);
  await other.stop();
  expect(existsSync(folder)).toBe(false);
  await expect(fetch(`${url}/readyz`)).rejects.toThrow('fetch failed');
}, 60_000);
