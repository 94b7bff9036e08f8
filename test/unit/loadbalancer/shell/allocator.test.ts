/** When it is decided anew, and what is told of it. */
import { expect, test } from '@jest/globals';
import { AllocatorHarness } from '../../../support/loadbalancer/allocatorHarness.ts';
import { pool, rawBalanced, settingsOf } from '../../../support/loadbalancer/balanced.ts';

const office = pool('office', '192.0.2.1-192.0.2.10');
const harness = (settings = settingsOf([office])) => new AllocatorHarness(settings);

function node(name: string, address: string) {
  const object = { name, addresses: [address], podCIDRs: [], isLeaving: false };
  return { kind: 'Node', key: name, object } as const;
}

test('what reserves nothing of a pool is no reason to decide', async () => {
  const lb = harness();
  await lb.start(['a']);
  const plain = { type: 'ClusterIP', clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.9'] };
  lb.server.put(rawBalanced('plain', { lbClass: null, spec: plain }));
  lb.tell({ kind: 'EndpointSlice', key: 'default/a-1', object: undefined });
  lb.tell(node('n1', '192.0.2.200'));
  await lb.decide();
  const before = await lb.decisions();
  const { isLeaving: _, ...same } = node('n1', '192.0.2.200').object;
  lb.tell({ kind: 'Node', key: 'n1', object: { ...same, isLeaving: true } });
  await lb.decide();
  expect(await lb.decisions()).toBe(before);
  const external = { ...plain, externalIPs: ['192.0.2.2'] };
  lb.server.put(rawBalanced('plain', { lbClass: null, spec: external }));
  await lb.decide();
  expect(await lb.decisions()).toBe(before + 1);
});

test('one that cannot be read any more goes on having its address', async () => {
  const lb = harness(settingsOf([pool('one', '192.0.2.1')]));
  await lb.start(['a']);
  const raw = lb.server.get('default/a');
  lb.server.put({ ...raw, spec: { ...raw.spec, ipFamilies: ['IPv5'] } });
  lb.server.put(rawBalanced('b'));
  await lb.decide();
  expect(lb.server.statusOf('default/b')).toBe('PoolsExhausted');
});

test('a Node that comes takes its address away from a Service', async () => {
  const lb = harness();
  await lb.start(['a']);
  lb.events();
  lb.tell(node('n1', '192.0.2.1'));
  await lb.decide();
  expect(lb.server.statusOf('default/a')).toBe('192.0.2.2 Assigned');
  expect(lb.events()).toEqual([
    'Normal AddressChanged a: 192.0.2.1 (192.0.2.1 is the address of Node n1) to 192.0.2.2 from pool office',
  ]);
});

test("other Services' conditions and times are no reason, and stay", async () => {
  const lb = harness();
  await lb.start(['a']);
  const before = await lb.decisions();
  const raw = lb.server.get('default/a');
  const other = { type: 'example.com/Seen', status: 'True' };
  const { conditions } = raw.status;
  lb.server.put({ ...raw, status: { ...raw.status, conditions: [...conditions, other] } as never });
  await lb.decide();
  expect(await lb.decisions()).toBe(before);
  lb.tell(node('n1', '192.0.2.1'));
  await lb.decide();
  expect(lb.server.get('default/a').status.conditions).toContainEqual(other);
});

test('one that is no load balancer any more loses what is ours', async () => {
  const lb = harness();
  await lb.start(['a']);
  lb.events();
  const { conditions } = lb.server.get('default/a').status;
  const changed = rawBalanced('a', { spec: { type: 'ClusterIP' }, status: { conditions } });
  lb.server.put({ ...changed, status: { loadBalancer: {}, conditions } as never });
  await lb.decide();
  expect(lb.server.statusOf('default/a')).toBe('');
  lb.server.put(rawBalanced('a'));
  await lb.decide();
  expect(lb.server.statusOf('default/a')).toBe('192.0.2.1 Assigned');
});

test("a status that is somebody else's stays, and that is told once", async () => {
  const lb = harness(settingsOf([office], {}, true));
  await lb.start(['cloud', { lbClass: null, has: '203.0.113.7' }]);
  expect(lb.events()).toEqual([
    'Warning AddressNotOurs cloud: its status was written by somebody else: no address of it is in a pool',
  ]);
  lb.server.put(rawBalanced('a'));
  await lb.decide();
  expect(lb.requests()).toEqual(['LIST', 'PATCH default/a']);
  expect(lb.events()).toEqual(['Normal AddressAssigned a: 192.0.2.1 from pool office']);
});

test('what somebody else writes over ours is let go of, and that is told once', async () => {
  const lb = harness(settingsOf([office], {}, true));
  await lb.start(['web', { lbClass: null }]);
  lb.events();
  lb.requests();
  const { conditions } = lb.server.get('default/web').status;
  const ingress = [{ ip: '203.0.113.7', ipMode: 'Proxy' }];
  const raw = rawBalanced('web', { lbClass: null });
  lb.server.put({ ...raw, status: { loadBalancer: { ingress }, conditions } });
  await lb.decide();
  expect(lb.requests()).toEqual(['PATCH default/web']);
  expect(lb.server.get('default/web').status).toEqual({
    loadBalancer: { ingress },
    conditions: [],
  });
  lb.server.put(rawBalanced('a'));
  await lb.decide();
  expect(lb.events()).toEqual([
    'Warning AddressNotOurs web: its status was written by somebody else: no address of it is in a pool',
    'Normal AddressAssigned a: 192.0.2.1 from pool office',
  ]);
});

test('an address that another machine answers for is given to nobody new, and told of once', async () => {
  const lb = harness();
  await lb.start(['a']);
  lb.events();
  const owner = { mac: '02:00:00:00:00:99', interfaceName: 'eth0', node: 'node-1' };
  lb.foreignOwners.set('192.0.2.1', owner);
  lb.foreignOwners.set('192.0.2.2', owner);
  lb.server.put(rawBalanced('b'));
  await lb.decide();
  lb.server.put(rawBalanced('c'));
  await lb.decide();
  expect(lb.server.statusOf('default/a')).toBe('192.0.2.1 Assigned');
  expect(lb.server.statusOf('default/b')).toBe('192.0.2.3 Assigned');
  expect(lb.events()).toEqual([
    'Warning AddressConflict a: 192.0.2.1 is answered for by 02:00:00:00:00:99 too at eth0 of node-1: give one of the two another address',
    'Normal AddressAssigned b: 192.0.2.3 from pool office',
    'Normal AddressAssigned c: 192.0.2.4 from pool office',
  ]);
  lb.foreignOwners.delete('192.0.2.2');
  lb.server.put(rawBalanced('d'));
  await lb.decide();
  expect(lb.server.statusOf('default/d')).toBe('192.0.2.2 Assigned');
});

test('a pool with nothing left is a condition until it is another way', async () => {
  const lb = harness();
  const names = Array.from({ length: 9 }, (_, i) => `s${i}`);
  await lb.start(...names.slice(1).map((name) => [name] as const));
  expect(lb.conditions()).toEqual([]);
  lb.server.put(rawBalanced('s0'));
  await lb.decide();
  expect(lb.conditions()).toEqual(['AddressPoolFull office IPv4']);
  expect(lb.host.log.take().at(-2)).toBe(
    'warning pool office has 1 free addresses of IPv4 left, of 10: add addresses to it, or a pool',
  );
  lb.server.put(rawBalanced('last'));
  await lb.decide();
  expect(lb.host.conditions.standing[0]?.report.message).toBe(
    'pool office has no free address of IPv4 left, of 10: add addresses to it, or a pool',
  );
  lb.server.delete('default/last');
  lb.server.delete('default/s1');
  await lb.decide();
  expect(lb.conditions()).toEqual([]);
});

test('metrics say what is given', async () => {
  const lb = harness(settingsOf([pool('office', '192.0.2.1-192.0.2.2 2001:db8::/64')]));
  await lb.start(['a'], ['b'], ['c'], ['other', { lbClass: 'example.com/lb' }]);
  const text = await lb.host.metrics.metrics();
  for (const line of [
    'kubeipvs_lb_is_allocator 1',
    'kubeipvs_lb_pool_addresses{pool="office",family="IPv4"} 2',
    'kubeipvs_lb_pool_addresses_used{pool="office",family="IPv4"} 2',
    'kubeipvs_lb_pool_addresses{pool="office",family="IPv6"} 9223372036854776000',
    'kubeipvs_lb_services{state="Assigned"} 2',
    'kubeipvs_lb_services{state="Pending"} 1',
    'kubeipvs_lb_services{state="Ignored"} 1',
  ])
    expect(text).toContain(`${line}\n`);
});

test('deciding takes a tenth of the time at most', async () => {
  const lb = harness();
  const { clock } = lb.host;
  const monotonicMs = clock.monotonicMs.bind(clock);
  // Each decision takes 100 ms.
  let spentMs = 0;
  await lb.start(['a']);
  clock.monotonicMs = () => monotonicMs() + spentMs;
  const { cluster } = lb.host;
  const objects = cluster.objects.bind(cluster);
  cluster.objects = (kind) => {
    spentMs += 100;
    return objects(kind);
  };
  lb.server.put(rawBalanced('b'));
  await lb.host.clock.advance(60);
  const before = await lb.decisions();
  expect(before).toBe(2);
  lb.server.put(rawBalanced('c'));
  await lb.host.clock.advance(200);
  expect(await lb.decisions()).toBe(before);
  await lb.host.clock.advance(1_000);
  expect(await lb.decisions()).toBeGreaterThan(before);
});
