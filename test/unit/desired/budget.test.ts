/**
 * What one Service may ask of a node: said by a number, and found out before anything is
 * multiplied.
 */
import { expect, test } from '@jest/globals';
import { BUDGET } from '../../../src/desired/budget.ts';
import type { EndpointSliceResource, ServicePortSpec } from '../../../src/model/resources.ts';
import { DesiredCluster } from '../../support/objects/desiredCluster.ts';
import { hostNetwork } from '../../support/objects/nodeFixtures.ts';

const list = <T>(count: number, of: (i: number) => T) =>
  Array.from({ length: count }, (_, i) => of(i));
const ports = (count: number, nodePort = false): ServicePortSpec[] =>
  list(count, (index) => ({
    name: `p${index}`,
    protocol: 'TCP',
    port: index + 1,
    nodePort: nodePort ? 30_000 + index : 0,
    index,
  }));
const external = (i: number) => `203.0.${i >> 8}.${i & 255}`;
const range = (i: number) => `172.${16 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}/32`;
const balancers = (count: number) =>
  list(count, (i) => ({ ip: external(i), ipMode: 'VIP' as const }));

function slice(name: string, portCount: number, endpoints: number): EndpointSliceResource {
  return {
    namespace: 'default',
    name,
    service: 'default/web',
    addressType: 'IPv4',
    ports: list(portCount, (i) => ({ name: `p${i}`, protocol: 'TCP', port: 8000 + i })),
    endpoints: list(endpoints, (index) => ({
      address: `10.${name.length}.${index >> 8}.${index & 255}`,
      index,
      isReady: true,
      isServing: true,
      isTerminating: false,
    })),
  };
}

function put(cluster: DesiredCluster, object: EndpointSliceResource): void {
  const key = `default/${object.name}`;
  cluster.put({ kind: 'EndpointSlice', key, object });
}

test('ranges beyond the budget admit nobody to load balancer addresses, all else is served', () => {
  const cluster = new DesiredCluster();
  const sourceRanges = list(6_554, range);
  const web = { ports: ports(10), loadBalancerIngress: balancers(1), externalIPs: ['80.1.1.1'] };
  cluster.service('web', { ...web, sourceRanges }).builder.settle();
  expect(cluster.entries('KUBE-LOAD-BALANCER-FW')).toHaveLength(10);
  expect(cluster.entries('KUBE-LOAD-BALANCER-SOURCE-CIDR')).toEqual([]);
  expect(cluster.builder.state.virtualServers.size).toBe(30);
  expect(cluster.builder.problems.all()).toEqual([
    {
      path: 'Service/default/web.spec.loadBalancerSourceRanges',
      value: undefined,
      problem:
        'asks for 65540 set members, of ports, load balancer addresses and ranges, more than 65536: use fewer of them, or several Services',
      consequence: 'RangeAdmitsNobody',
    },
  ]);
  cluster.service('web', { ...web, sourceRanges: sourceRanges.slice(0, 6_553) }).builder.settle();
  expect(cluster.entries('KUBE-LOAD-BALANCER-SOURCE-CIDR')).toHaveLength(65_530);
  expect(cluster.builder.problems.all()).toEqual([]);
});

test('ranges without load balancer addresses cost nothing', () => {
  const cluster = new DesiredCluster();
  cluster.service('web', { ports: ports(10), sourceRanges: list(10_000, range) }).builder.settle();
  expect(cluster.builder.problems.all()).toEqual([]);
});

test('a Service of too many addresses and ports is not served', () => {
  const cluster = new DesiredCluster();
  const externalIPs = list(163, external);
  cluster.service('web', { ports: ports(100), externalIPs }).builder.settle();
  expect(cluster.builder.state.virtualServers.size).toBe(0);
  expect(cluster.builder.service('default/web')?.skipped).toBe(
    'it asks for 16400 addresses with a port, more than 16384',
  );
  expect(cluster.builder.problems.all()).toEqual([
    {
      path: 'Service/default/web',
      value: undefined,
      problem:
        'asks for 16400 addresses with a port, more than 16384; use fewer ports or addresses, or several Services',
      consequence: 'ServiceSkipped',
    },
  ]);
  cluster.service('web', { ports: ports(100), externalIPs: externalIPs.slice(1) }).builder.settle();
  expect(cluster.builder.state.virtualServers.size).toBe(16_300);
});

test('all NodePorts there are, at five addresses, are within the budget', () => {
  const addresses = list(4, (i) => `192.168.1.${i + 1}/24`);
  const host = hostNetwork({ interfaces: [{ name: 'eth0', isUp: true, addresses }] });
  const cluster = new DesiredCluster(host);
  cluster.service('web', { type: 'NodePort', ports: ports(2_768, true) }).builder.settle();
  expect(cluster.builder.state.virtualServers.size).toBe(2_768 * 5);
});

test('what a Service may ask for is served to the last address', () => {
  const cluster = new DesiredCluster();
  const externalIPs = list(BUDGET.frontends / 64 - 1, external);
  cluster.service('web', { ports: ports(64), externalIPs }).builder.settle();
  expect(cluster.builder.state.virtualServers.size).toBe(BUDGET.frontends);
  expect(cluster.builder.problems.all()).toEqual([]);
});

test('a Service of too many destinations is not served, and is again with fewer endpoints', () => {
  const cluster = new DesiredCluster().service('web', { ports: ports(100) });
  for (let i = 1; i <= 6; i++) put(cluster, slice('s'.repeat(i), 100, i === 6 ? 243 : 1_000));
  cluster.builder.settle();
  expect(cluster.builder.state.virtualServers.size).toBe(0);
  expect(cluster.builder.problems.all()[0]?.problem).toMatch(
    /^asks for 524300 destinations, more than 524288; use fewer ports, addresses or endpoints/,
  );
  put(cluster, slice('s', 100, 0));
  put(cluster, slice('ss', 100, 0));
  put(cluster, slice('sss', 100, 0));
  put(cluster, slice('ssss', 100, 0));
  put(cluster, slice('sssss', 100, 0));
  cluster.builder.settle();
  expect(cluster.builder.state.virtualServers.size).toBe(100);
  expect(cluster.builder.problems.all()).toEqual([]);
});

test('endpoints of ports that the Service has not do not count, nor do those of the other family', () => {
  const cluster = new DesiredCluster().service('web', { ports: ports(2) });
  put(cluster, { ...slice('s', 100, 5_000), ports: [{ name: 'x', protocol: 'TCP', port: 1 }] });
  put(cluster, { ...slice('ss', 100, 5_000), addressType: 'IPv6' });
  cluster.builder.settle();
  expect(cluster.builder.problems.all()).toEqual([]);
});

// nothing but the numbers may be looked at: all products of these are far beyond memory
test('a demand without bounds is found out without being multiplied', () => {
  const cluster = new DesiredCluster();
  const huge = { externalIPs: list(20_000, external), sourceRanges: list(20_000, range) };
  cluster.service('web', { ...huge, ports: ports(20_000), loadBalancerIngress: balancers(20_000) });
  for (let i = 1; i <= 10; i++) put(cluster, slice('s'.repeat(i), 20_000, 1_000));
  cluster.builder.settle();
  expect(cluster.builder.state.virtualServers.size).toBe(0);
  expect(BUDGET.frontends).toBeLessThan(20_000);
});
