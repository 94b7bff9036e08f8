import { describe, expect, test } from '@jest/globals';
import { sentenceOf } from '../../../src/model/problem.ts';
import { slimService } from '../../../src/model/slimService.ts';
import { rawService } from '../../support/objects/rawObjects.ts';

function problemsOf(raw: unknown): string[] {
  return slimService(raw).problems.map((problem) => `${problem.path}: ${sentenceOf(problem)}`);
}

test('a Service with every field keeps what a proxy reads', () => {
  const raw = rawService(
    {
      type: 'LoadBalancer',
      clusterIP: '10.96.0.10',
      clusterIPs: ['10.96.0.10', 'fd00::10'],
      ipFamilies: ['IPv4', 'IPv6'],
      externalIPs: ['80.11.12.10'],
      loadBalancerSourceRanges: ['192.0.2.0/24'],
      ports: [
        { name: 'http', port: 80, targetPort: 'web', nodePort: 30080, appProtocol: 'h2c' },
        { name: 'dns', port: 53, protocol: 'UDP', targetPort: 5353 },
      ],
      selector: { app: 'web' },
      sessionAffinity: 'ClientIP',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } },
      externalTrafficPolicy: 'Local',
      internalTrafficPolicy: 'Local',
      healthCheckNodePort: 31000,
    },
    {
      metadata: {
        name: 'web',
        namespace: 'shop',
        creationTimestamp: '2026-01-02T03:04:05Z',
        managedFields: [{ big: true }],
      },
      status: {
        loadBalancer: { ingress: [{ ip: '203.0.113.7' }, { ip: 'fd01::7', ipMode: 'Proxy' }] },
      },
    },
  );
  expect(slimService(raw)).toEqual({
    problems: [],
    object: {
      namespace: 'shop',
      name: 'web',
      createdAt: '2026-01-02T03:04:05Z',
      type: 'LoadBalancer',
      clusterIPs: ['10.96.0.10', 'fd00::10'],
      externalIPs: ['80.11.12.10'],
      loadBalancerIngress: [
        { ip: '203.0.113.7', ipMode: 'VIP' },
        { ip: 'fd01::7', ipMode: 'Proxy' },
      ],
      sourceRanges: ['192.0.2.0/24'],
      sourceRangesPath: 'spec.loadBalancerSourceRanges',
      ports: [
        { name: 'http', protocol: 'TCP', port: 80, nodePort: 30080, index: 0 },
        { name: 'dns', protocol: 'UDP', port: 53, nodePort: 0, index: 1 },
      ],
      policy: { affinityTimeoutSec: 60 },
      externalTrafficPolicy: 'Local',
      internalTrafficPolicy: 'Local',
      healthCheckNodePort: 31000,
    },
  });
});

test('an almost empty Service gets the defaults of the API server', () => {
  const { object, problems } = slimService({ metadata: { name: 'web' } });
  expect(problems).toEqual([]);
  expect(object).toEqual({
    namespace: 'default',
    name: 'web',
    createdAt: '',
    type: 'ClusterIP',
    clusterIPs: [],
    externalIPs: [],
    loadBalancerIngress: [],
    sourceRanges: [],
    sourceRangesPath: expect.any(String),
    ports: [],
    externalTrafficPolicy: 'Cluster',
    internalTrafficPolicy: 'Cluster',
    healthCheckNodePort: 0,
    policy: {},
  });
});

test('null is the same as absent, at every depth', () => {
  const nulls = {
    type: null,
    clusterIP: null,
    clusterIPs: null,
    externalIPs: null,
    loadBalancerSourceRanges: null,
    sessionAffinity: null,
    sessionAffinityConfig: null,
    externalTrafficPolicy: null,
    healthCheckNodePort: null,
    ports: [{ name: null, protocol: null, port: 80, nodePort: null }],
  };
  const raw = {
    metadata: { name: 'web', namespace: null, labels: null, annotations: null },
    spec: nulls,
    status: { loadBalancer: null },
  };
  expect(slimService(raw).problems).toEqual([]);
  expect(slimService({ ...raw, status: null }).object?.ports).toHaveLength(1);
});

