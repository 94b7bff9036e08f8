/**
 * The deliberate differences of docs/differences.md on a real kernel: a desired state put into a
 * node by the standard tools, every kind of source asking every virtual server, and the packet
 * tracer foretelling each answer.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readManifest } from '../../src/cluster/manifestText.ts';
import { buildDesired } from '../../src/desired/builder.ts';
import type { DesiredState, VirtualServer } from '../../src/dataplane/state.ts';
import { destinationKey } from '../../src/dataplane/state.ts';
import { ClusterStore } from '../../src/model/clusterStore.ts';
import { familyOf, joinHostPort } from '../../src/net/address.ts';
import { FAMILIES, type Family } from '../../src/net/family.ts';
import { parsePrefix, prefixContains } from '../../src/net/prefix.ts';
import {
  clusterCidrs,
  externalCidrs,
  gateway,
  nodeAt,
  outsideClient,
  podAddresses,
  serviceCidrs,
  type Node,
} from '../lab/addressPlan.ts';
import { execIn } from '../lab/netns.ts';
import { Topology } from '../lab/topology.ts';
import type { FlowResult } from '../lab/traffic.ts';
import { dataplaneOptions, hostNetwork } from '../support/objects/nodeFixtures.ts';
import type { Packet } from '../../src/trace/packet.ts';
import { tracePacket } from '../../src/trace/tracePacket.ts';

const node1 = nodeAt(1);
const node2 = nodeAt(2);
const here = podAddresses(node1, 10);
const elsewhere = podAddresses(node2, 10);

const SOURCES = [
  { name: 'client1', addresses: podAddresses(node1, 11), inInterface: 'cni0' },
  { name: 'client2', addresses: podAddresses(node2, 11), inInterface: 'eth0' },
  { name: 'node1', addresses: node1.addresses },
  { name: 'outside', addresses: outsideClient.addresses, inInterface: 'eth0' },
];

const MANIFEST = `
${[node1, node2].map(nodeManifest).join('---')}
---
apiVersion: v1
kind: Service
metadata: { name: local }
spec:
  type: LoadBalancer
  externalTrafficPolicy: Local
  clusterIPs: [10.96.0.10, 'fd00:10:96::10']
  externalIPs: [198.51.100.11, '2001:db8:100::11']
  ports: [{ port: 80, nodePort: 30080 }]
status: { loadBalancer: { ingress: [{ ip: 198.51.100.10 }, { ip: '2001:db8:100::10' }] } }
---
apiVersion: v1
kind: Service
metadata: { name: empty }
spec:
  type: NodePort
  clusterIPs: [10.96.0.20, 'fd00:10:96::20']
  externalIPs: [198.51.100.20, '2001:db8:100::20']
  ports: [{ port: 80, nodePort: 30081 }]
---
apiVersion: v1
kind: Service
metadata: { name: ranged }
spec:
  type: LoadBalancer
  clusterIPs: [10.96.0.30, 'fd00:10:96::30']
  loadBalancerSourceRanges: [${outsideClient.addresses.IPv4}/32, '${outsideClient.addresses.IPv6}/128']
  ports: [{ port: 80 }]
status: { loadBalancer: { ingress: [{ ip: 198.51.100.30 }, { ip: '2001:db8:100::30' }] } }
---
apiVersion: v1
kind: Service
metadata: { name: open-to-all }
spec:
  type: LoadBalancer
  clusterIPs: [10.96.0.40, 'fd00:10:96::40']
  loadBalancerSourceRanges: [0.0.0.0/0, '::/0']
  ports: [{ port: 80 }]
status: { loadBalancer: { ingress: [{ ip: 198.51.100.40 }, { ip: '2001:db8:100::40' }] } }
---
# its port is another Service's nodePort
apiVersion: v1
kind: Service
metadata: { name: tool }
spec:
  clusterIPs: [10.96.0.50, 'fd00:10:96::50']
  ports: [{ port: 30080 }]
---
apiVersion: v1
kind: Service
metadata: { name: datagrams }
spec:
  type: NodePort
  clusterIPs: [10.96.0.60, 'fd00:10:96::60']
  ports: [{ port: 80, targetPort: 6060, protocol: UDP, nodePort: 30060 }]
${['ranged', 'open-to-all', 'tool'].map((name) => slices(name, 'node1', here)).join('')}
${slices('local', 'node2', elsewhere)}
${slices('datagrams', 'node2', elsewhere, '{ port: 6060, protocol: UDP }')}`;

function nodeManifest({ name, podCidrs }: Node): string {
  return `
apiVersion: v1
kind: Node
metadata: { name: ${name} }
spec: { podCIDRs: [${podCidrs.IPv4}, '${podCidrs.IPv6}'] }
`;
}

function slices(
  service: string,
  nodeName: string,
  addresses: Readonly<Record<Family, string>>,
  port = '{ port: 8080 }',
): string {
  return FAMILIES.map(
    (family) => `
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${service}-${family.toLowerCase()}, labels: { kubernetes.io/service-name: ${service} } }
addressType: ${family}
ports: [${port}]
endpoints: [{ addresses: ['${addresses[family]}'], nodeName: ${nodeName} }]`,
  ).join('');
}

let topology: Topology;
let state: DesiredState;

beforeAll(async () => {
  topology = await Topology.create();
  await topology.addPod('node1', 'server1', 10);
  await topology.addPod('node1', 'client1', 11);
  await topology.addPod('node2', 'server2', 10);
  await topology.addPod('node2', 'client2', 11);
  for (const server of ['server1', 'server2']) {
    await topology.traffic.serve(server, server, 'tcp', 8080);
    await topology.traffic.serve(server, server, 'udp-large', 6060);
  }
  const virtual = FAMILIES.flatMap((family) => [serviceCidrs[family], externalCidrs[family]]);
  await topology.route(outsideClient, virtual, node1);
  await topology.route(node2, virtual, node1);
  state = desired();
  await putInto('node1', state);
});

afterAll(() => topology.destroy());

test('every source meets at every virtual server what the tracer foretells', async () => {
  const servers = [...state.virtualServers.values()].filter(({ protocol }) => protocol === 'TCP');
  const asked = servers.flatMap((server) =>
    SOURCES.filter((source) => hasWayBack(source, server)).map((source) => ({ server, source })),
  );
  const results = await Promise.all(asked.map(({ server, source }) => ask(server, source.name)));
  const seen = asked.map(({ server, source }, i) => ({
    ...place(server, source),
    met: metText(results[i]!),
  }));
  const foretold = asked.map(({ server, source }) => ({
    ...place(server, source),
    met: foretell(server, source),
  }));
  expect(seen).toEqual(foretold);
  // the differences themselves, in case both are wrong in the same way
  const met = new Map(seen.map(({ server, source, met: text }) => [`${source} > ${server}`, text]));
  expect(met.get('outside > 198.51.100.10:80')).toBe('dropped');
  expect(met.get('outside > 198.51.100.11:80')).toBe('dropped');
  expect(met.get('outside > [2001:db8:100::10]:80')).toBe('dropped');
  expect(met.get(`outside > ${node1.addresses.IPv4}:30080`)).toBe('dropped');
  // a pod of this node is inside, one of another node is not
  expect(met.get('client1 > 198.51.100.10:80')).toBe('server2 masqueraded');
  expect(met.get('client2 > 198.51.100.10:80')).toBe('dropped');
  expect(met.get(`client1 > ${node1.addresses.IPv4}:30080`)).toBe('server2 masqueraded');
  expect(met.get(`client2 > ${node1.addresses.IPv4}:30080`)).toBe('dropped');
  expect(met.get(`client2 > [${node1.addresses.IPv6}]:30080`)).toBe('dropped');
  expect(met.get('node1 > 198.51.100.11:80')).toBe('server2 masqueraded');
  expect(met.get('node1 > 10.96.0.20:80')).toBe('refused');
  expect(met.get('outside > [2001:db8:100::20]:80')).toBe('refused');
  expect(met.get('node1 > 198.51.100.30:80')).toBe('dropped');
  expect(met.get('outside > 198.51.100.30:80')).toBe('server1 masqueraded');
  expect(met.get('client1 > 198.51.100.40:80')).toBe('server1 masqueraded');
  expect(met.get('client1 > 10.96.0.50:30080')).toBe('server1');
});

/**
 * By a reset: of ICMP errors, which the kernel sends a few of at once and then one a second, most
 * clients would still wait when their time is up.
 */
