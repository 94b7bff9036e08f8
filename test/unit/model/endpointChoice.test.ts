import { describe, expect, test } from '@jest/globals';
import { chooseEndpoints } from '../../../src/model/endpointChoice.ts';
import type { Endpoint, EndpointChoice, ServicePort } from '../../../src/model/servicePort.ts';

const NODE = { name: 'node-a', zone: 'z1' };

const PORT: ServicePort = {
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
  policy: {},
  healthCheckNodePort: 0,
};
const NODE_PORT: ServicePort = { ...PORT, nodePort: 30080 };

/** `ready` … with the last byte of its address; a `here` one is on this node. */
function endpoint(
  lastByte: number,
  state: 'ready' | 'not ready' | 'serving' | 'gone',
  fields: Partial<Endpoint> = {},
): Endpoint {
  return {
    address: `10.244.0.${lastByte}`,
    port: 8080,
    isReady: state === 'ready',
    isServing: state === 'ready' || state === 'serving',
    isTerminating: state === 'serving' || state === 'gone',
    isLocal: false,
    source: `default/web-1#${lastByte}`,
    ...fields,
  };
}

const HERE = { isLocal: true, nodeName: 'node-a' };
const zones = (...hintZones: string[]) => ({ hintZones });
const nodes = (...hintNodes: string[]) => ({ hintNodes });

function lastBytes(list: readonly Endpoint[]): number[] {
  return list.map(({ address }) => Number(address.split('.')[3]));
}

function chosen(choice: EndpointChoice) {
  const { cluster, local, allLocal, forClusterIP, forExternal } = choice;
  return {
    cluster: lastBytes(cluster),
    local: lastBytes(local),
    allLocal: lastBytes(allLocal),
    forClusterIP: lastBytes(forClusterIP),
    forExternal: lastBytes(forExternal),
    isOutsideDropped: choice.isOutsideDropped,
  };
}

function reasons(choice: EndpointChoice): Record<number, string> {
  return Object.fromEntries(choice.excluded.map((e) => [lastBytes([e.endpoint])[0]!, e.reason]));
}

describe('readiness', () => {
  test('ready endpoints get the traffic, the others have their reasons', () => {
    const all = [
      endpoint(1, 'ready'),
      endpoint(2, 'not ready'),
      endpoint(3, 'serving'),
      endpoint(4, 'gone'),
    ];
    const choice = chooseEndpoints(all, PORT, NODE);
    expect(lastBytes(choice.cluster)).toEqual([1]);
    expect(reasons(choice)).toEqual({
      2: 'is not ready',
      3: 'is terminating, and there are ready ones',
      4: 'is terminating and not serving',
    });
  });

  test('without a ready one, those that serve while they terminate do', () => {
    const all = [endpoint(2, 'not ready'), endpoint(3, 'serving'), endpoint(4, 'gone')];
    expect(lastBytes(chooseEndpoints(all, PORT, NODE).cluster)).toEqual([3]);
  });

  test('an endpoint that serves, is not ready and stays gets nothing', () => {
    const all = [endpoint(1, 'not ready', { isServing: true })];
    expect(chooseEndpoints(all, PORT, NODE).cluster).toEqual([]);
  });

  test('without any endpoint every list is empty and nothing is dropped', () => {
    const choice = chooseEndpoints([], { ...NODE_PORT, isExternalLocal: true }, NODE);
    expect(chosen(choice)).toEqual({
      cluster: [],
      local: [],
      allLocal: [],
      forClusterIP: [],
      forExternal: [],
      isOutsideDropped: false,
    });
  });
});