describe('cluster IPs', () => {
  test('come from clusterIPs when both fields are there', () => {
    const raw = rawService({ clusterIP: '10.96.0.1', clusterIPs: ['10.96.0.2'] });
    expect(slimService(raw).object?.clusterIPs).toEqual(['10.96.0.2']);
  });

  test('come from clusterIP alone when clusterIPs is empty', () => {
    const raw = rawService({ clusterIP: 'None', clusterIPs: [] });
    expect(slimService(raw).object?.clusterIPs).toEqual(['None']);
  });

  test('that are no strings stay in their position as text, to be judged as addresses', () => {
    const raw = rawService({ clusterIPs: [10, null, 'fd00::1', { a: 1 }] });
    expect(slimService(raw).object?.clusterIPs).toEqual(['10', 'null', 'fd00::1', '{"a":1}']);
  });
});

describe('a bad port is dropped alone:', () => {
  test.each<[string, Record<string, unknown>, string, string]>([
    ['port as a word', { port: 'abc' }, 'port', 'must be a whole number from 1 to 65535'],
    ['port as digits in quotes', { port: '80' }, 'port', 'must be a whole number from 1 to 65535'],
    ['port too high', { port: 70000 }, 'port', 'must be a whole number from 1 to 65535'],
    ['port 0', { port: 0 }, 'port', 'must be a whole number from 1 to 65535'],
    ['port negative', { port: -1 }, 'port', 'must be a whole number from 1 to 65535'],
    ['port with a fraction', { port: 80.5 }, 'port', 'must be a whole number from 1 to 65535'],
    ['no port', {}, 'port', 'must be a whole number from 1 to 65535'],
    [
      'protocol in small letters',
      { port: 1, protocol: 'tcp' },
      'protocol',
      'must be one of TCP, UDP, SCTP',
    ],
    [
      'unknown protocol',
      { port: 1, protocol: 'ICMP' },
      'protocol',
      'must be one of TCP, UDP, SCTP',
    ],
    ['protocol as a number', { port: 1, protocol: 6 }, 'protocol', 'must be one of TCP, UDP, SCTP'],
    [
      'nodePort too high',
      { port: 1, nodePort: 65536 },
      'nodePort',
      'must be a whole number from 0 to 65535',
    ],
    [
      'nodePort as a word',
      { port: 1, nodePort: 'x' },
      'nodePort',
      'must be a whole number from 0 to 65535',
    ],
    ['name as a number', { port: 1, name: 5 }, 'name', 'must be a string (put it in quotes)'],
  ])('%s', (_, port, field, why) => {
    const { object, problems } = slimService(
      rawService({ ports: [{ name: 'good', port: 80 }, port, { name: 'fine', port: 81 }] }),
    );
    expect(object?.ports.map(({ name, index }) => [name, index])).toEqual([
      ['good', 0],
      ['fine', 2],
    ]);
    expect(problems).toEqual([
      {
        path: `Service/default/web.spec.ports[1].${field}`,
        value: port[field],
        problem: why,
        consequence: 'PortSkipped',
      },
    ]);
  });

  test('an entry that is no object', () => {
    expect(problemsOf(rawService({ ports: [80, { port: 81 }] }))).toEqual([
      'Service/default/web.spec.ports[0]: must be an object; this port is skipped',
    ]);
  });

  test('with several bad fields, each is reported', () => {
    expect(
      problemsOf(rawService({ ports: [{ port: 'a', protocol: 'b', nodePort: 'c' }] })),
    ).toEqual([
      'Service/default/web.spec.ports[0].protocol: must be one of TCP, UDP, SCTP; this port is skipped',
      'Service/default/web.spec.ports[0].port: must be a whole number from 1 to 65535; this port is skipped',
      'Service/default/web.spec.ports[0].nodePort: must be a whole number from 0 to 65535; this port is skipped',
    ]);
  });
});

