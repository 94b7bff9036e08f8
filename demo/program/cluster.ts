// The cluster of the demo: two nodes, a web pod on each, a pod that asks, a client outside, and the
// routes that bring the Services' outside addresses to a node. Also says whose an address is, for
// people.

import {
  gateway,
  serviceCidrs,
  type Node,
  type Place,
  type Pod,
} from '../../test/lab/addressPlan.ts';
import { Topology } from '../../test/lab/topology.ts';
import { openWayToMachine } from '../../test/lab/wayToMachine.ts';
import type { Family } from '../../src/net/family.ts';
import type { Report } from './report.ts';

export interface Cluster {
  readonly topology: Topology;
  readonly node1: Node;
  readonly node2: Node;
  /** On node1 and node2; each answers HTTP with its name and the address of the client. */
  readonly web1: Pod;
  readonly web2: Pod;
  /** A pod on node1 that only asks. */
  readonly client: Pod;
  readonly outside: Place;
  /** e.g. `node1` for an address of node1; the address itself when it is nobody's */
  readonly whose: (address: string) => string;
}

/** Where the web pods listen; they answer as `NAME:PORT`, so that an answer shows the port too. */
export const podPorts = [8080, 9090, 9376] as const;

/** Addresses of Services that outside routers send to a node, as in demo/*.yaml. */
export const outsideAddresses = {
  loadBalancer: '198.51.100.20',
  localLoadBalancer: '198.51.100.30',
  externalIp: '80.11.12.10',
  /** of nobody's route: it is in the outsider's own subnet */
  announced: '192.0.2.64',
} as const;

const picture = `outside 192.0.2.100 ──┬── node1 192.0.2.11 ──┬── pod client 10.244.1.20
                      │                      └── pod web-1  10.244.1.10
                      └── node2 192.0.2.12 ───── pod web-2  10.244.2.10`;

export async function buildCluster(report: Report): Promise<Cluster> {
  report.chapter(
    'The cluster',
    'Real network namespaces of one kernel: two nodes, pods behind a bridge in each, and a client outside that has never ' +
      'heard of Kubernetes.',
  );
  report.block(picture);
  report.gap();
  const topology = await Topology.create();
  const node1 = topology.node('node1');
  const node2 = topology.node('node2');
  const web1 = await topology.addPod('node1', 'web-1', 10);
  const web2 = await topology.addPod('node2', 'web-2', 10);
  const client = await topology.addPod('node1', 'client', 20);
  for (const pod of [web1, web2]) {
    for (const port of podPorts) {
      await topology.traffic.serve(pod.name, `${pod.name}:${port}`, 'http', port);
    }
  }
  const { outside } = topology;
  await openWayToMachine(topology.nodes);
  await topology.route(outside, [serviceCidrs.IPv4, serviceCidrs.IPv6], node1);
  await topology.route(outside, [`${outsideAddresses.loadBalancer}/32`], node1);
  await topology.route(outside, [`${outsideAddresses.externalIp}/32`], node2);
  const owners = [node1, node2, web1, web2, client, outside];
  return { topology, node1, node2, web1, web2, client, outside, whose: ownerNaming(owners) };
}

function ownerNaming(places: readonly Place[]): (address: string) => string {
  const owners = new Map<string, string>();
  for (const place of places) {
    const also = 'podCidrs' in place ? [gateway(place as Node)] : [];
    for (const { IPv4, IPv6 } of [place.addresses, ...also]) {
      owners.set(IPv4, place.name);
      owners.set(IPv6, place.name);
    }
  }
  return (address) => owners.get(address) ?? address;
}

/**
 * What the pod sees of a client whose traffic the node masquerades: the node's address on the way
 * to that pod.
 */
export function addressTowards(pod: Pod, node: Node, family: Family = 'IPv4'): string {
  return pod.node === node.name ? gateway(node)[family] : node.addresses[family];
}
