/**
 * How everything that exists is read from a real kube-apiserver: as the beginning of the watch, and
 * from one that has no such thing by lists.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { ApiServer } from '../support/e2e/apiServer.ts';
import { CuttingProxy } from './cuttingProxy.ts';
import { waitFor } from './waitFor.ts';
import { node, service, slice, Witness, writeKubeconfig } from './witness.ts';

const NAMES = Array.from({ length: 30 }, (_, i) => `there-${i}`);

let plane: ApiServer;
const witnesses: Witness[] = [];
const proxies: CuttingProxy[] = [];

async function begin(flags: readonly string[]): Promise<void> {
  plane = await ApiServer.start({ flags });
  await plane.objects.create(node('node-1'));
  await plane.objects.createAll(NAMES.map((name) => service(name)));
  await plane.objects.create(slice('there-0-1', 'there-0', '10.244.1.5'));
}

async function started(): Promise<{ witness: Witness; proxy: CuttingProxy }> {
  const proxy = new CuttingProxy(Number(new URL(plane.url).port));
  const server = await proxy.start();
  const file = writeKubeconfig(plane, 'readings', { token: plane.token }, { server });
  const witness = new Witness(file, { pageSize: 10 });
  proxies.push(proxy);
  witnesses.push(witness);
  await witness.start();
  await waitFor('watching', () => witness.synced === 1 && witness.status?.isConnected === true);
  return { witness, proxy };
}

/** While the connection is gone one Service goes, one comes, and etcd forgets what was between. */
async function behindIts(witness: Witness, proxy: CuttingProxy): Promise<void> {
  await plane.objects.create(service('doomed'));
  await waitFor('doomed', () => witness.has('doomed'));
  proxy.isRefusing = true;
  proxy.dropAll();
  await plane.objects.delete(service('doomed'));
  await plane.objects.create(service('newborn'));
  await plane.compactEtcd();
  // A running API server would still know the missed events from its own cache.
  await plane.restartApi();
  const before = witness.changes.length;
  expect(witness.has('doomed')).toBe(true);
  proxy.isRefusing = false;
  await waitFor('reading', () => !witness.has('doomed') && witness.has('newborn'));
  const services = witness.changes.slice(before).filter((change) => change.includes('Service/'));
  expect(services.toSorted()).toEqual(['+Service/default/newborn', '-Service/default/doomed']);
  await plane.objects.delete(service('newborn'));
}

afterEach(async () => {
  for (const witness of witnesses.splice(0)) await witness.stop();
  for (const proxy of proxies.splice(0)) await proxy.stop();
});

describe('a server with initial events', () => {
  // Without its cache it has them also with an etcd that cannot report progress, as Debian's.
  beforeAll(() => begin(['--watch-cache=false']), 120_000);
  afterAll(() => plane?.stop(), 30_000);

  test('is asked one thing a kind, packed, and tells changes in the same answer', async () => {
    const { witness, proxy } = await started();
    expect(NAMES.filter((name) => !witness.has(name))).toEqual([]);
    expect(witness.store.slices.size).toBe(1);
    await plane.objects.create(service('later'));
    await waitFor('later', () => witness.has('later'));
    await plane.objects.delete(service('later'));
    await waitFor('later gone', () => !witness.has('later'));
    expect(witness.asked.toSorted()).toEqual([
      'READ endpointslices  NotOlderThan',
      'READ nodes  NotOlderThan',
      'READ services  NotOlderThan',
    ]);
    expect(witness.notes).toEqual([]);
    expect(proxy.packed).toBe(3);
  });

  test('is read anew in the same way, and what vanished goes', async () => {
    const { witness, proxy } = await started();
    await behindIts(witness, proxy);
    expect(witness.askedOf('services').at(-1)).toMatch(/^READ services \d+ NotOlderThan$/);
    expect(witness.asked.filter((each) => each.startsWith('LIST'))).toEqual([]);
    expect(witness.notes).toEqual([]);
  }, 120_000);
});

describe('a server without initial events', () => {
  beforeAll(() => begin(['--feature-gates=WatchList=false']), 120_000);
  afterAll(() => plane?.stop(), 30_000);

  test('is listed from its cache, then watched; and anew not older than what is known', async () => {
    const { witness, proxy } = await started();
    expect(NAMES.filter((name) => !witness.has(name))).toEqual([]);
    expect(witness.askedOf('services')).toEqual([
      'READ services  NotOlderThan',
      'LIST services 0',
      expect.stringMatching(/^WATCH services \d+$/),
    ]);
    expect(witness.notes.toSorted()).toEqual(
      ['endpointslices', 'nodes', 'services'].map((resource) =>
        expect.stringMatching(`^${resource}: .*sendInitialEvents is forbidden.*: read by lists$`),
      ),
    );
    expect(witness.statuses.every(({ isFailing }) => !isFailing)).toBe(true);
    await behindIts(witness, proxy);
    const lists = witness.askedOf('services').filter((each) => each.startsWith('LIST'));
    expect(lists[1]).toMatch(/^LIST services \d+ NotOlderThan$/);
    expect(witness.notes).toHaveLength(3);
  }, 120_000);
});
