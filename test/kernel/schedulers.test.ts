/**
 * Schedulers that hash, through the product as a process: while an endpoint drains, no new
 * connection is refused as long as another is ready, also on a virtual server that kube-proxy left
 * without the fallback flag.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { FAMILIES } from '../../src/net/family.ts';
import { joinHostPort } from '../../src/net/address.ts';
import { type Pod, nodeAt } from '../lab/addressPlan.ts';
import { Topology } from '../lab/topology.ts';
import type { HeldFlow } from '../lab/traffic.ts';
import { ProxyProcess } from '../support/lab/labProxy.ts';
import { patience } from '../lab/patience.ts';

const node1 = nodeAt(1);
const MANIFESTS = '/run/schedulers';
const VIP = { IPv4: '10.96.0.10', IPv6: 'fd00:10:96::10' };
const CLIENTS = ['client1', 'client2', 'client3', 'client4', 'client5', 'client6'];

let topology: Topology;
const servers: Pod[] = [];
let proxy: ProxyProcess | undefined;

beforeAll(async () => {
  topology = await Topology.create({ nodeCount: 1 });
  for (const name of ['a', 'b', 'c']) {
    servers.push(await topology.addPod('node1', name));
    await topology.traffic.serve(name, name, 'tcp', 8080);
  }
  for (const client of CLIENTS) await topology.addPod('node1', client);
  await mkdir(MANIFESTS, { recursive: true });
});

afterAll(() => topology.destroy());

afterEach(async () => {
  await proxy?.stop();
  proxy = undefined;
});

test.each([
  { scheduler: 'mh', left: '-b mh-port', flags: '-b mh-fallback,mh-port', keeps: true },
  { scheduler: 'sh', left: '', flags: '-b sh-fallback', keeps: true },
  { scheduler: 'dh', left: '', flags: '', keeps: false },
])(
  'with $scheduler new connections meet the endpoints that are ready',
  async ({ scheduler, left, flags, keeps }) => {
    await leaveServers(`-s ${scheduler} ${left}`);
    const held = await Promise.all(
      FAMILIES.flatMap((family) => CLIENTS.map((c) => hold(c, VIP[family]))),
    );
    await put(servers);
    proxy = await ProxyProcess.start(topology, node1, MANIFESTS, [`--ipvs-scheduler=${scheduler}`]);
    const saved = await ipvsadm('-Sn');
    for (const family of FAMILIES) {
      expect(saved).toContain(
        `-A -t ${joinHostPort(VIP[family], 80)} -s ${scheduler} ${flags}`.trim(),
      );
    }
    // the one whose clients would be refused: it has most of them
    const leaving = servers.toSorted((x, y) => countOf(held, y) - countOf(held, x))[0]!;
    expect(countOf(held, leaving)).toBeGreaterThan(0);
    await put(servers.filter((pod) => pod !== leaving));
    await changed(leaving, keeps);
    const fresh = await Promise.all(
      FAMILIES.flatMap((family) =>
        CLIENTS.flatMap((from) => Array.from({ length: 3 }, () => probe(from, VIP[family]))),
      ),
    );
    expect(fresh.filter(({ kind }) => kind !== 'answered')).toEqual([]);
    expect(fresh.map((result) => 'by' in result && result.by)).not.toContain(leaving.name);
    const again = await Promise.all(
      held.filter((flow) => isBy(flow, leaving)).map((flow) => flow.ask()),
    );
    const goOn = again.filter((result) => result.kind === 'answered' && result.by === leaving.name);
    expect(goOn).toHaveLength(keeps ? again.length : 0);
    await Promise.all(held.map((flow) => flow.close()));
  },
);

/** What kube-proxy leaves when it ends. */
async function leaveServers(settings: string): Promise<void> {
  const lines = FAMILIES.flatMap((family) => {
    const at = `-t ${joinHostPort(VIP[family], 80)}`;
    const add = servers.map(
      ({ addresses }) => `ipvsadm -a ${at} -r ${joinHostPort(addresses[family], 8080)} -m -w 1`,
    );
    return [
      `ip address replace ${VIP[family]} dev kube-ipvs0`,
      `ipvsadm -A ${at} ${settings}`,
      ...add,
    ];
  });
  const script = ['ip link add kube-ipvs0 type dummy 2>/dev/null', 'ipvsadm -C', ...lines].join(
    '; ',
  );
  const { stderr } = await topology.exec(node1, ['sh', '-c', script]);
  expect(stderr).toBe('');
}

async function put(endpoints: readonly Pod[]): Promise<void> {
  const slices = FAMILIES.map((family) => {
    const list = endpoints.map(
      ({ addresses }) => `{ addresses: ['${addresses[family]}'], nodeName: node1 }`,
    );
    return `
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: web-${family.toLowerCase()}, labels: { kubernetes.io/service-name: web } }
addressType: ${family}
ports: [{ port: 8080 }]
endpoints: [${list.join(', ')}]`;
  });
  const service = `apiVersion: v1
kind: Service
metadata: { name: web }
spec: { clusterIPs: [${VIP.IPv4}, '${VIP.IPv6}'], ports: [{ port: 80 }] }`;
  await writeFile(`${MANIFESTS}/web.yaml`, `${service}${slices.join('')}\n`);
}

/** Waits until IPVS has the destination at weight 0 in both families, or has it no longer. */
async function changed({ addresses }: Pod, isDraining: boolean): Promise<void> {
  const deadline = performance.now() + patience(60_000);
  for (;;) {
    const lines = (await ipvsadm('-Sn')).split('\n');
    const isDone = FAMILIES.every((family) => {
      const destination = `-r ${joinHostPort(addresses[family], 8080)} `;
      const line = lines.find((each) => each.includes(destination));
      return isDraining ? line?.endsWith('-w 0') : line === undefined;
    });
    if (isDone) return;
    if (performance.now() > deadline) throw new Error(`nothing changed:\n${lines.join('\n')}`);
  }
}

async function ipvsadm(option: string): Promise<string> {
  return (await topology.exec(node1, ['ipvsadm', option])).stdout;
}

function hold(from: string, address: string): Promise<HeldFlow> {
  return topology.traffic.hold({ from, protocol: 'tcp', address, port: 80 });
}

function probe(from: string, address: string) {
  return topology.traffic.probe({ from, protocol: 'tcp', address, port: 80 });
}

function isBy({ opened }: HeldFlow, { name }: Pod): boolean {
  return opened.kind === 'answered' && opened.by === name;
}

function countOf(held: readonly HeldFlow[], pod: Pod): number {
  return held.filter((flow) => isBy(flow, pod)).length;
}
