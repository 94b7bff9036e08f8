/**
 * Like proxyObjects.test.ts, for what brings traffic from outside: NodePorts, externalIPs, load
 * balancers' addresses.
 */
import { expect, test } from '@jest/globals';
import type { ClusterObject } from '../support/e2e/clusterObjects.ts';
import { eventually, NODE, NODE_ADDRESS } from '../support/e2e/cluster.ts';
import { endpoint, service, slice } from '../support/e2e/objects.ts';
import { clusterIpLines, E2eSession, gone } from '../support/e2e/session.ts';

const session = E2eSession.register({ isRunning: true });

const ip = '10.96.1.2';

test('a NodePort is on the addresses of this node, as they come and go', async () => {
  const ports = [
    { name: 'a', port: 80, targetPort: 8080, nodePort: 30080 },
    { name: 'b', protocol: 'UDP', port: 90, targetPort: 9090, nodePort: 30090 },
  ];
  const web = service('web', { type: 'NodePort', clusterIP: ip, ports });
  const ofSlice = [
    { name: 'a', port: 8080 },
    { name: 'b', port: 9090, protocol: 'UDP' },
  ];
  await session.create(web, slice('web-1', { ports: ofSlice }));
  const tcp = (address: string) => `TCP ${address}:30080 rr: | 10.244.1.5:8080 Masq 1`;
  await session.shows('30080', [tcp(NODE_ADDRESS), 'KUBE-NODE-PORT-TCP 30080']);
  await session.shows('30090', [
    `UDP ${NODE_ADDRESS}:30090 rr: | 10.244.1.5:9090 Masq 1`,
    'KUBE-NODE-PORT-UDP 30090',
  ]);

  await session.cluster.lab.exec(['ip', 'address', 'add', '192.0.2.10/24', 'dev', 'vec0']);
  await session.shows('30080', [tcp(NODE_ADDRESS), tcp('192.0.2.10'), 'KUBE-NODE-PORT-TCP 30080']);
  await session.cluster.lab.exec(['ip', 'address', 'delete', '192.0.2.10/24', 'dev', 'vec0']);
  await session.shows('30080', [tcp(NODE_ADDRESS), 'KUBE-NODE-PORT-TCP 30080']);

  await session.cluster.objects.patch(web, { spec: { externalTrafficPolicy: 'Local' } });
  const local = ['KUBE-NODE-PORT-TCP 30080', 'KUBE-NODE-PORT-LOCAL-TCP 30080'];
  await session.shows('30080', [
    tcp(NODE_ADDRESS),
    ...local,
    `KUBE-IPVS-DROP ${NODE_ADDRESS},tcp:30080`,
  ]);
  const endpoints = [endpoint('10.244.1.5', { nodeName: NODE })];
  await session.cluster.objects.patch(slice('web-1'), { endpoints });
  await session.shows('30080', [tcp(NODE_ADDRESS), ...local]);

  const toClusterIp = {
    type: 'ClusterIP',
    externalTrafficPolicy: null,
    ports: ports.map((port) => ({ ...port, nodePort: null })),
  };
  await session.cluster.objects.patch(web, { spec: toClusterIp });
  await session.shows('30080', gone);
  await session.shows('30090', gone);
});

test('an externalIP is bound, and one of another node never', async () => {
  const other: ClusterObject = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'other' } };
  await session.create(other);
  const addresses = [{ type: 'InternalIP', address: '192.0.2.77' }];
  await session.cluster.objects.patch(other, { status: { addresses } }, 'status');
  const externalIPs = ['80.11.12.10', '192.0.2.77'];
  await session.create(service('web', { clusterIP: ip, externalIPs }), slice('web-1'));
  await session.shows('80.11.12.10', [
    'TCP 80.11.12.10:80 rr: | 10.244.1.5:8080 Masq 1',
    'KUBE-EXTERNAL-IP 80.11.12.10,tcp:80',
    'KUBE-IPVS-IPS 80.11.12.10',
    'bound 80.11.12.10',
  ]);
  await session.shows('192.0.2.77', gone);
  await session.warns('web', /192\.0\.2\.77/);

  await session.cluster.objects.patch(service('web'), { spec: { externalIPs: ['80.11.12.11'] } });
  await session.shows('80.11.12.10', gone);
  await session.shows('80.11.12.11', [
    'TCP 80.11.12.11:80 rr: | 10.244.1.5:8080 Masq 1',
    'KUBE-EXTERNAL-IP 80.11.12.11,tcp:80',
    'KUBE-IPVS-IPS 80.11.12.11',
    'bound 80.11.12.11',
  ]);
});