describe('externalTrafficPolicy Local', () => {
  const local = { ...NODE_PORT, isExternalLocal: true };

  test('sends external traffic to local endpoints and the cluster IP to all', () => {
    const choice = chooseEndpoints([endpoint(1, 'ready', HERE), endpoint(2, 'ready')], local, NODE);
    expect(chosen(choice)).toMatchObject({
      forClusterIP: [1, 2],
      forExternal: [1],
      isOutsideDropped: false,
    });
  });

  test('drops traffic from outside where there is no local one; pods and the node reach the others', () => {
    const choice = chooseEndpoints([endpoint(1, 'ready'), endpoint(2, 'ready')], local, NODE);
    expect(chosen(choice)).toEqual({
      cluster: [1, 2],
      local: [],
      allLocal: [],
      forClusterIP: [1, 2],
      forExternal: [1, 2],
      isOutsideDropped: true,
    });
  });

  test('takes a local one that is terminating rather than none', () => {
    const choice = chooseEndpoints(
      [endpoint(1, 'serving', HERE), endpoint(2, 'ready')],
      local,
      NODE,
    );
    expect(chosen(choice)).toMatchObject({
      cluster: [2],
      local: [1],
      forExternal: [1],
      isOutsideDropped: false,
    });
    expect(choice.excluded).toEqual([]);
  });

  test('does not count a local one that is not ready', () => {
    const choice = chooseEndpoints(
      [endpoint(1, 'not ready', HERE), endpoint(2, 'ready')],
      local,
      NODE,
    );
    expect(chosen(choice)).toMatchObject({ local: [], allLocal: [1], isOutsideDropped: true });
  });

  test('knows no hints for local endpoints', () => {
    const all = [
      endpoint(1, 'ready', { ...HERE, ...zones('z2') }),
      endpoint(2, 'ready', zones('z1')),
    ];
    expect(chosen(chooseEndpoints(all, local, NODE))).toMatchObject({
      cluster: [2],
      forExternal: [1],
    });
  });
});

describe('internalTrafficPolicy Local', () => {
  const local = { ...PORT, isInternalLocal: true };

  test('sends the cluster IP to local endpoints', () => {
    const choice = chooseEndpoints([endpoint(1, 'ready', HERE), endpoint(2, 'ready')], local, NODE);
    expect(chosen(choice)).toMatchObject({ cluster: [], local: [1], forClusterIP: [1] });
    expect(reasons(choice)).toEqual({ 2: 'is on another node, and the traffic policy is Local' });
  });

  test('refuses the cluster IP where there is no local one', () => {
    expect(chooseEndpoints([endpoint(2, 'ready')], local, NODE).forClusterIP).toEqual([]);
  });

  test('refuses it also when the Service has a nodePort, whose traffic goes anywhere', () => {
    const choice = chooseEndpoints([endpoint(2, 'ready')], { ...local, nodePort: 30080 }, NODE);
    expect(chosen(choice)).toMatchObject({
      forClusterIP: [],
      forExternal: [2],
      isOutsideDropped: false,
    });
  });

  test('and externalTrafficPolicy Local drop and refuse side by side', () => {
    const both = { ...local, nodePort: 30080, isExternalLocal: true };
    expect(chosen(chooseEndpoints([endpoint(2, 'ready')], both, NODE))).toMatchObject({
      forClusterIP: [],
      forExternal: [2],
      isOutsideDropped: true,
    });
  });
});

test('every local endpoint is in the hairpin list, whatever its state and policy', () => {
  const all = [
    endpoint(1, 'ready', HERE),
    endpoint(2, 'not ready', HERE),
    endpoint(3, 'serving', HERE),
    endpoint(4, 'gone', HERE),
    endpoint(5, 'ready'),
  ];
  expect(lastBytes(chooseEndpoints(all, PORT, NODE).allLocal)).toEqual([1, 2, 3, 4]);
});

