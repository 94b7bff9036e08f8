/**
 * A load balancer address from the client's ARP request to the pod: the whole product on three
 * nodes, with a client on their segment that has no route to any of them.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { nodeAt, outsideClient, podAddresses } from '../lab/addressPlan.ts';
import { Topology } from '../lab/topology.ts';
import { CONDITION_TYPE, namingText } from '../../src/loadbalancer/condition.ts';
import { eventually } from '../support/e2e/cluster.ts';
import { requireIpvs } from '../support/lab/kernelProbe.ts';
import { ProxyProcess } from '../support/lab/labProxy.ts';

const describe = await requireIpvs();

const NODES = [1, 2, 3].map(nodeAt);
const WEB = { IPv4: '192.0.2.64', IPv6: '2001:db8::74' };
const LOCAL = '192.0.2.65';

const FEATURES = `apiVersion: kube-ipvs.io/v1alpha1
kind: LoadBalancerConfiguration
pools:
  - name: lab
    addresses: [192.0.2.64/28, '2001:db8::70/124']
announcer:
  heartbeat: { secretFile: '', insecure: true }
`;

const node = ({ name, addresses, podCidrs }: (typeof NODES)[number]) => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name },
  spec: { podCIDRs: Object.values(podCidrs) },
  status: {
    addresses: Object.values(addresses).map((address) => ({ type: 'InternalIP', address })),
    conditions: [{ type: 'Ready', status: 'True' }],
  },
});

function service(name: string, clusterIPs: readonly string[], given: readonly string[], spec = {}) {
  const message = namingText(given.map((address) => ({ address, pool: 'lab' })));
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'shop' },
    spec: {
      type: 'LoadBalancer',
      loadBalancerClass: 'kube-ipvs.io/l2',
      clusterIPs,
      ipFamilies: clusterIPs.map((ip) => (ip.includes(':') ? 'IPv6' : 'IPv4')),
      ports: [{ port: 80, protocol: 'TCP' }],
      ...spec,
    },
    status: {
      loadBalancer: { ingress: given.map((ip) => ({ ip, ipMode: 'VIP' })) },
      conditions: [{ type: CONDITION_TYPE, status: 'True', reason: 'Assigned', message }],
    },
  };
}

const slice = (ofService: string, family: 'IPv4' | 'IPv6', ...indexes: readonly number[]) => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: {
    name: `${ofService}-${family.toLowerCase()}`,
    namespace: 'shop',
    labels: { 'kubernetes.io/service-name': ofService },
  },
  addressType: family,
  ports: [{ port: 8080, protocol: 'TCP' }],
  endpoints: indexes.map((index) => ({
    addresses: [podAddresses(nodeAt(index), 10)[family]],
    nodeName: nodeAt(index).name,
    conditions: { ready: true },
  })),
});

describe('a load balancer without a cloud', () => {
  let topology: Topology;
  let folder: string;
  const proxies = new Map<string, ProxyProcess>();

  beforeAll(async () => {
    topology = await Topology.create({ nodeCount: NODES.length });
    for (const { name, index } of NODES.slice(1)) {
      await topology.addPod(name, `pod${index}`, 10);
      await topology.traffic.serve(`pod${index}`, `pod${index}`, 'tcp', 8080);
    }
    folder = await mkdtemp(join(tmpdir(), 'load-balancer-'));
    const objects = [
      ...NODES.map(node),
      service('web', ['10.96.0.10', 'fd00:10:96::10'], Object.values(WEB)),
      slice('web', 'IPv4', 2, 3),
      slice('web', 'IPv6', 2, 3),
      service('local', ['10.96.0.11'], [LOCAL], { externalTrafficPolicy: 'Local' }),
      slice('local', 'IPv4', 3),
    ];
    await writeFile(join(folder, 'features.yml'), FEATURES);
    const manifests = join(folder, 'cluster.json');
    await writeFile(manifests, objects.map((each) => JSON.stringify(each)).join('\n---\n'));
    await Promise.all(NODES.map(({ name }) => start(name)));
  });
  afterAll(async () => {
    for (const proxy of proxies.values()) await proxy.stop();
    await topology.destroy();
    await rm(folder, { recursive: true });
  });

  async function start(name: string): Promise<void> {
    const flags = [`--features=${join(folder, 'features.yml')}`, '-v=2'];
    const manifests = join(folder, 'cluster.json');
    proxies.set(name, await ProxyProcess.start(topology, topology.node(name), manifests, flags));
  }

  const ask = (address: string) =>
    topology.traffic.probe({ from: outsideClient.name, protocol: 'tcp', address, port: 80 });

  /** By its neighbour table alone the client knows which node has the address. */
  async function owner(address: string): Promise<string> {
    const { stdout } = await topology.exec(outsideClient, ['ip', 'neighbour', 'show', address]);
    const mac = /lladdr (\S+)/.exec(stdout)?.[1];
    for (const { name } of NODES) {
      const { stdout: link } = await topology.exec(topology.node(name), [
        'ip',
        '-o',
        'link',
        'show',
        'eth0',
      ]);
      if (mac !== undefined && link.includes(mac)) return name;
    }
    throw new Error(`${address}: ${stdout}`);
  }

  /** @returns by which node */
  async function reached(address: string): Promise<string> {
    await eventually(async () => {
      const result = await ask(address);
      if (result.kind !== 'answered') throw new Error(`${address}: ${result.kind}`);
    });
    return owner(address);
  }

  test.each(Object.values(WEB))('%s reaches the pods', async (address) => {
    expect(NODES.map(({ name }) => name)).toContain(await reached(address));
  });

  test('policy Local: by the node that has the pod, which sees the client', async () => {
    expect(await reached(LOCAL)).toBe('node3');
    expect(await ask(LOCAL)).toEqual({
      kind: 'answered',
      by: 'pod3',
      client: outsideClient.addresses.IPv4,
    });
  });

  test('when its node is gone, another one has it, and the pods are reached', async () => {
    const dead = await reached(WEB.IPv4);
    await proxies.get(dead)!.stop('SIGKILL');
    proxies.delete(dead);
    await topology.exec(topology.node(dead), ['ip', 'link', 'set', 'eth0', 'down']);
    await eventually(async () => {
      if ((await owner(WEB.IPv4)) === dead) throw new Error(`still ${dead}`);
    });
    await reached(WEB.IPv4);
  });
});
