import { describe, expect, test } from '@jest/globals';
import { type Problem, sentenceOf } from '../../../src/model/problem.ts';
import { servicePorts, type ServicePorts } from '../../../src/model/service.ts';
import type { ServicePort } from '../../../src/model/servicePort.ts';
import { slimService } from '../../../src/model/slimService.ts';
import { rawService } from '../../support/objects/rawObjects.ts';

function portsOf(
  spec: Record<string, unknown> = {},
  rest: Record<string, unknown> = {},
): ServicePorts {
  const { object, problems } = slimService(rawService(spec, rest));
  expect(problems).toEqual([]);
  return servicePorts(object!);
}

function onlyPort(spec: Record<string, unknown>, rest: Record<string, unknown> = {}): ServicePort {
  const { ports, problems } = portsOf(spec, rest);
  expect(problems).toEqual([]);
  expect(ports).toHaveLength(1);
  return ports[0]!;
}

function lines(problems: readonly Problem[]): string[] {
  return problems.map(
    (problem) => `${problem.path} ${JSON.stringify(problem.value)} ${sentenceOf(problem)}`,
  );
}

const ingress = (...ips: string[]) => ({
  status: { loadBalancer: { ingress: ips.map((ip) => ({ ip })) } },
});

describe('an ordinary Service', () => {
  test('becomes one port with its cluster IP', () => {
    expect(onlyPort({})).toEqual({
      service: 'default/web',
      portName: 'http',
      label: 'default/web:http',
      family: 'IPv4',
      protocol: 'TCP',
      port: 80,
      nodePort: 0,
      clusterIP: '10.96.0.10',
      externalIPs: [],
      loadBalancerIPs: [],
      isExternalLocal: false,
      isInternalLocal: false,
      healthCheckNodePort: 0,
      policy: {},
    });
  });

  test('is labelled without a colon when its port has no name', () => {
    expect(onlyPort({ ports: [{ port: 80 }] })).toMatchObject({
      portName: '',
      label: 'default/web',
    });
  });

  test('of two stacks becomes its ports twice, IPv4 first', () => {
    const { ports } = portsOf({
      clusterIPs: ['fd00::10', '10.96.0.10'],
      ports: [
        { name: 'a', port: 1 },
        { name: 'b', port: 2, protocol: 'SCTP' },
      ],
    });
    expect(ports.map((p) => `${p.family} ${p.clusterIP} ${p.portName} ${p.protocol}`)).toEqual([
      'IPv4 10.96.0.10 a TCP',
      'IPv4 10.96.0.10 b SCTP',
      'IPv6 fd00::10 a TCP',
      'IPv6 fd00::10 b SCTP',
    ]);
  });

  test('of IPv6 alone has canonical addresses', () => {
    expect(onlyPort({ clusterIPs: ['FD00:0::0010'] })).toMatchObject({
      family: 'IPv6',
      clusterIP: 'fd00::10',
    });
  });

  test('carries its session affinity', () => {
    expect(onlyPort({ sessionAffinity: 'ClientIP' }).policy).toEqual({
      affinityTimeoutSec: 10_800,
    });
    expect(onlyPort({}).policy).toEqual({});
  });
});