test('a load balancer address comes with the status, with ipMode and source ranges', async () => {
  const lb = '203.0.113.5';
  const web = service('web', {
    type: 'LoadBalancer',
    clusterIP: ip,
    allocateLoadBalancerNodePorts: false,
  });
  await session.create(web, slice('web-1'));
  await session.shows(ip, [`TCP ${ip}:80 rr: | 10.244.1.5:8080 Masq 1`, ...clusterIpLines(ip)]);
  await session.shows(lb, gone);

  const status = (ingress: readonly object[]) =>
    session.cluster.objects.patch(web, { status: { loadBalancer: { ingress } } }, 'status');
  await status([{ ip: lb, ipMode: 'VIP' }]);
  const served = [
    `TCP ${lb}:80 rr: | 10.244.1.5:8080 Masq 1`,
    `KUBE-LOAD-BALANCER ${lb},tcp:80`,
    `KUBE-IPVS-IPS ${lb}`,
    `bound ${lb}`,
  ];
  await session.shows(lb, served);

  const loadBalancerSourceRanges = ['198.51.100.0/24', '192.0.2.1/32'];
  await session.cluster.objects.patch(web, { spec: { loadBalancerSourceRanges } });
  await session.shows(lb, [
    ...served,
    `KUBE-LOAD-BALANCER-FW ${lb},tcp:80`,
    `KUBE-LOAD-BALANCER-SOURCE-CIDR ${lb},tcp:80,198.51.100.0/24`,
    `KUBE-LOAD-BALANCER-SOURCE-CIDR ${lb},tcp:80,192.0.2.1`,
    `KUBE-LOAD-BALANCER-OUT-DENY ${lb},tcp:8080,10.244.1.5`,
  ]);
  await session.cluster.objects.patch(web, { spec: { loadBalancerSourceRanges: null } });
  await session.shows(lb, served);

  await status([{ ip: lb, ipMode: 'Proxy' }]);
  await session.shows(lb, gone);
  await status([{ ip: lb }]);
  await session.shows(lb, served);
  await status([]);
  await session.shows(lb, gone);
});

test('two Services want one externalIP: the older has it, the other takes over', async () => {
  const vip = '80.11.12.12';
  const externalIPs = [vip];
  await session.create(service('older', { clusterIP: ip, externalIPs }), slice('older-1'));
  await session.shows(ip, [`TCP ${ip}:80 rr: | 10.244.1.5:8080 Masq 1`, ...clusterIpLines(ip)]);
  await new Promise((resolve) => setTimeout(resolve, 1_100)); // creation times have seconds
  await session.create(
    service('younger', { clusterIP: '10.96.1.3', externalIPs }),
    slice('younger-1', { endpoints: [endpoint('10.244.1.99')] }),
  );
  const lines = (address: string) => [
    `TCP ${vip}:80 rr: | ${address}:8080 Masq 1`,
    `KUBE-EXTERNAL-IP ${vip},tcp:80`,
    `KUBE-IPVS-IPS ${vip}`,
    `bound ${vip}`,
  ];
  await session.shows('10.96.1.3', [
    'TCP 10.96.1.3:80 rr: | 10.244.1.99:8080 Masq 1',
    ...clusterIpLines('10.96.1.3'),
  ]);
  await session.warns('younger', /80\.11\.12\.12.*older/);
  await session.shows(vip, lines('10.244.1.5'));
  expect(await session.cluster.metric('kubeipvs_problems')).toBe(1);
  await session.cluster.objects.delete(service('older'));
  await session.shows(vip, lines('10.244.1.99'));
  await eventually(async () => expect(await session.cluster.metric('kubeipvs_problems')).toBe(0));
});

test('the log of all this names no failure', () => {
  const lines = session.run.log().split('\n');
  expect(lines.filter((line) => line.startsWith('E'))).toEqual([]);
});
