/**
 * Held UDP flows whose Service moves under them, through the product as a process: the client goes
 * on from the same port and must reach what the Service is now. Nodes masquerade their pods' way
 * out of the cluster, as CNI plug-ins make them do.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { FAMILIES, type Family } from '../../src/net/family.ts';
import { clusterCidrs, nodeAt, podAddresses } from '../lab/addressPlan.ts';
import { Topology } from '../lab/topology.ts';
import type { FlowResult, HeldFlow } from '../lab/traffic.ts';
import { ProxyProcess } from '../support/lab/labProxy.ts';
import { patience } from '../lab/patience.ts';

const node1 = nodeAt(1);
const MANIFESTS = '/run/stale-flows';
const PODS = { near: [1, 20], far: [2, 21], farther: [2, 22] } as const;
type PodName = keyof typeof PODS;

let topology: Topology;
let proxy: ProxyProcess;

beforeAll(async () => {
  topology = await Topology.create();
  // nothing ends by itself while a test looks at it
  await topology.traffic.sysctl('node1', 'net/netfilter/nf_conntrack_udp_timeout', 600);
  await topology.addPod('node1', 'client', 11);
  for (const [name, [node, host]] of Object.entries(PODS)) {
    await topology.addPod(`node${node}`, name, host);
    await topology.traffic.serve(name, name, 'udp', 8053);
  }
  for (const family of FAMILIES) {
    const inside = ['-s', node1.podCidrs[family], '!', '-d', clusterCidrs[family]];
    await iptables(family, '-A', 'POSTROUTING', ...inside, '-j', 'MASQUERADE');
  }
  await mkdir(MANIFESTS, { recursive: true });
  await put({ number: 99, endpoints: ['near'] });
  proxy = await ProxyProcess.start(topology, node1, MANIFESTS);
});

afterAll(async () => {
  await proxy.stop();
  await topology.destroy();
});

test.each(FAMILIES)('a pod that asks before the Service is there: %s', async (family) => {
  const service = { number: FAMILIES.indexOf(family) + 10, endpoints: ['far'] } as const;
  const flow = await hold('client', address(service.number)[family]);
  expect(flow.opened.kind).toBe('dropped');
  await put(service);
  expect(await answer(flow)).toMatchObject({ by: 'far' });
  await flow.close();
});

test.each(FAMILIES)('an outsider that asks a NodePort before it is there: %s', async (family) => {
  const number = FAMILIES.indexOf(family) + 20;
  // a client that does not hear of the closed port goes on
  const unreachable =
    family === 'IPv4' ? ['icmp'] : ['icmpv6', '--icmpv6-type', 'destination-unreachable'];
  const silence = ['OUTPUT', '-p', ...unreachable, '-j', 'DROP'];
  await iptables(family, '-t', 'filter', '-A', ...silence);
  const flow = await hold('outside', node1.addresses[family], nodePort(number));
  expect(flow.opened.kind).toBe('dropped');
  await put({ number, endpoints: ['far'] });
  expect(await answer(flow)).toMatchObject({ by: 'far', client: node1.addresses[family] });
  await flow.close();
  await iptables(family, '-t', 'filter', '-D', ...silence);
});

test('a flow bound by an earlier proxy to an endpoint that goes', async () => {
  const [vip, endpoint] = [address(30).IPv4, podAddresses(nodeAt(2), PODS.far[1]).IPv4];
  const to = ['-d', vip, '-p', 'udp', '--dport', '53'];
  const rule = ['PREROUTING', ...to, '-j', 'DNAT', '--to-destination', `${endpoint}:8053`];
  await iptables('IPv4', '-I', ...rule);
  const flow = await hold('client', vip);
  await iptables('IPv4', '-D', ...rule);
  const before = await entryOf(vip);
  await put({ number: 30, endpoints: ['far'] });
  expect(await answer(flow)).toMatchObject({ by: 'far' });
  // it goes where the Service is: left alone
  expect(await entryOf(vip)).toBe(before);
  await put({ number: 30, endpoints: ['farther'] });
  expect(await answer(flow, 'farther')).toMatchObject({ by: 'farther' });
  await flow.close();
});

test.each([
  ['a pod', 'client', (number: number) => [address(number).IPv4, 53] as const],
  ['the node', 'node1', (number: number) => [address(number).IPv4, 53] as const],
  ['an outsider', 'outside', (number: number) => [node1.addresses.IPv4, nodePort(number)] as const],
])('the endpoint of a flow of %s is replaced', async (title, from, target) => {
  const number = 40 + title.length;
  await put({ number, endpoints: ['far'] });
  await served(number, 'far');
  const flow = await hold(from, ...target(number));
  expect(flow.opened).toMatchObject({ by: 'far' });
  await put({ number, endpoints: ['farther'] });
  // asked in the very moment the kernel drops the datagram, of which a process of the node hears:
  // EPERM
  await served(number, 'far', false);
  expect(await answer(flow, 'farther')).toMatchObject({ by: 'farther' });
  await flow.close();
});

test('flows that go where they should, and those of others, are left alone', async () => {
  await topology.traffic.serve('outside', 'outside', 'udp', nodePort(60));
  await put({ number: 60, endpoints: ['near', 'far'] });
  await served(60, 'far');
  const toFar = await holdAnsweredBy('far', address(60).IPv4);
  const others = await hold('client', topology.outside.addresses.IPv4, nodePort(60));
  expect(others.opened).toMatchObject({ by: 'outside' });
  const entries = async () => [
    await entryOf(topology.outside.addresses.IPv4),
    await entryOf(address(60).IPv4, podAddresses(nodeAt(2), PODS.far[1]).IPv4),
  ];
  const before = await entries();
  await put({ number: 60, endpoints: ['far'] });
  await served(60, 'near', false);
  await proxy.stop();
  proxy = await ProxyProcess.start(topology, node1, MANIFESTS);
  // before they are asked again: a new entry may take the old one's place and number
  expect(await entries()).toEqual(before);
  expect(await toFar.ask()).toMatchObject({ by: 'far' });
  expect(await others.ask()).toMatchObject({ by: 'outside' });
  await toFar.close();
  await others.close();
  await topology.traffic.stop('outside');
});

interface TestService {
  /** last part of its ClusterIPs, and of its NodePort */
  readonly number: number;
  readonly endpoints: readonly PodName[];
}