describe('nothing is programmed for a Service', () => {
  const labelled = (key: string, value: string) => ({
    metadata: { name: 'web', labels: { [key]: value } },
  });

  test.each<[string, Record<string, unknown>, Record<string, unknown>, string]>([
    ['that is headless', { clusterIPs: ['None'] }, {}, 'it is headless (cluster IP None)'],
    ['without a cluster IP', { clusterIPs: [] }, {}, 'it has no cluster IP yet'],
    [
      'of type ExternalName',
      { type: 'ExternalName', externalName: 'db.example', clusterIPs: [] },
      {},
      'type ExternalName is a CNAME in cluster DNS, with nothing to program',
    ],
    [
      'of another proxy',
      {},
      labelled('service.kubernetes.io/service-proxy-name', 'cilium'),
      'the label service.kubernetes.io/service-proxy-name leaves it to another proxy ("cilium")',
    ],
    [
      'of another proxy without a name',
      {},
      labelled('service.kubernetes.io/service-proxy-name', ''),
      'the label service.kubernetes.io/service-proxy-name leaves it to another proxy ("")',
    ],
    [
      'labelled headless',
      {},
      labelled('service.kubernetes.io/headless', ''),
      'the label service.kubernetes.io/headless says that it is headless',
    ],
    ['without ports', { ports: [] }, {}, 'it has no usable port'],
  ])('%s', (_, spec, rest, skipped) => {
    expect(portsOf(spec, rest)).toEqual({ ports: [], skipped, problems: [] });
  });

  test('whose cluster IP is no address, which is reported', () => {
    const { ports, skipped, problems } = portsOf({ clusterIPs: ['10.96.0.256'] });
    expect([ports, skipped]).toEqual([[], 'it has no usable cluster IP']);
    expect(lines(problems)).toEqual([
      'Service/default/web.spec.clusterIPs[0] "10.96.0.256" is not an IP address; it is ignored',
    ]);
  });
});

