/**
 * The API-server source against a real etcd and kube-apiserver, while objects, connection and
 * servers change.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { ApiServer } from '../support/e2e/apiServer.ts';
import { CuttingProxy } from './cuttingProxy.ts';
import { waitFor } from './waitFor.ts';
import { node, service, slice, Witness, writeKubeconfig } from './witness.ts';

let plane: ApiServer;

beforeAll(async () => {
  plane = await ApiServer.start();
}, 120_000);
afterAll(() => plane?.stop(), 30_000);

describe('while the cluster and the connection change', () => {
  let proxy: CuttingProxy;
  let witness: Witness;

  beforeEach(async () => {
    proxy = new CuttingProxy(Number(new URL(plane.url).port));
    proxy.isPlain = true;
    const server = await proxy.start();
    witness = new Witness(writeKubeconfig(plane, 'proxied', { token: plane.token }, { server }));
    await witness.start();
    await waitFor('watching', () => witness.synced === 1 && witness.status?.isConnected === true);
  });
  afterEach(async () => {
    await witness.stop();
    await proxy.stop();
  });

  test('each kind of object comes, changes and goes', async () => {
    await plane.objects.create(service('web'));
    await plane.objects.create(slice('web-1', 'web', '10.244.1.5'));
    await plane.objects.create(node('node-a'));
    await waitFor(
      'objects',
      () => witness.has('web') && witness.store.slices.size === 1 && witness.store.nodes.size === 1,
    );
    expect(witness.store.services.get('default/web')?.clusterIPs[0]).toMatch(/^10\./);
    expect(witness.store.nodes.get('node-a')?.podCIDRs).toEqual(['10.244.1.0/24']);

    await plane.objects.patch(service('web'), {
      spec: { externalTrafficPolicy: null, internalTrafficPolicy: 'Local' },
    });
    await plane.objects.patch(slice('web-1', 'web', ''), {
      endpoints: [{ addresses: ['10.244.1.6'] }],
    });
    const addresses = [{ type: 'InternalIP', address: '192.0.2.1' }];
    await plane.objects.patch(node('node-a'), { status: { addresses } }, 'status');
    const slices = () =>
      witness.store.slices.get('default/web')?.find(({ name }) => name === 'web-1');
    await waitFor(
      'changes',
      () =>
        witness.store.services.get('default/web')?.internalTrafficPolicy === 'Local' &&
        slices()?.endpoints[0]?.address === '10.244.1.6' &&
        witness.store.nodes.get('node-a')?.addresses[0] === '192.0.2.1',
    );

    await plane.objects.delete(service('web'));
    await plane.objects.delete(slice('web-1', 'web', ''));
    await plane.objects.delete(node('node-a'));
    await waitFor(
      'deletions',
      () =>
        !witness.has('web') && witness.store.slices.size === 0 && witness.store.nodes.size === 0,
    );
  });

  test('headless Services and those of another proxy are not seen; one that joins them goes', async () => {
    await plane.objects.create(service('headless', { clusterIP: 'None' }));
    await plane.objects.create(service('leaver'));
    await waitFor('leaver', () => witness.has('leaver'));
    const label = { 'service.kubernetes.io/service-proxy-name': 'other' };
    await plane.objects.patch(service('leaver'), { metadata: { labels: label } });
    await waitFor('leaver gone', () => !witness.has('leaver'));
    expect(witness.has('headless')).toBe(false);
    await plane.objects.delete(service('leaver'));
    await plane.objects.delete(service('headless'));
  });

  test('a Service that becomes an ExternalName goes, and comes again with its cluster IP', async () => {
    await plane.objects.create(service('alias'));
    await waitFor('alias', () => witness.has('alias'));
    await plane.objects.patch(service('alias'), {
      spec: { type: 'ExternalName', externalName: 'alias.example' },
    });
    await waitFor('alias gone', () => !witness.has('alias'));
    await plane.objects.patch(service('alias'), {
      spec: { type: 'ClusterIP', externalName: null },
    });
    await waitFor('alias again', () => witness.has('alias'));
    expect(witness.statuses.every(({ isFailing }) => !isFailing)).toBe(true);
    await plane.objects.delete(service('alias'));
  });

  test('who needs headless Services and ExternalNames is given them', async () => {
    const needs = new Set(['HeadlessServices', 'ExternalNames'] as const);
    const file = writeKubeconfig(plane, 'needs', { token: plane.token });
    const other = new Witness(file, { needs });
    await other.start();
    const alias = service('alias', { type: 'ExternalName', externalName: 'alias.example' });
    const headless = service('headless', { clusterIP: 'None' });
    try {
      for (const object of [alias, headless]) await plane.objects.create(object);
      await waitFor('both', () => other.has('alias') && other.has('headless'));
      expect(['alias', 'headless'].some((name) => witness.has(name))).toBe(false);
    } finally {
      await other.stop();
    }
    for (const object of [alias, headless]) await plane.objects.delete(object);
  });

  test('a change of what nobody reads makes no event', async () => {
    await plane.objects.create(service('quiet'));
    await waitFor('quiet', () => witness.has('quiet'));
    await plane.objects.patch(service('quiet'), { metadata: { annotations: { note: 'x' } } });
    await plane.objects.create(service('marker'));
    await waitFor('marker', () => witness.has('marker'));
    expect(witness.changes.filter((change) => change === '+Service/default/quiet')).toHaveLength(1);
    await plane.objects.delete(service('quiet'));
    await plane.objects.delete(service('marker'));
  });

  test('a watch cut in the middle of a line loses nothing and repeats nothing', async () => {
    proxy.cutAfter('"name":"cut-here"');
    await plane.objects.create(service('before'));
    await plane.objects.create(service('cut-here'));
    await plane.objects.create(service('after'));
    await waitFor(
      'all three',
      () => witness.has('before') && witness.has('cut-here') && witness.has('after'),
    );
    expect(proxy.cuts).toBe(1);
    expect(witness.statuses.some((status) => status.detail.startsWith('watch services:'))).toBe(
      true,
    );
    const told = witness.changes.filter((change) => /before|cut-here|after/.test(change));
    expect(told).toEqual([
      '+Service/default/before',
      '+Service/default/cut-here',
      '+Service/default/after',
    ]);
    for (const name of ['before', 'cut-here', 'after']) await plane.objects.delete(service(name));
  });

  test('answers that arrive in crumbs, UTF-8 sequences torn apart, are read whole', async () => {
    proxy.crumbBytes = 3;
    proxy.dropAll();
    const annotations = { note: 'žluťoučký kůň 🐎'.repeat(50) };
    await plane.objects.create(service('crumbs', {}, { annotations }));
    await waitFor('crumbs', () => witness.has('crumbs'));
    await plane.objects.delete(service('crumbs'));
    await waitFor('gone', () => !witness.has('crumbs'));
  });

  test('the API server is killed and started again: what changed meanwhile is caught up with', async () => {
    await plane.objects.create(service('survivor'));
    await waitFor('survivor', () => witness.has('survivor'));
    await plane.killApi();
    await waitFor('disconnected', () => witness.status?.isConnected === false);
    expect(witness.status?.detail).toMatch(/failing since 20\d\d-/);
    expect(witness.has('survivor')).toBe(true);
    await plane.startApi();
    await plane.objects.create(service('newcomer'));
    await waitFor(
      'caught up',
      () => witness.has('newcomer') && witness.status?.isConnected === true,
    );
    expect(witness.has('survivor')).toBe(true);
    expect(witness.synced).toBe(1);
    await plane.objects.delete(service('survivor'));
    await plane.objects.delete(service('newcomer'));
    await waitFor('gone', () => !witness.has('survivor') && !witness.has('newcomer'));
  });

  test('an API server that hangs with its connections open is noticed, and found again', async () => {
    const impatient = new Witness(writeKubeconfig(plane, 'impatient', { token: plane.token }), {
      silenceMs: 500,
    });
    await impatient.start();
    await waitFor('watching', () => impatient.status?.isConnected === true);
    plane.freezeApi();
    try {
      // Half a second is the limit for a new connection and for an answer, which only a hanging
      // server exceeds.
      const isNoticed = () =>
        /no (connection|answer) for 0.5 s/.test(impatient.status?.detail ?? '');
      await waitFor('noticed', isNoticed);
      expect(impatient.status?.isConnected).toBe(false);
    } finally {
      plane.thawApi();
    }
    await plane.objects.create(service('thawed'));
    await waitFor('found', () => impatient.has('thawed'));
    await impatient.stop();
    await plane.objects.delete(service('thawed'));
  });

  test('after a compaction of etcd the list is read anew and what vanished is deleted', async () => {
    await plane.objects.create(service('doomed'));
    await plane.objects.create(service('stays'));
    await waitFor('both', () => witness.has('doomed') && witness.has('stays'));
    proxy.isRefusing = true;
    proxy.dropAll();
    await plane.objects.delete(service('doomed'));
    await plane.objects.create(service('newborn'));
    await plane.compactEtcd();
    // A running API server would still know the missed events from its own cache.
    await plane.killApi();
    await plane.startApi();
    const before = witness.changes.length;
    expect(witness.has('doomed')).toBe(true);
    proxy.isRefusing = false;
    await waitFor('relisted', () => !witness.has('doomed') && witness.has('newborn'));
    expect(
      witness.statuses.some((status) =>
        /watch services: .*too old resource version/.test(status.detail),
      ),
    ).toBe(true);
    expect(witness.changes.slice(before).filter((change) => change.includes('stays'))).toEqual([]);
    await plane.objects.delete(service('stays'));
    await plane.objects.delete(service('newborn'));
  });

  test('a list of many pages is complete', async () => {
    const names = Array.from({ length: 45 }, (_, i) => `page-${i}`);
    await Promise.all(names.map((name) => plane.objects.create(service(name))));
    const paging = new Witness(writeKubeconfig(plane, 'paging', { token: plane.token }), {
      pageSize: 10,
    });
    await paging.start();
    await waitFor('sync', () => paging.synced === 1);
    expect(names.filter((name) => !paging.has(name))).toEqual([]);
    await paging.stop();
    await Promise.all(names.map((name) => plane.objects.delete(service(name))));
  });
});