const address = (number: number) => ({ IPv4: `10.96.0.${number}`, IPv6: `fd00:10:96::${number}` });
const nodePort = (number: number) => 30_000 + number;

async function put({ number, endpoints }: TestService): Promise<void> {
  const { IPv4, IPv6 } = address(number);
  const name = `s${number}`;
  const slices = FAMILIES.map((family) => {
    const list = endpoints.map((pod) => {
      const [node, host] = PODS[pod];
      const at = podAddresses(nodeAt(node), host)[family];
      return `{ addresses: ['${at}'], nodeName: node${node} }`;
    });
    return `
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}-${family.toLowerCase()}, labels: { kubernetes.io/service-name: ${name} } }
addressType: ${family}
ports: [{ port: 8053, protocol: UDP }]
endpoints: [${list.join(', ')}]`;
  });
  const service = `apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec:
  type: NodePort
  clusterIPs: [${IPv4}, '${IPv6}']
  ports: [{ port: 53, protocol: UDP, targetPort: 8053, nodePort: ${nodePort(number)} }]`;
  await writeFile(`${MANIFESTS}/${name}.yaml`, `${service}${slices.join('')}\n`);
}

function hold(from: string, to: string, port = 53): Promise<HeldFlow> {
  return topology.traffic.hold({ from, protocol: 'udp', address: to, port, timeoutMs: 500 });
}

async function holdAnsweredBy(pod: PodName, to: string): Promise<HeldFlow> {
  for (let attempt = 0; attempt < 10; attempt++) {
    const flow = await hold('client', to);
    if (flow.opened.kind === 'answered' && flow.opened.by === pod) return flow;
    await flow.close();
  }
  throw new Error(`${pod} did not answer`);
}

/**
 * Asks until somebody, or the one wanted, answers; the last answer when it has taken too long:
 * longer than no entry is stuck.
 */
async function answer(flow: HeldFlow, by?: PodName): Promise<FlowResult> {
  const deadline = performance.now() + patience(12_000);
  for (;;) {
    const result = await flow.ask(500);
    const isWanted = result.kind === 'answered' && (by === undefined || result.by === by);
    if (isWanted || performance.now() > deadline) return result;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Waits until IPVS has the destination, or has it no longer. */
async function served(number: number, pod: PodName, isThere = true): Promise<void> {
  const [node, host] = PODS[pod];
  const destination = `${podAddresses(nodeAt(node), host).IPv4}:8053`;
  const deadline = performance.now() + patience(12_000);
  for (;;) {
    const argv = ['ipvsadm', '-Ln', '-u', `${address(number).IPv4}:53`];
    const { stdout } = await topology.exec(node1, argv);
    if (stdout.includes(destination) === isThere) return;
    if (performance.now() > deadline) throw new Error(`${destination} did not change`);
  }
}

/** The kernel's number for the one connection in node1's table to an address, answered by `by`. */
async function entryOf(to: string, by?: string): Promise<string | undefined> {
  const answeredBy = by === undefined ? [] : ['--reply-src', by];
  const argv = ['conntrack', '-L', '-p', 'udp', '--orig-dst', to, ...answeredBy, '-o', 'id'];
  const { stdout } = await topology.exec(node1, argv);
  const lines = stdout.trim().split('\n').filter(Boolean);
  expect(lines).toHaveLength(1);
  return /id=(\d+)/.exec(lines[0]!)?.[1];
}

async function iptables(family: Family, ...rule: readonly string[]): Promise<void> {
  const table = rule[0] === '-t' ? rule : ['-t', 'nat', ...rule];
  const tool = family === 'IPv4' ? 'iptables' : 'ip6tables';
  const { status, stderr } = await topology.exec(node1, [tool, ...table]);
  if (status !== 0) throw new Error(`${tool} ${table.join(' ')}: ${stderr}`);
}