test.each(FAMILIES.flatMap((family) => ['client1', 'outside'].map((from) => ({ family, from }))))(
  'of many TCP clients at once all are refused, $family from $from',
  async ({ family, from }) => {
    const virtual = { IPv4: '198.51.100.20', IPv6: '2001:db8:100::20' }[family];
    const targets = [
      { address: virtual, port: 80 },
      { address: node1.addresses[family], port: 30081 },
      // a port that no Service has
      { address: virtual, port: 9999 },
    ];
    const results = await Promise.all(
      targets.flatMap((target) =>
        Array.from({ length: 30 }, () =>
          topology.traffic.probe({ from, protocol: 'tcp', timeoutMs: 8000, ...target }),
        ),
      ),
    );
    expect(new Set(results.map(metText))).toEqual(new Set(['refused']));
  },
);

/**
 * With br_netfilter, which no rule of ours loads, the kernel forgets that an IPv6 datagram came
 * over the bridge in fragments.
 */
test.each(FAMILIES.flatMap((family) => ['client1', 'outside'].map((from) => ({ family, from }))))(
  'datagrams larger than a frame come and go, $family from $from',
  async ({ family, from }) => {
    // the switch is there when somebody has loaded the module, as the lab does
    await topology.traffic
      .sysctl('node1', 'net/bridge/bridge-nf-call-ip6tables', 0)
      .catch(() => {});
    const targets = [
      { address: { IPv4: '10.96.0.60', IPv6: 'fd00:10:96::60' }[family], port: 80 },
      { address: node1.addresses[family], port: 30060 },
    ];
    for (const target of targets) {
      const flow = await topology.traffic.hold({ from, protocol: 'udp-large', ...target });
      const met = [flow.opened, await flow.ask(), await flow.ask(), await flow.ask()];
      await flow.close();
      expect(met.map(metText).map((text) => text.split(' ')[0])).toEqual(Array(4).fill('server2'));
    }
  },
);

