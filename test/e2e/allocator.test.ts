/**
 * Load balancer addresses given out at a real kube-apiserver, by accounts that have the rights of
 * the chart's roles alone.
 */
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import type { LoadBalancerSettings } from '../../src/config/loadBalancer/settings.ts';
import { patience } from '../lab/patience.ts';
import { ApiServer } from '../support/e2e/apiServer.ts';
import type { ClusterObject } from '../support/e2e/clusterObjects.ts';
import { eventually } from '../support/e2e/cluster.ts';
import { CLASS, pool, settingsOf } from '../support/loadbalancer/balanced.ts';
import { AllocatorNode, allocatorToken } from './allocatorNode.ts';
import { node, service } from './witness.ts';

const TYPE = 'kube-ipvs.io/AddressAssigned';
const office = pool('office', '192.0.2.0/24 2001:db8::/120');
const team = pool('team', '203.0.113.0/28', {
  namespaceSelectors: [{ matchLabels: { team: 'a' } }],
});
const SETTINGS = settingsOf([team, office]);

interface Status {
  readonly loadBalancer?: {
    readonly ingress?: readonly { readonly ip: string; readonly ipMode: string }[];
  };
  readonly conditions?: readonly { readonly type: string; readonly reason: string }[];
}

let plane: ApiServer;
let token: string;
let nodes: AllocatorNode[] = [];
let made: ClusterObject[] = [];

beforeAll(async () => {
  plane = await ApiServer.start();
  await plane.objects.create(node('node-1'));
  token = await allocatorToken(plane, ['LoadBalancing', 'ExternalNames', 'Namespace']);
}, 120_000);

jest.setTimeout(patience(60_000));

afterEach(async () => {
  await Promise.all(nodes.map((each) => each.stop()));
  for (const object of made) await plane.objects.delete(object);
  nodes = [];
  made = [];
});

afterAll(() => plane?.stop(), 30_000);

async function allocator(name = 'node-1', settings: LoadBalancerSettings = SETTINGS) {
  const one = new AllocatorNode({ plane, name, settings, token });
  nodes.push(one);
  return one.start();
}

interface Words {
  /** null: none */
  readonly lbClass?: string | null;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly namespace?: string;
  /** more of the spec */
  readonly [field: string]: unknown;
}

async function balancer(
  name: string,
  { lbClass = CLASS, annotations = {}, namespace = 'default', ...spec }: Words = {},
) {
  const loadBalancerClass = lbClass === null ? {} : { loadBalancerClass: lbClass };
  const ours = { type: 'LoadBalancer', ...loadBalancerClass, ...spec };
  const object = service(name, ours, { annotations, namespace });
  made.push(object);
  return plane.objects.create(object);
}

const statusOf = async (object: ClusterObject) =>
  ((await plane.objects.get(object))['status'] ?? {}) as Status;

/** `192.0.2.1 Assigned`; `PoolsExhausted` without an address; empty: untouched */
async function said(object: ClusterObject): Promise<string> {
  const { loadBalancer, conditions = [] } = await statusOf(object);
  const ours = conditions.filter(({ type }) => type === TYPE);
  return [
    ...(loadBalancer?.ingress ?? []).map(({ ip }) => ip),
    ...ours.map(({ reason }) => reason),
  ].join(' ');
}

const becomes = (object: ClusterObject, what: string | RegExp) =>
  eventually(async () => {
    const text = await said(object);
    if (typeof what === 'string' ? text !== what : !what.test(text))
      throw new Error(`${object.metadata.name}: ${text}, not ${String(what)}\n${logs()}`);
  }, patience(30_000));

const logs = () => nodes.map(({ log }) => log.lines.join('\n')).join('\n--\n');