describe('hints', () => {
  function clusterOf(all: Endpoint[], node: { name: string; zone?: string } = NODE): number[] {
    return lastBytes(chooseEndpoints(all, PORT, node).cluster);
  }

  test('for this zone keep the traffic in it', () => {
    const all = [endpoint(1, 'ready', zones('z1')), endpoint(2, 'ready', zones('z2', 'z3'))];
    const choice = chooseEndpoints(all, PORT, NODE);
    expect(lastBytes(choice.cluster)).toEqual([1]);
    expect(reasons(choice)).toEqual({ 2: 'is hinted to other zones than z1' });
  });

  test('are ignored when one ready endpoint has none', () => {
    expect(clusterOf([endpoint(1, 'ready', zones('z1')), endpoint(2, 'ready')])).toEqual([1, 2]);
    expect(clusterOf([endpoint(1, 'ready', zones('z1')), endpoint(2, 'ready', zones())])).toEqual([
      1, 2,
    ]);
  });

  test('need not be on endpoints that are not ready', () => {
    const all = [
      endpoint(1, 'ready', zones('z1')),
      endpoint(2, 'ready', zones('z2')),
      endpoint(3, 'not ready'),
    ];
    expect(clusterOf(all)).toEqual([1]);
  });

  test('are ignored when none is for this zone', () => {
    expect(
      clusterOf([endpoint(1, 'ready', zones('z2')), endpoint(2, 'ready', zones('z3'))]),
    ).toEqual([1, 2]);
  });

  test('are ignored on a node without zone', () => {
    expect(
      clusterOf([endpoint(1, 'ready', zones('z1')), endpoint(2, 'ready', zones('z2'))], {
        name: 'node-a',
      }),
    ).toEqual([1, 2]);
  });

  test('for this node come before those for its zone', () => {
    const all = [
      endpoint(1, 'ready', { ...nodes('node-a'), ...zones('z2') }),
      endpoint(2, 'ready', { ...nodes('node-b'), ...zones('z1') }),
    ];
    const choice = chooseEndpoints(all, PORT, NODE);
    expect(lastBytes(choice.cluster)).toEqual([1]);
    expect(reasons(choice)).toEqual({ 2: 'is hinted to other nodes than node-a' });
  });

  test('for other nodes only give way to those for the zone', () => {
    const all = [
      endpoint(1, 'ready', { ...nodes('node-b'), ...zones('z2') }),
      endpoint(2, 'ready', { ...nodes('node-b'), ...zones('z1') }),
    ];
    expect(clusterOf(all)).toEqual([2]);
  });

  test('do not hold back terminating endpoints when nothing is ready', () => {
    expect(
      clusterOf([endpoint(1, 'serving', zones('z2')), endpoint(2, 'serving', zones('z1'))]),
    ).toEqual([1, 2]);
  });
});

describe('an endpoint with the address of its own Service', () => {
  test('is skipped and reported when that is the cluster IP, whatever the port', () => {
    const loop = endpoint(1, 'ready', HERE);
    const port = { ...PORT, clusterIP: '10.244.0.1' };
    const choice = chooseEndpoints([loop, endpoint(2, 'ready')], port, NODE);
    expect(chosen(choice)).toMatchObject({ cluster: [2], allLocal: [] });
    expect(reasons(choice)).toEqual({ 1: 'has the address of the Service itself' });
    expect(choice.problems).toEqual([
      {
        path: 'EndpointSlice/default/web-1.endpoints[1].addresses[0]',
        value: '10.244.0.1',
        problem: 'is an address of its own Service default/web:http',
        consequence: 'EndpointSkipped',
        service: 'default/web',
      },
    ]);
  });

  test.each<[string, Partial<ServicePort>, number]>([
    ['an external IP', { externalIPs: ['10.244.0.1'] }, 80],
    ['a load balancer address', { loadBalancerIPs: ['10.244.0.1'] }, 80],
    ['an external IP with another port', { externalIPs: ['10.244.0.1'] }, 8080],
  ])('stays when that is %s: it may be a pod in the network of the node', (_, fields, number) => {
    const loop = endpoint(1, 'ready', { port: number });
    const choice = chooseEndpoints([loop], { ...PORT, ...fields }, NODE);
    expect(lastBytes(choice.cluster)).toEqual([1]);
    expect(choice.problems).toEqual([]);
  });
});
