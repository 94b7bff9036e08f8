/**
 * Beside a real cloud layer: upstream's service controller over balancers of our own, and our
 * allocator, at one kube-apiserver that writes down who wrote what. What a cloud's addresses do to
 * the proxy of a node is in cloudTraffic.test.ts.
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { patience } from '../lab/patience.ts';
import { ApiServer } from '../support/e2e/apiServer.ts';
import { Audit } from '../support/e2e/audit.ts';
import { CloudProcess, type CloudRecord, cloudToken } from '../support/e2e/cloudProcess.ts';
import type { ClusterObject } from '../support/e2e/clusterObjects.ts';
import { eventually } from '../support/e2e/cluster.ts';
import { CLASS, pool, settingsOf } from '../support/loadbalancer/balanced.ts';
import { AllocatorNode, allocatorToken } from './allocatorNode.ts';
import { node, service } from './witness.ts';

const CONDITION = 'kube-ipvs.io/AddressAssigned';
const FINALIZER = 'service.kubernetes.io/load-balancer-cleanup';
const OFFICE = pool('office', '192.0.2.0/24');
const CLOUD_ADDRESSES = '198.51.100.0/28';
const ours = { loadBalancerClass: CLASS };
const LOCAL = { externalTrafficPolicy: 'Local' };

const audit = new Audit();
let plane: ApiServer;
let token: string;
let tokenOfCloud: string;
let cloud: CloudProcess;
let allocator: AllocatorNode;
let made: ClusterObject[] = [];
/** of former tests */
let writesBefore = 0;

beforeAll(async () => {
  plane = await ApiServer.start({ flags: audit.flags });
  await plane.objects.create(node('node-1'));
  token = await allocatorToken(plane, ['LoadBalancing', 'ExternalNames']);
  tokenOfCloud = await cloudToken(plane);
}, 120_000);

jest.setTimeout(patience(90_000));

beforeEach(() => {
  writesBefore = audit.writes().length;
});

afterEach(async () => {
  await cloud.goOn();
  // A Service goes when the cloud has taken its finalizer off.
  for (const object of made) await plane.objects.delete(object);
  for (const object of made) await isGone(object);
  made = [];
  await allocator.stop();
  await cloud.stop();
});

afterAll(async () => {
  await plane?.stop();
  await audit.remove();
}, 30_000);

async function startCloud(): Promise<void> {
  cloud = await CloudProcess.start({ plane, addresses: CLOUD_ADDRESSES, token: tokenOfCloud });
}

async function startAllocator(serveUnclassed = false): Promise<void> {
  const settings = settingsOf([OFFICE], {}, serveUnclassed);
  allocator = await new AllocatorNode({ plane, name: 'node-1', settings, token }).start();
}

async function startBoth(serveUnclassed = false): Promise<void> {
  await startCloud();
  await startAllocator(serveUnclassed);
}

/** @param says the cloud's annotations, without their prefix */
async function balancer(name: string, spec: object = {}, says: Record<string, string> = {}) {
  const entries = Object.entries(says).map(([key, value]) => [`cloud.example/${key}`, value]);
  const annotations = Object.fromEntries(entries) as Record<string, string>;
  const object = service(name, { type: 'LoadBalancer', ...spec }, { annotations });
  made.push(object);
  return plane.objects.create(object);
}

interface Ingress {
  readonly ip?: string;
  readonly ipMode?: string;
  readonly hostname?: string;
}