/** `AddressAssigned`, each as often as it was told; the API server has words of its own. */
async function eventsOf(object: ClusterObject): Promise<readonly string[]> {
  const events = await plane.objects.list('events.k8s.io/v1', 'Event');
  const about = events.filter(
    ({ regarding, reportingController }) =>
      reportingController === 'kube-ipvs' &&
      (regarding as { name: string }).name === object.metadata.name,
  );
  return about.map(({ reason }) => String(reason));
}

const tells = (object: ClusterObject, reasons: readonly string[]) =>
  eventually(async () => {
    const told = await eventsOf(object);
    if (told.toSorted().join() !== reasons.toSorted().join())
      throw new Error(`${object.metadata.name}: ${told.join()}, not ${reasons.join()}\n${logs()}`);
  }, patience(30_000));

test('a Service of our class gets an address of one family, or of both', async () => {
  await allocator();
  const one = await balancer('one');
  await becomes(one, /^192\.0\.2\.\d+ Assigned$/);
  const { loadBalancer, conditions } = await statusOf(one);
  expect(loadBalancer?.ingress).toEqual([{ ip: expect.anything(), ipMode: 'VIP' }]);
  expect(conditions).toEqual([
    {
      type: TYPE,
      status: 'True',
      reason: 'Assigned',
      message: `${loadBalancer!.ingress![0]!.ip} from pool office`,
      lastTransitionTime: expect.stringMatching(/^\d{4}-.*Z$/),
    },
  ]);
  const both = await balancer('both', { ipFamilyPolicy: 'RequireDualStack' });
  await becomes(both, /^192\.0\.2\.\d+ 2001:db8::\S* Assigned$/);
  await tells(both, ['AddressAssigned']);
});

test("nobody else's Service is written or told of", async () => {
  await allocator();
  const others = [
    await balancer('cloud', { lbClass: 'example.com/cloud' }),
    await balancer('classless', { lbClass: null }),
    await plane.objects.create(service('plain')),
  ];
  made.push(others[2]!);
  const ours = await balancer('ours');
  await becomes(ours, /Assigned$/);
  for (const other of others) {
    const { metadata } = await plane.objects.get(other);
    expect(metadata['resourceVersion']).toBe(other.metadata['resourceVersion']);
    expect(await eventsOf(other)).toEqual([]);
  }
});

test('Services without a class are ours where the configuration says so, but for foreign statuses', async () => {
  const foreign = await balancer('foreign', { lbClass: null });
  const ingress = [{ ip: '198.51.100.7' }];
  const before = await plane.objects.patch(
    foreign,
    { status: { loadBalancer: { ingress } } },
    'status',
  );
  await allocator('node-1', settingsOf([office], {}, true));
  const classless = await balancer('without', { lbClass: null });
  await becomes(classless, /^192\.0\.2\.\d+ Assigned$/);
  const { metadata } = await plane.objects.get(foreign);
  expect(metadata['resourceVersion']).toBe(before.metadata['resourceVersion']);
  await tells(foreign, ['AddressNotOurs']);
});

test('addresses are asked for, refused with the reason, and shared', async () => {
  await allocator();
  const wants = (ip: string, key?: string) => ({
    'metallb.io/loadBalancerIPs': ip,
    ...(key === undefined ? {} : { 'metallb.io/allow-shared-ip': key }),
  });
  const dns = (protocol: string) => [{ name: 'dns', port: 53, protocol }];
  const ports = { ports: dns('TCP') };
  const tcp = await balancer('tcp', { annotations: wants('192.0.2.53', 'dns'), ...ports });
  await becomes(tcp, '192.0.2.53 Assigned');
  const udp = await balancer('udp', {
    annotations: wants('192.0.2.53', 'dns'),
    ports: dns('UDP'),
  });
  await becomes(udp, '192.0.2.53 Assigned');
  const third = await balancer('third', { annotations: wants('192.0.2.53') });
  await becomes(third, 'AddressInUse');
  await plane.objects.patch(third, {
    metadata: { annotations: { 'metallb.io/loadBalancerIPs': '192.0.2.54' } },
  });
  await becomes(third, '192.0.2.54 Assigned');
  await tells(third, ['AddressPending', 'AddressAssigned']);
});