type Source = (typeof SOURCES)[number];

/**
 * Pods meet ClusterIPs at their own node. Asked by a pod of another one, an endpoint over there
 * would answer straight past this node, unmasqueraded as it is; the tracer knows the way there
 * only.
 */
function hasWayBack(source: Source, { address }: VirtualServer): boolean {
  const isClusterIP = FAMILIES.some((family) =>
    prefixContains(parsePrefix(serviceCidrs[family])!, address),
  );
  return !(isClusterIP && source.name === 'client2');
}

function place({ address, port }: VirtualServer, source: Source) {
  return { server: joinHostPort(address, port), source: source.name };
}

function ask({ address, port }: VirtualServer, from: string): Promise<FlowResult> {
  return topology.traffic.probe({ from, protocol: 'tcp', address, port, timeoutMs: 2500 });
}

function metText(result: FlowResult): string {
  if (result.kind === 'error') return `error ${result.code}`;
  if (result.kind !== 'answered') return result.kind;
  const ownAddresses = [node1.addresses, gateway(node1)].flatMap(({ IPv4, IPv6 }) => [IPv4, IPv6]);
  return `${result.by}${ownAddresses.includes(result.client) ? ' masqueraded' : ''}`;
}

function foretell(server: VirtualServer, source: Source): string {
  const family = familyOf(server.address);
  const packet: Packet = {
    source: source.addresses[family],
    destination: server.address,
    port: server.port,
    protocol: server.protocol,
    ...(source.inInterface === undefined ? {} : { inInterface: source.inInterface }),
  };
  const local = new Set(
    [node1.addresses, gateway(node1)].flatMap(({ IPv4, IPv6 }) => [IPv4, IPv6]),
  );
  const verdict = tracePacket(state, local, packet);
  if (verdict.kind !== 'endpoints') return verdict.kind;
  const [{ endpoint, isMasqueraded }] = verdict.endpoints as [
    { endpoint: string; isMasqueraded: boolean },
  ];
  const name = [here.IPv4, here.IPv6].some((address) => endpoint === joinHostPort(address, 8080))
    ? 'server1'
    : 'server2';
  return `${name}${isMasqueraded ? ' masqueraded' : ''}`;
}

