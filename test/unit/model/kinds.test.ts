import { describe, expect, test } from '@jest/globals';
import {
  ALL_KINDS,
  KINDS,
  kindsFor,
  type Need,
  NO_NEEDS,
  pathOf,
} from '../../../src/model/kinds.ts';

const selectorsOf = (...needs: readonly Need[]) =>
  KINDS.Service.selectors({ nodeName: 'node-1', needs: new Set(needs) });

test('a proxy without features reads Services, their slices and its Node', () => {
  expect(kindsFor({ needs: NO_NEEDS }).map((kind) => pathOf(kind))).toEqual([
    '/api/v1/services',
    '/apis/discovery.k8s.io/v1/endpointslices',
    '/api/v1/nodes',
  ]);
});

test('what is headless or a name only stays at the server unless it is needed', () => {
  const proxyName = '!service.kubernetes.io/service-proxy-name';
  const both = `${proxyName},!service.kubernetes.io/headless`;
  expect(selectorsOf()).toEqual({
    labelSelector: both,
    fieldSelector: 'spec.clusterIP!=None,spec.type!=ExternalName',
  });
  expect(selectorsOf('ExternalNames')).toEqual({
    labelSelector: both,
    fieldSelector: 'spec.clusterIP!=None',
  });
  expect(selectorsOf('HeadlessServices')).toEqual({
    labelSelector: proxyName,
    fieldSelector: 'spec.type!=ExternalName',
  });
  expect(selectorsOf('HeadlessServices', 'ExternalNames')).toEqual({ labelSelector: proxyName });
});

test('the slices of headless Services come with them', () => {
  const { selectors } = KINDS.EndpointSlice;
  const needs = new Set<Need>(['HeadlessServices']);
  expect(selectors({ nodeName: 'node-1', needs }).labelSelector).not.toContain('headless');
  expect(selectors({ nodeName: 'node-1', needs: NO_NEEDS }).labelSelector).toContain('headless');
});

test('of Nodes only that of this machine is read, whatever its name', () => {
  const of = (nodeName: string) => KINDS.Node.selectors({ nodeName, needs: NO_NEEDS });
  expect(of('node-1')).toEqual({ fieldSelector: 'metadata.name=node-1' });
  expect(of(String.raw`a,b=c\d`)).toEqual({
    fieldSelector: String.raw`metadata.name=a\,b\=c\\d`,
  });
});

test('where load balancer addresses are announced all Nodes are read', () => {
  const needs = new Set<Need>(['LoadBalancing']);
  expect(KINDS.Node.selectors({ nodeName: 'node-1', needs })).toEqual({});
});

test('each row has the name it is found by, and the door of its kind', () => {
  for (const [name, row] of Object.entries(KINDS)) expect(row.kind).toBe(name);
  for (const { kind, slim } of ALL_KINDS) {
    expect(slim([]).problems[0]?.path).toMatch(new RegExp(`^${kind}/`));
  }
});

describe('a Service where load balancer addresses are given out', () => {
  const serviceKind = (...needs: readonly Need[]) =>
    kindsFor({ needs: new Set(needs) }).find(({ kind }) => kind === 'Service')!;
  const raw = (spec: object) => ({ metadata: { name: 'web', namespace: 'shop' }, spec });

  test('has what is asked of its addresses beside what a proxy reads', () => {
    const service = raw({ type: 'LoadBalancer', loadBalancerIP: '192.0.2.9' });
    const proxied = serviceKind().slim(service).object;
    expect(proxied).not.toHaveProperty('balanced');
    const { object, problems } = serviceKind('LoadBalancing').slim(service);
    expect(object).toMatchObject(proxied!);
    expect(object).toHaveProperty('balanced.loadBalancerIP.value', '192.0.2.9');
    expect(problems).toEqual([]);
  });

  test('is proxied as before when what is asked of its addresses is wrong', () => {
    const service = raw({ loadBalancerIP: 9 });
    const { object, problems } = serviceKind('LoadBalancing').slim(service);
    expect(object).toEqual(serviceKind().slim(service).object);
    expect(problems).toEqual([
      {
        path: 'Service/shop/web.spec.loadBalancerIP',
        value: 9,
        problem: 'must be a string (put it in quotes)',
        consequence: 'NotBalanced',
      },
    ]);
  });

  test('is told once of what is wrong for both, and is skipped', () => {
    const { object, problems } = serviceKind('LoadBalancing').slim(raw({ type: 'Balancer' }));
    expect(object).toBeUndefined();
    expect(problems.map(({ consequence }) => consequence)).toEqual(['ServiceSkipped']);
  });
});