describe('addresses', () => {
  test('are sorted into families', () => {
    const { ports } = portsOf(
      { clusterIPs: ['10.96.0.10', 'fd00::10'], externalIPs: ['80.11.12.10', '2001:db8::10'] },
      ingress('203.0.113.7', '2001:db8::7'),
    );
    expect(ports.map(({ externalIPs, loadBalancerIPs }) => [externalIPs, loadBalancerIPs])).toEqual(
      [
        [['80.11.12.10'], ['203.0.113.7']],
        [['2001:db8::10'], ['2001:db8::7']],
      ],
    );
  });

  test('of a family without cluster IP are reported and left out', () => {
    const { ports, problems } = portsOf({ externalIPs: ['2001:db8::10'] }, ingress('2001:db8::7'));
    expect(ports).toEqual([expect.objectContaining({ externalIPs: [], loadBalancerIPs: [] })]);
    expect(lines(problems)).toEqual([
      'Service/default/web.status.loadBalancer.ingress[0].ip "2001:db8::7" needs a cluster IP of family IPv6 beside it; it is ignored',
      'Service/default/web.spec.externalIPs[0] "2001:db8::10" needs a cluster IP of family IPv6 beside it; it is ignored',
    ]);
  });

  test.each([
    ['80.11.12', 'is not an IP address'],
    ['80.11.12.10/32', 'is not an IP address'],
    ['', 'is not an IP address'],
    ['0.0.0.0', 'is the unspecified address'],
    ['127.0.0.1', 'is a loopback address'],
    ['169.254.169.254', 'is a link-local address'],
    ['224.0.0.1', 'is a multicast address'],
    ['255.255.255.255', 'is the broadcast address'],
    ['::', 'is the unspecified address'],
    ['::1', 'is a loopback address'],
    ['fe80::1', 'is a link-local address'],
    ['ff02::1', 'is a multicast address'],
    ['::ffff:10.96.0.10', 'is the cluster IP itself'],
    ['127.0.0.01', 'is a loopback address'],
    ['10.96.0.10', 'is the cluster IP itself'],
    ['FD00::10', 'is the cluster IP itself'],
  ])('like %j are reported and left out, the others stay', (address, reason) => {
    const { ports, problems } = portsOf({
      clusterIPs: ['10.96.0.10', 'fd00::10'],
      externalIPs: ['80.11.12.9', address, '80.11.12.11'],
    });
    expect(ports[0]?.externalIPs).toEqual(['80.11.12.9', '80.11.12.11']);
    expect(ports[1]?.externalIPs).toEqual([]);
    expect(lines(problems)).toEqual([
      `Service/default/web.spec.externalIPs[1] ${JSON.stringify(address)} ${reason}; it is ignored`,
    ]);
  });

  // kubernetes issue 100895: the API server stores them as they were written
  test('with leading zeros, and of IPv4 in IPv6 clothes, are served in their canonical form', () => {
    const { ports, problems } = portsOf(
      {
        clusterIPs: ['010.96.0.010', 'fd00::0010'],
        externalIPs: ['203.0.113.007', '::ffff:203.0.113.8', '203.0.113.7'],
      },
      ingress('203.0.113.020', '::ffff:203.0.113.021'),
    );
    expect(ports[0]).toMatchObject({
      clusterIP: '10.96.0.10',
      externalIPs: ['203.0.113.7', '203.0.113.8'],
      loadBalancerIPs: ['203.0.113.20', '203.0.113.21'],
    });
    expect(ports[1]).toMatchObject({ clusterIP: 'fd00::10', externalIPs: [], loadBalancerIPs: [] });
    expect(problems).toEqual([]);
  });

  test('of a load balancer that is no address are reported', () => {
    const { problems } = portsOf({}, ingress('lb.example'));
    expect(lines(problems)).toEqual([
      'Service/default/web.status.loadBalancer.ingress[0].ip "lb.example" is not an IP address; it is ignored',
    ]);
  });

  test('given twice count once', () => {
    const { ports, problems } = portsOf(
      { externalIPs: ['80.11.12.10', '80.11.12.10'] },
      ingress('203.0.113.7', '203.0.113.7'),
    );
    expect(ports[0]).toMatchObject({
      externalIPs: ['80.11.12.10'],
      loadBalancerIPs: ['203.0.113.7'],
    });
    expect(problems).toEqual([]);
  });

  test('that are external are left out where the cluster does not allow any', () => {
    const raw = rawService({ externalIPs: ['80.11.12.10'] }, ingress('203.0.113.7'));
    const { ports, problems } = servicePorts(slimService(raw).object!, {
      allowsExternalIPs: false,
    });
    expect(ports[0]).toMatchObject({ externalIPs: [], loadBalancerIPs: ['203.0.113.7'] });
    expect(lines(problems)).toEqual([
      'Service/default/web.spec.externalIPs[0] "80.11.12.10" is not allowed in this cluster: the feature gate AllowServiceExternalIPs is off; it is ignored',
    ]);
  });

  test('that are external and of a load balancer count as the latter', () => {
    expect(onlyPort({ externalIPs: ['203.0.113.7'] }, ingress('203.0.113.7'))).toMatchObject({
      externalIPs: [],
      loadBalancerIPs: ['203.0.113.7'],
    });
  });

  test('of a load balancer in mode Proxy, and host names, are not served', () => {
    const rest = {
      status: {
        loadBalancer: {
          ingress: [
            { ip: '203.0.113.7', ipMode: 'Proxy' },
            { hostname: 'lb.example' },
            { ip: '203.0.113.8' },
          ],
        },
      },
    };
    expect(onlyPort({}, rest).loadBalancerIPs).toEqual(['203.0.113.8']);
  });

  test('served as external IP stay so when the load balancer is in mode Proxy', () => {
    const rest = {
      status: { loadBalancer: { ingress: [{ ip: '203.0.113.7', ipMode: 'Proxy' }] } },
    };
    expect(onlyPort({ externalIPs: ['203.0.113.7'] }, rest).externalIPs).toEqual(['203.0.113.7']);
  });

  test('of a second cluster IP in one family are reported', () => {
    const { ports, problems } = portsOf({ clusterIPs: ['10.96.0.10', '10.96.0.11', '10.96.0.10'] });
    expect(ports.map(({ clusterIP }) => clusterIP)).toEqual(['10.96.0.10']);
    expect(lines(problems)).toEqual([
      'Service/default/web.spec.clusterIPs[1] "10.96.0.11" is a second cluster IP beside 10.96.0.10; it is ignored',
    ]);
  });

  test('of one family stay when the cluster IP of the other is bad', () => {
    const { ports, problems } = portsOf({ clusterIPs: ['10.96.0.10', 'fe80::1'] });
    expect(ports.map(({ family }) => family)).toEqual(['IPv4']);
    expect(problems).toHaveLength(1);
  });
});