function desired(): DesiredState {
  const store = new ClusterStore();
  const { objects, problems } = readManifest(MANIFEST, 'cluster.yaml');
  for (const object of objects) if (object.state !== undefined) store.put(object.state);
  const host = hostNetwork({
    nodeName: 'node1',
    interfaces: [
      {
        name: 'eth0',
        isUp: true,
        addresses: FAMILIES.map((family) => `${node1.addresses[family]}/24`),
      },
    ],
  });
  const detector = (family: Family) =>
    ({ kind: 'prefix', prefix: parsePrefix(clusterCidrs[family])! }) as const;
  const options = dataplaneOptions({
    detectLocal: { IPv4: detector('IPv4'), IPv6: detector('IPv6') },
  });
  const built = buildDesired(store, host, options);
  expect([...problems, ...objects.flatMap((object) => object.problems), ...built.problems]).toEqual(
    [],
  );
  return built.state;
}

/** By the standard tools, in the order of docs/architecture.md. */
async function putInto(namespace: string, wanted: DesiredState): Promise<void> {
  for (const [name, value] of wanted.sysctls) await topology.traffic.sysctl(namespace, name, value);
  await input(namespace, ['ipset', 'restore'], ipsetText(wanted));
  await input(namespace, ['iptables-restore', '-n'], rulesText(wanted, 'IPv4'));
  await input(namespace, ['ip6tables-restore', '-n'], rulesText(wanted, 'IPv6'));
  await input(namespace, ['ipvsadm', '-R'], ipvsText(wanted));
  const addresses = [...wanted.addresses].map(
    (address) => `address add ${address} dev kube-ipvs0\n`,
  );
  await input(
    namespace,
    ['ip', '-batch', '-'],
    `link add kube-ipvs0 type dummy\n${addresses.join('')}`,
  );
}

async function input(namespace: string, argv: readonly string[], text: string): Promise<void> {
  const { status, stderr } = await execIn(namespace, argv, { input: text });
  if (status !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`);
}

function ipsetText({ ipsets }: DesiredState): string {
  const lines = [...ipsets.values()].flatMap(({ name, type, family, entries }) => [
    type === 'bitmap:port'
      ? `create ${name} ${type} range 0-65535`
      : `create ${name} ${type} family ${family === 'IPv4' ? 'inet' : 'inet6'}`,
    ...[...entries].map((entry) => `add ${name} ${entry}`),
  ]);
  return `${lines.join('\n')}\n`;
}

function rulesText({ iptables }: DesiredState, family: Family): string {
  return Object.entries(iptables[family])
    .map(([table, chains]) => {
      const declared = [...chains.keys()].filter((chain) => chain.startsWith('KUBE-'));
      return `*${table}\n${declared.map((chain) => `:${chain} - [0:0]\n`).join('')}${[...chains.values()].flat().join('\n')}\nCOMMIT\n`;
    })
    .join('');
}

function ipvsText({ virtualServers }: DesiredState): string {
  const lines = [...virtualServers.values()].flatMap((server) => {
    const at = `${server.protocol === 'TCP' ? '-t' : '-u'} ${joinHostPort(server.address, server.port)}`;
    const destinations = [...server.destinations.values()].map(
      (destination) => `-a ${at} -r ${destinationKey(destination)} -m -w ${destination.weight}`,
    );
    return [`-A ${at} -s ${server.scheduler}`, ...destinations];
  });
  return `${lines.join('\n')}\n`;
}