describe('another bad field drops the Service:', () => {
  test.each<[string, Record<string, unknown>, string]>([
    [
      'type',
      { type: 'Loadbalancer' },
      'must be one of ClusterIP, NodePort, LoadBalancer, ExternalName',
    ],
    ['externalTrafficPolicy', { externalTrafficPolicy: 'local' }, 'must be one of Cluster, Local'],
    ['internalTrafficPolicy', { internalTrafficPolicy: true }, 'must be one of Cluster, Local'],
    ['sessionAffinity', { sessionAffinity: 'clientIP' }, 'must be one of None, ClientIP'],
    ['healthCheckNodePort', { healthCheckNodePort: 'x' }, 'must be a whole number from 0 to 65535'],
    ['ports', { ports: { port: 80 } }, 'must be a list'],
    ['externalIPs', { externalIPs: '80.11.12.10' }, 'must be a list'],
    ['clusterIPs', { clusterIPs: '10.96.0.1' }, 'must be a list'],
    // it restricts access: what cannot be read must not be taken for "unrestricted"
    ['loadBalancerSourceRanges', { loadBalancerSourceRanges: '10.0.0.0/8' }, 'must be a list'],
    [
      'sessionAffinityConfig.clientIP.timeoutSeconds',
      {
        sessionAffinity: 'ClientIP',
        sessionAffinityConfig: { clientIP: { timeoutSeconds: 86401 } },
      },
      'must be a whole number from 1 to 86400',
    ],
  ])('%s', (field, spec, why) => {
    const raw = rawService(spec);
    expect(slimService(raw).object).toBeUndefined();
    expect(problemsOf(raw)).toEqual([
      `Service/default/web.spec.${field}: ${why}; this Service is skipped`,
    ]);
  });

  test('spec that is no object', () => {
    expect(problemsOf(rawService({}, { spec: [1] }))).toEqual([
      'Service/default/web.spec: must be an object; this Service is skipped',
    ]);
  });

  test('labels that are no object', () => {
    const raw = rawService({}, { metadata: { name: 'web', labels: 'a=b' } });
    expect(problemsOf(raw)).toEqual([
      'Service/default/web.metadata.labels: must be an object; this Service is skipped',
    ]);
  });
});

describe('a name', () => {
  test.each(['ünïcödé', 'with space', 'UPPER', 'a/b', '..', '[0]', '{"x":1}', '💥', '__proto__'])(
    '%j is as good as any',
    (name) => {
      const { object, problems } = slimService(
        rawService({}, { metadata: { name, namespace: name } }),
      );
      expect(problems).toEqual([]);
      expect([object?.namespace, object?.name]).toEqual([name, name]);
    },
  );

  test.each([[undefined], [null], [''], [5], [['web']]])('%j is refused', (name) => {
    const { object, problems } = slimService(rawService({}, { metadata: { name } }));
    expect(object).toBeUndefined();
    expect(problems.map(({ path }) => path)).toEqual(['Service/default/(unnamed).metadata.name']);
  });

  test('is missed once when there is no metadata', () => {
    expect(problemsOf({ spec: {} })).toEqual([
      'Service/default/(unnamed).metadata.name: must be a non-empty string; this Service is skipped',
    ]);
  });
});

test('a namespace that is no string drops the Service', () => {
  expect(problemsOf(rawService({}, { metadata: { name: 'web', namespace: 5 } }))).toEqual([
    'Service/default/web.metadata.namespace: must be a string (put it in quotes); this Service is skipped',
  ]);
});

test.each([[undefined], [null], [5], ['Service'], [[]]])('%j is no Service', (raw) => {
  const { object, problems } = slimService(raw);
  expect(object).toBeUndefined();
  expect(problems[0]).toEqual({
    path: 'Service/default/(unnamed)',
    value: raw,
    problem: 'must be an object',
    consequence: 'ServiceSkipped',
  });
});

describe('session affinity', () => {
  test('ClientIP alone lasts three hours', () => {
    expect(
      slimService(rawService({ sessionAffinity: 'ClientIP' })).object?.policy.affinityTimeoutSec,
    ).toBe(10_800);
  });

  test('None ignores a configured time', () => {
    const raw = rawService({
      sessionAffinity: 'None',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 5 } },
    });
    expect(slimService(raw).object?.policy).toEqual({});
  });
});