/** `192.0.2.0 VIP, ours: Assigned`, `lb.example, cleanup`; empty: nothing of anybody */
async function view(object: ClusterObject): Promise<string> {
  const { metadata, status } = await plane.objects.get(object);
  const { loadBalancer = {}, conditions = [] } = status as {
    readonly loadBalancer?: { readonly ingress?: readonly Ingress[] };
    readonly conditions?: readonly { readonly type: string; readonly reason: string }[];
  };
  const finalizers = (metadata['finalizers'] ?? []) as readonly string[];
  return [
    ...(loadBalancer.ingress ?? []).map(
      ({ ip, ipMode, hostname }) => hostname ?? `${ip} ${ipMode}`,
    ),
    ...conditions.filter(({ type }) => type === CONDITION).map(({ reason }) => `ours: ${reason}`),
    ...(finalizers.includes(FINALIZER) ? ['cleanup'] : []),
  ].join(', ');
}

const logs = () => `${allocator.log.lines.join('\n')}\n--\n${cloud.log()}`;

async function becomes(object: ClusterObject, what: string): Promise<void> {
  await eventually(async () => {
    const text = await view(object);
    if (text !== what) throw new Error(`${object.metadata.name}: ${text}, not ${what}\n${logs()}`);
  }, patience(60_000));
}

async function isGone(object: ClusterObject): Promise<void> {
  const { namespace, name } = object.metadata;
  await eventually(async () => {
    const { status } = await plane.objects.request(
      'GET',
      `/api/v1/namespaces/${namespace}/services/${name}`,
    );
    if (status !== 404) throw new Error(`${name} is still there\n${logs()}`);
  }, patience(60_000));
}

/** What `account` wrote to a Service in this test, with success. */
const writesOf = (account: string, object: ClusterObject) =>
  audit
    .writes()
    .slice(writesBefore)
    .filter(({ who, code }) => who === account && code < 300)
    .filter((write) => write.service === `default/${object.metadata.name}`);

const balancers = async () => Object.keys(await cloud.balancers()).sort();

async function recordsOf(object: ClusterObject): Promise<readonly CloudRecord[]> {
  const records = await cloud.records();
  return records.filter((record) => record.service === `default/${object.metadata.name}`);
}

/** In order; without updates of nodes, which upstream also asks for while the first ensure runs. */
async function asked(object: ClusterObject): Promise<readonly string[]> {
  const records = await recordsOf(object);
  return records.map(({ operation }) => operation).filter((operation) => operation !== 'update');
}

const waits = (what: string) =>
  eventually(async () => expect(await cloud.waiting()).toContain(what), patience(60_000));

/** Both have seen, and done, all that was before: each serves a Service that came after it. */
async function settled(): Promise<void> {
  const pair = [await balancer(`after-${made.length}`), await balancer(`own-${made.length}`, ours)];
  for (const each of pair) {
    await eventually(async () => {
      if (!/VIP/.test(await view(each))) throw new Error(`not served\n${logs()}`);
    }, patience(60_000));
  }
}

async function versions(objects: readonly ClusterObject[]): Promise<readonly unknown[]> {
  const found = await Promise.all(objects.map((object) => plane.objects.get(object)));
  return found.map(({ metadata }) => metadata['resourceVersion']);
}

async function warned(object: ClusterObject, reason: string): Promise<void> {
  await eventually(async () => {
    const events = await plane.objects.list('events.k8s.io/v1', 'Event');
    const told = events.filter(
      ({ regarding, reportingController }) =>
        reportingController === 'kube-ipvs' &&
        (regarding as { readonly name: string }).name === object.metadata.name,
    );
    if (!told.some((event) => event['reason'] === reason))
      throw new Error(`${told.map((event) => event['reason']).join()}\n${logs()}`);
  }, patience(30_000));
}