describe('ports of one Service that collide', () => {
  const collide = (second: Record<string, unknown>) =>
    portsOf({
      type: 'NodePort',
      ports: [{ name: 'a', port: 80, nodePort: 30080 }, second, { name: 'z', port: 99 }],
    });

  test('by number and protocol: the first counts', () => {
    const { ports, problems } = collide({ name: 'b', port: 80 });
    expect(ports.map(({ portName }) => portName)).toEqual(['a', 'z']);
    expect(lines(problems)).toEqual([
      'Service/default/web.spec.ports[1].port 80 is the number of an earlier port; this port is skipped',
    ]);
  });

  test('by name and protocol: the first counts', () => {
    const { ports, problems } = collide({ name: 'a', port: 81 });
    expect(ports.map(({ port }) => port)).toEqual([80, 99]);
    expect(lines(problems)).toEqual([
      'Service/default/web.spec.ports[1].name "a" is the name of an earlier port; this port is skipped',
    ]);
  });

  test('by nodePort: the second is served without it', () => {
    const { ports, problems } = collide({ name: 'b', port: 81, nodePort: 30080 });
    expect(ports.map(({ port, nodePort }) => [port, nodePort])).toEqual([
      [80, 30080],
      [81, 0],
      [99, 0],
    ]);
    expect(lines(problems)).toEqual([
      'Service/default/web.spec.ports[1].nodePort 30080 is the nodePort of an earlier port; it is ignored',
    ]);
  });

  test('not when the protocols differ', () => {
    const { ports, problems } = collide({ name: 'a', port: 80, protocol: 'UDP', nodePort: 30080 });
    expect(ports).toHaveLength(3);
    expect(problems).toEqual([]);
  });

  test('are reported once for both families', () => {
    const { problems } = portsOf({
      clusterIPs: ['10.96.0.10', 'fd00::10'],
      ports: [{ port: 80 }, { port: 80 }],
    });
    expect(problems).toHaveLength(1);
  });
});

test('60,000 ports become as many', () => {
  const ports = Array.from({ length: 60_000 }, (_, i) => ({ name: `p${i}`, port: i + 1 }));
  expect(portsOf({ ports }).ports).toHaveLength(60_000);
});

describe('externalTrafficPolicy Local', () => {
  const local = { externalTrafficPolicy: 'Local' };

  test.each<[string, Record<string, unknown>, Record<string, unknown>, boolean]>([
    ['with a nodePort', { type: 'NodePort', ports: [{ port: 80, nodePort: 30080 }] }, {}, true],
    ['with a load balancer address', { type: 'LoadBalancer' }, ingress('203.0.113.7'), true],
    ['with an external IP', { externalIPs: ['80.11.12.10'] }, {}, true],
    ['with a cluster IP alone', {}, {}, false],
    ['of type LoadBalancer without address or nodePort', { type: 'LoadBalancer' }, {}, false],
  ])('%s: counts = %#', (_, spec, rest, isExternalLocal) => {
    expect(onlyPort({ ...local, ...spec }, rest).isExternalLocal).toBe(isExternalLocal);
  });

  test('Cluster never counts as Local', () => {
    expect(onlyPort({ externalIPs: ['80.11.12.10'] }).isExternalLocal).toBe(false);
  });
});

test('internalTrafficPolicy Local is passed on', () => {
  expect(onlyPort({ internalTrafficPolicy: 'Local' }).isInternalLocal).toBe(true);
});

test.each([
  ['LoadBalancer', 'Local', 31000],
  ['LoadBalancer', 'Cluster', 0],
  ['NodePort', 'Local', 0],
])(
  'a %s Service of policy %s has health check port %i',
  (type, externalTrafficPolicy, expected) => {
    const port = onlyPort({ type, externalTrafficPolicy, healthCheckNodePort: 31000 });
    expect(port.healthCheckNodePort).toBe(expected);
  },
);
