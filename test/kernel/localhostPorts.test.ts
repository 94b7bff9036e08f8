/**
 * NodePorts on localhost, with the product on a node of the lab: what upstream's e2e tests of
 * LocalhostNodePorts ask (a connection from the node itself to 127.0.0.1, and session affinity),
 * pods of this node and of another behind it, and what does not answer.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { nodeAt, podAddresses } from '../lab/addressPlan.ts';
import { Topology } from '../lab/topology.ts';
import { eventually } from '../support/e2e/cluster.ts';
import { requireIpvs } from '../support/lab/kernelProbe.ts';
import { ProxyProcess } from '../support/lab/labProxy.ts';

const describe = await requireIpvs();

const here = podAddresses(nodeAt(1), 10);
const there = podAddresses(nodeAt(2), 10);

function service(name: string, clusterIP: string, nodePort: number, more: object = {}) {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default' },
    spec: { type: 'NodePort', clusterIP, ports: [{ port: 80, nodePort }], ...more },
  };
}

function slice(ofService: string, ...addresses: readonly string[]) {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${ofService}-1`,
      namespace: 'default',
      labels: { 'kubernetes.io/service-name': ofService },
    },
    addressType: 'IPv4',
    ports: [{ port: 8080 }],
    endpoints: addresses.map((address) => ({ addresses: [address] })),
  };
}

const STICKY = {
  sessionAffinity: 'ClientIP',
  sessionAffinityConfig: { clientIP: { timeoutSeconds: 600 } },
};

describe('the node asks its own loopback address', () => {
  let topology: Topology;
  let proxy: ProxyProcess;
  let folder: string;
  beforeAll(async () => {
    topology = await Topology.create({ nodeCount: 2 });
    for (const [node, pod] of [
      ['node1', 'near'],
      ['node2', 'far'],
    ] as const) {
      await topology.addPod(node, pod, 10);
      await topology.traffic.serve(pod, pod, 'tcp', 8080);
    }
    folder = await mkdtemp(join(tmpdir(), 'localhost-ports-'));
    await write('web', service('web', '10.96.0.10', 30_080), slice('web', here.IPv4, there.IPv4));
    await write(
      'sticky',
      service('sticky', '10.96.0.11', 30_081, STICKY),
      slice('sticky', here.IPv4, there.IPv4),
    );
    const local = { externalTrafficPolicy: 'Local' };
    await write('local', service('local', '10.96.0.12', 30_082, local), slice('local', there.IPv4));
    await write('empty', service('empty', '10.96.0.13', 30_083), slice('empty'));
    const flags = ['--nodeport-addresses=localhost,192.0.2.0/24'];
    proxy = await ProxyProcess.start(topology, topology.node('node1'), folder, flags);
    // After the first round has been told.
    for (const port of [30_080, 30_081, 30_082]) await answers(port);
  }, 300_000);
  afterAll(async () => {
    await proxy?.stop();
    await topology.destroy();
    await rm(folder, { recursive: true });
  });

  const write = (name: string, ...objects: readonly object[]) =>
    writeFile(
      join(folder, `${name}.yaml`),
      objects.map((each) => JSON.stringify(each)).join('\n---\n'),
    );

  async function ask(port: number, from = 'node1', address = '127.0.0.1'): Promise<string> {
    const flow = { from, protocol: 'tcp', address, port, timeoutMs: 20_000 } as const;
    const result = await topology.traffic.probe(flow);
    return result.kind === 'answered' ? result.by : result.kind;
  }

  async function askTimes(count: number, port: number): Promise<ReadonlySet<string>> {
    const answers = new Set<string>();
    for (let i = 0; i < count; i++) answers.add(await ask(port));
    return answers;
  }

  const answers = (port: number) =>
    eventually(async () => expect(await ask(port)).not.toBe('refused'), 60_000);

  const becomes = (port: number, answer: string) =>
    eventually(async () => expect(await ask(port)).toBe(answer), 60_000);

  test('and reaches the pods of every node, in turn', async () => {
    expect(await askTimes(6, 30_080)).toEqual(new Set(['near', 'far']));
  });

  test('and with affinity one of them', async () => {
    const found = await askTimes(8, 30_081);
    expect([['near'], ['far']]).toContainEqual([...found]);
  });

  test('and under policy Local pods elsewhere too, as from mode iptables', async () => {
    expect(await ask(30_082)).toBe('far');
  });

  test('and is refused where no pod is, until there is one', async () => {
    expect(await ask(30_083)).toBe('refused');
    await write('empty', service('empty', '10.96.0.13', 30_083), slice('empty', here.IPv4));
    await becomes(30_083, 'near');
    await rm(join(folder, 'empty.yaml'));
    await becomes(30_083, 'refused');
  }, 150_000);

  test('which is all that is listened on', async () => {
    const { stdout } = await topology.exec(topology.node('node1'), ['ss', '-Hltn']);
    const places = stdout.split('\n').map((line) => line.split(/\s+/)[3] ?? '');
    const ofNodePorts = places.filter((place) => /:3008\d$/.test(place)).toSorted();
    expect(ofNodePorts).toEqual(['127.0.0.1:30080', '127.0.0.1:30081', '127.0.0.1:30082']);
  });

  test('while the nodePort at the node’s own address is IPVS’ as ever', async () => {
    const { IPv4 } = topology.node('node1').addresses;
    expect(['near', 'far']).toContain(await ask(30_080, 'node1', IPv4));
    expect(await ask(30_080, 'outside', IPv4)).toMatch(/near|far/);
  });
});