test('each serves its own, in all shapes that a status has, and writes nothing else', async () => {
  await startBoth();
  const classless = [
    [await balancer('plain'), /^198\.51\.100\.\d+ VIP, cleanup$/],
    [await balancer('vip', {}, { 'ip-mode': 'VIP' }), /^198\.51\.100\.\d+ VIP, cleanup$/],
    [await balancer('proxy', {}, { 'ip-mode': 'Proxy' }), /^198\.51\.100\.\d+ Proxy, cleanup$/],
    [await balancer('named', {}, { 'host-name': 'lb.example' }), /^lb\.example, cleanup$/],
  ] as const;
  const own = await balancer('own', ours, { 'ip-mode': 'Proxy' });
  const others = await balancer('others', { loadBalancerClass: 'example.com/other' });
  await becomes(own, '192.0.2.0 VIP, ours: Assigned');
  for (const [object, what] of classless) {
    await eventually(async () => expect(await view(object)).toMatch(what), patience(60_000));
  }
  expect(await view(others)).toBe('');

  // What makes both look at everything again changes nothing.
  const all = [own, others, ...classless.map(([object]) => object)];
  const before = await versions(all);
  await plane.objects.create(node('node-2'));
  await eventually(async () => {
    for (const [object] of classless)
      expect((await recordsOf(object)).at(-1)?.nodes).toEqual(['node-1', 'node-2']);
  }, patience(60_000));
  await settled();
  expect(await versions(all)).toEqual(before);
  await plane.objects.delete(node('node-2'));

  for (const [object] of classless) {
    expect(writesOf('allocator', object)).toEqual([]);
    expect(writesOf('cloud', object).map(({ what }) => what)).toEqual([
      'patch status',
      'patch status',
    ]);
  }
  expect(writesOf('cloud', own)).toEqual([]);
  expect(writesOf('allocator', own)).toHaveLength(1);
  expect([...writesOf('cloud', others), ...writesOf('allocator', others)]).toEqual([]);
  expect(await recordsOf(own)).toEqual([]);

  // A cloud that begins anew knows nothing, and asks for what is its own alone.
  await cloud.stop();
  await startCloud();
  await settled();
  expect(await recordsOf(own)).toEqual([]);
  expect(await versions([own, others])).toEqual(before.slice(0, 2));
});

test('policy Local has its health check port with both, and changes no address', async () => {
  await startBoth();
  const pair = [await balancer('theirs', LOCAL), await balancer('own', { ...ours, ...LOCAL })];
  const had = ['198.51.100.0 VIP, cleanup', '192.0.2.0 VIP, ours: Assigned'];
  const portOf = async (object: ClusterObject) =>
    ((await plane.objects.get(object))['spec'] as { readonly healthCheckNodePort?: number })
      .healthCheckNodePort;
  for (const [i, each] of pair.entries()) {
    await becomes(each, had[i]!);
    const port = await portOf(each);
    expect(port).toBeGreaterThan(0);
    await plane.objects.patch(each, { spec: { externalTrafficPolicy: 'Cluster' } });
    expect(await portOf(each)).toBeUndefined();
    await plane.objects.patch(each, { spec: LOCAL });
    expect(await portOf(each)).toBeGreaterThan(0);
  }
  await settled();
  for (const [i, each] of pair.entries()) expect(await view(each)).toBe(had[i]);
  expect(writesOf('allocator', pair[1]!)).toHaveLength(1);
});

test('a class comes and goes with the type, in both directions', async () => {
  await startBoth();
  const web = await balancer('web');
  await becomes(web, '198.51.100.0 VIP, cleanup');
  const wish = { spec: { loadBalancerClass: CLASS } };
  await expect(plane.objects.patch(web, wish)).rejects.toThrow(/: 422 .*loadBalancerClass/s);

  await plane.objects.patch(web, { spec: { type: 'ClusterIP' } });
  await becomes(web, '');
  expect(await balancers()).toEqual([]);
  await plane.objects.patch(web, { spec: { type: 'LoadBalancer', ...ours } });
  await becomes(web, '192.0.2.0 VIP, ours: Assigned');
  const back = { spec: { loadBalancerClass: null } };
  await expect(plane.objects.patch(web, back)).rejects.toThrow(/: 422 .*loadBalancerClass/s);

  // The class goes with the type by itself.
  await plane.objects.patch(web, { spec: { type: 'ClusterIP' } });
  await becomes(web, '');
  await plane.objects.patch(web, { spec: { type: 'LoadBalancer' } });
  await becomes(web, '198.51.100.0 VIP, cleanup');
  await plane.objects.patch(web, { spec: { type: 'NodePort' } });
  await becomes(web, '');
  expect(await asked(web)).toEqual(['ensure', 'delete', 'ensure', 'delete']);
});