describe('source ranges', () => {
  const annotated = (value: unknown, spec = {}) =>
    rawService(spec, {
      metadata: {
        name: 'web',
        annotations: { 'service.beta.kubernetes.io/load-balancer-source-ranges': value },
      },
    });
  const path = 'metadata.annotations[service.beta.kubernetes.io/load-balancer-source-ranges]';

  test('come from the legacy annotation when the field is empty', () => {
    expect(slimService(annotated('10.0.0.0/8, 192.0.2.0/24,')).object).toMatchObject({
      sourceRanges: ['10.0.0.0/8', ' 192.0.2.0/24'],
      sourceRangesPath: path,
    });
  });

  test('come from the field when both are there', () => {
    const raw = annotated('10.0.0.0/8', { loadBalancerSourceRanges: ['192.0.2.0/24'] });
    expect(slimService(raw).object?.sourceRanges).toEqual(['192.0.2.0/24']);
  });

  test('are none for a blank annotation', () => {
    expect(slimService(annotated('  ')).object?.sourceRanges).toEqual([]);
  });

  test('keep an annotation that names no range, so that it denies', () => {
    expect(slimService(annotated(' , ,')).object?.sourceRanges).toEqual([', ,']);
  });

  test('of the wrong type drop the Service', () => {
    const { object, problems } = slimService(annotated(5));
    expect(object).toBeUndefined();
    expect(problems[0]?.path).toBe(`Service/default/web.${path}`);
  });

  test('that are no strings stay as text, so that they deny', () => {
    const raw = rawService({ loadBalancerSourceRanges: [10] });
    expect(slimService(raw).object?.sourceRanges).toEqual(['10']);
  });
});

describe('load balancer addresses', () => {
  const withIngress = (...ingress: unknown[]) =>
    rawService({}, { status: { loadBalancer: { ingress } } });

  test('keep their positions when one is a host name or bad', () => {
    const raw = withIngress({ hostname: 'lb.example' }, 5, { ip: 7 }, { ip: '203.0.113.7' }, 'x');
    const { object, problems } = slimService(raw);
    expect(object?.loadBalancerIngress.map(({ ip }) => ip)).toEqual([
      undefined,
      undefined,
      undefined,
      '203.0.113.7',
    ]);
    expect(problems.map(({ path }) => path)).toEqual([
      'Service/default/web.status.loadBalancer.ingress[1]',
      'Service/default/web.status.loadBalancer.ingress[2].ip',
      'Service/default/web.status.loadBalancer.ingress[4]',
    ]);
  });

  test('of an unknown ipMode are left out', () => {
    const { object, problems } = slimService(withIngress({ ip: '203.0.113.7', ipMode: 'vip' }));
    expect(object?.loadBalancerIngress).toEqual([{ ipMode: 'VIP' }]);
    expect(problems).toHaveLength(1);
  });
});

describe('labels', () => {
  const labelled = (labels: unknown) => rawService({}, { metadata: { name: 'web', labels } });

  test('that leave a Service to another proxy count by their presence', () => {
    const key = 'service.kubernetes.io/service-proxy-name';
    expect(slimService(labelled({ [key]: 'other' })).object?.proxyName).toBe('other');
    expect(slimService(labelled({ [key]: '' })).object?.proxyName).toBe('');
  });

  test('that say headless count by their presence', () => {
    const key = 'service.kubernetes.io/headless';
    expect(slimService(labelled({ [key]: '' })).object?.isLabelledHeadless).toBe(true);
    expect(slimService(labelled({ app: 'x' })).object).not.toHaveProperty('isLabelledHeadless');
  });
});

test('a Service is never changed by reading it', () => {
  const raw = rawService({ ports: [{ port: 'x' }] });
  const before = structuredClone(raw);
  slimService(raw);
  expect(raw).toEqual(before);
});

test('60,000 ports are read in linear time: a square of it would take minutes', () => {
  const ports = Array.from({ length: 60_000 }, (_, i) => ({ name: `p${i}`, port: i + 1 }));
  const { object, problems } = slimService(rawService({ ports }));
  expect(object?.ports).toHaveLength(60_000);
  expect(problems).toEqual([]);
});