test('Namespaces decide by their labels who may use a pool', async () => {
  await allocator();
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team-a' } };
  await plane.objects.create({ ...namespace, metadata: { name: 'team-a', labels: { team: 'a' } } });
  await becomes(await balancer('web', { namespace: 'team-a' }), /^203\.0\.113\.\d+ Assigned$/);
  await becomes(await balancer('web'), /^192\.0\.2\.\d+ Assigned$/);
});

test('a change of type clears the address and the condition, and back gives one again', async () => {
  await allocator();
  const web = await balancer('web');
  await becomes(web, /Assigned$/);
  const other = { type: 'example.com/Seen', status: 'True', reason: 'Seen', message: '' };
  const { conditions } = await statusOf(web);
  const stamped = { ...other, lastTransitionTime: '2026-01-01T00:00:00Z' };
  await plane.objects.patch(web, { status: { conditions: [...conditions!, stamped] } }, 'status');
  await plane.objects.patch(web, { spec: { type: 'ClusterIP', loadBalancerClass: null } });
  await becomes(web, '');
  const after = await statusOf(web);
  expect(after.loadBalancer).toEqual({});
  expect(after.conditions).toEqual([stamped]);
  await plane.objects.patch(web, { spec: { type: 'LoadBalancer', loadBalancerClass: CLASS } });
  await becomes(web, /^192\.0\.2\.\d+ Assigned$/);
  expect((await statusOf(web)).conditions).toContainEqual(stamped);
});

test('one that was changed while it was decided on is decided anew', async () => {
  const one = await allocator();
  await eventually(() => {
    if (!one.isAllocator) throw new Error('does not lead');
  });
  one.beforePatch = async (key) => {
    one.beforePatch = () => Promise.resolve();
    const name = key.split('/')[1]!;
    const annotations = { 'kube-ipvs.io/load-balancer-ips': '192.0.2.77' };
    await plane.objects.patch(service(name), { metadata: { annotations } });
  };
  const web = await balancer('web');
  await becomes(web, '192.0.2.77 Assigned');
  expect(one.patched).toEqual(['default/web', 'default/web']);
  expect(one.conditions.standing).toEqual([]);
});

test('only who holds the Lease writes, and it is handed over at the end', async () => {
  const first = await allocator('node-1');
  const early = await balancer('early');
  await becomes(early, /Assigned$/);
  const second = await allocator('node-2');
  const middle = await balancer('middle');
  await becomes(middle, /Assigned$/);
  expect([first.patched, second.patched]).toEqual([['default/early', 'default/middle'], []]);
  await first.stop();
  const late = await balancer('late');
  await becomes(late, /Assigned$/);
  expect(second.patched).toEqual(['default/late']);
  const texts = await Promise.all([early, middle, late].map(said));
  expect(new Set(texts).size).toBe(3);
});

test('two that both believe to hold it give no address twice', async () => {
  for (const [name, namespace] of [
    ['node-1', 'default'],
    ['node-2', 'kube-system'],
  ] as const)
    nodes.push(new AllocatorNode({ plane, name, namespace, settings: SETTINGS, token }));
  for (const each of nodes) await each.start();
  const [first, second] = nodes;
  await eventually(() => {
    if (!first!.isAllocator || !second!.isAllocator) throw new Error('they do not both lead');
  });
  const names = Array.from({ length: 40 }, (_, i) => `many-${i}`);
  const services = await Promise.all(names.map((name) => balancer(name)));
  for (const each of services) await becomes(each, /^192\.0\.2\.\d+ Assigned$/);
  await eventually(async () => {
    const texts = await Promise.all(services.map(said));
    expect(new Set(texts).size).toBe(services.length);
  });
  expect(Math.min(first!.patched.length, second!.patched.length)).toBeGreaterThan(0);
});