test('from our class to none at once: of ours nothing stays', async () => {
  await startBoth();
  const web = await balancer('web', ours);
  await becomes(web, '192.0.2.0 VIP, ours: Assigned');
  await allocator.stop(); // who is faster than any allocator
  await plane.objects.patch(web, { spec: { type: 'ClusterIP' } });
  await plane.objects.patch(web, { spec: { type: 'LoadBalancer' } });
  await becomes(web, '198.51.100.0 VIP, ours: Assigned, cleanup');
  await startAllocator();
  await becomes(web, '198.51.100.0 VIP, cleanup');
});

test('a slow cloud writes over a Service that has become ours, and clears it: ours comes back', async () => {
  await startBoth();
  await cloud.hold();
  const web = await balancer('web');
  await waits('ensure default/web');
  await plane.objects.patch(web, { spec: { type: 'ClusterIP' } });
  await plane.objects.patch(web, { spec: { type: 'LoadBalancer', ...ours } });
  await becomes(web, '192.0.2.0 VIP, ours: Assigned, cleanup');
  await cloud.goOn();
  await eventually(async () => expect(await asked(web)).toContain('delete'), patience(60_000));
  await becomes(web, '192.0.2.0 VIP, ours: Assigned');
  await settled();
  await becomes(web, '192.0.2.0 VIP, ours: Assigned');
  expect(await balancers()).not.toContain('default/web');
  // It did happen: the cloud wrote its own address to a Service of our class.
  const bodies = writesOf('cloud', web).map(({ body }) => JSON.stringify(body));
  expect(bodies.some((body) => body.includes('198.51.100.0'))).toBe(true);
});

test('a deletion waits for who gave the address: for the cloud, not for us', async () => {
  await startBoth();
  const theirs = await balancer('theirs');
  const own = await balancer('own', ours);
  await becomes(theirs, '198.51.100.0 VIP, cleanup');
  await becomes(own, '192.0.2.0 VIP, ours: Assigned');
  await cloud.hold();
  await plane.objects.delete(own);
  await plane.objects.delete(theirs);
  await isGone(own);
  await waits('delete default/theirs');
  expect((await plane.objects.get(theirs)).metadata['deletionTimestamp']).toBeDefined();
  await cloud.goOn();
  await isGone(theirs);
  expect(writesOf('allocator', theirs)).toEqual([]);
});

test.each([
  ['an address', {}, '198.51.100.0 VIP, cleanup'],
  ['an address of its own proxy', { 'ip-mode': 'Proxy' }, '198.51.100.0 Proxy, cleanup'],
  ['a host name', { 'host-name': 'lb.example' }, 'lb.example, cleanup'],
])('both want class-less ones: where the cloud gives %s, it has it', async (_title, says, what) => {
  await startCloud();
  const early = await balancer('early', {}, says);
  await becomes(early, what);
  await startAllocator(true);
  await warned(early, 'AddressNotOurs');
  expect(writesOf('allocator', early)).toEqual([]);

  await cloud.hold();
  const late = await balancer('late', {}, says);
  await becomes(late, '192.0.2.0 VIP, ours: Assigned, cleanup');
  await cloud.goOn();
  await becomes(late, what.replace('100.0', '100.1'));
  await warned(late, 'AddressNotOurs');
  const pair = [early, late];
  const before = await versions(pair);
  const own = await balancer('own', ours);
  await becomes(own, '192.0.2.0 VIP, ours: Assigned');
  expect(await versions(pair)).toEqual(before);
});
