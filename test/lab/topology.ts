// A small cluster out of network namespaces: nodes with pods behind a bridge each, and a client
// outside, all on one underlay. Knows wires, addresses and routes; nothing of Services: the proxies
// on the nodes are the caller's.
//
//   outside ─┐                        node1: eth0 192.0.2.11, cni0 10.244.1.1 ── pods 10.244.1.10, .11, …
//            ├── underlay (bridge) ── node2: eth0 192.0.2.12, cni0 10.244.2.1 ── pods 10.244.2.10, …

import { existsSync } from 'node:fs';
import {
  gateway,
  nodeAt,
  outsideClient,
  podAddresses,
  prefixLength,
  type Node,
  type PerFamily,
  type Place,
  type Pod,
} from './addressPlan.ts';
import { exec, execIn, ipBatch, spawnIn, type Finished } from './netns.ts';
import { Traffic } from './traffic.ts';

export class Topology {
  readonly traffic = new Traffic();
  readonly nodes: readonly Node[];
  readonly outside = outsideClient;
  readonly #pods = new Map<string, Pod>();

  private constructor(nodeCount: number) {
    this.nodes = Array.from({ length: nodeCount }, (_, i) => nodeAt(i + 1));
  }

  /**
   * Builds the underlay, the nodes (node1, node2, …) and the client; about 1.5 s in the lab kernel.
   */
  static async create({ nodeCount = 2 } = {}): Promise<Topology> {
    const topology = new Topology(nodeCount);
    try {
      await loadBridgeNetfilter();
      await topology.#buildUnderlay();
      for (const node of topology.nodes) await topology.#buildNode(node);
      return topology;
    } catch (error) {
      // Nobody has it who could, and its process would keep ours from ending.
      await topology.traffic.close();
      throw error;
    }
  }

  get pods(): readonly Pod[] {
    return [...this.#pods.values()];
  }

  /** @throws when there is no node of that name */
  node(name: string): Node {
    const found = this.nodes.find((node) => node.name === name);
    if (!found) throw new Error(`topology: no node ${name}`);
    return found;
  }

  /**
   * A pod with the next free address of its node (.10 upwards), or the one asked for by its last
   * part.
   */
  async addPod(nodeName: string, name: string, host?: number): Promise<Pod> {
    const node = this.node(nodeName);
    const addresses = podAddresses(node, host ?? this.#freeHost(node));
    const pod: Pod = { name, node: nodeName, addresses };
    this.#pods.set(name, pod);
    await ipBatch(undefined, [`netns add ${name}`]);
    await this.#quiet(name);
    await ipBatch(nodeName, [
      `link add v-${name} type veth peer name eth0 netns ${name}`,
      `link set v-${name} master cni0 up`,
      // as CNI plug-ins do: a pod reaches itself through a Service by the port it came from
      `link set v-${name} type bridge_slave hairpin on`,
    ]);
    await ipBatch(name, [
      'link set lo up',
      ...interfaceUp('eth0', addresses),
      ...routes(['default', 'default'], gateway(node)),
    ]);
    return pod;
  }

  /** Its servers end, its namespace goes; unknown names are fine. */
  async removePod(name: string) {
    const pod = this.#pods.get(name);
    if (!pod) return;
    this.#pods.delete(name);
    await this.traffic.stop(name);
    await ipBatch(pod.node, [`link delete v-${name}`]);
    await ipBatch(undefined, [`netns delete ${name}`]);
  }

  /**
   * Sends prefixes (of either family) from a place to a node's underlay address, replacing earlier
   * routes for them.
   */
  async route(from: Place, prefixes: readonly string[], via: Node) {
    const lines = prefixes.map((prefix) => {
      const family = prefix.includes(':') ? 'IPv6' : 'IPv4';
      return `route replace ${prefix} via ${via.addresses[family]}`;
    });
    await ipBatch(from.name, lines);
  }

  /** A command inside a node, pod or the client, to its end; a bad exit status does not throw. */
  exec(place: Place, argv: readonly string[], timeoutMs?: number): Promise<Finished> {
    return execIn(place.name, argv, timeoutMs === undefined ? {} : { timeoutMs });
  }

  /**
   * A process that goes on running there, e.g. the proxy, in a process group of its own. The caller
   * ends it.
   */
  spawn(place: Place, argv: readonly string[], stdio?: 'inherit' | 'pipe' | 'ignore') {
    return spawnIn(place.name, argv, stdio);
  }

  /** Takes everything down. What was started with `spawn` must have ended. */
  async destroy() {
    await this.traffic.close();
    const names = [...this.#pods.keys(), ...this.nodes.map(({ name }) => name), this.outside.name];
    const gone = names.map((name) => `netns delete ${name}`);
    await ipBatch(undefined, [...gone, 'link delete underlay']);
  }

  async #buildUnderlay() {
    const places: readonly Place[] = [...this.nodes, this.outside];
    await ipBatch(undefined, [
      'link add underlay type bridge',
      'link set underlay up',
      ...places.map(({ name }) => `netns add ${name}`),
    ]);
    for (const { name } of places) await this.#quiet(name);
    await ipBatch(
      undefined,
      places.flatMap(({ name }) => [
        `link add u-${name} type veth peer name eth0 netns ${name}`,
        `link set u-${name} master underlay up`,
      ]),
    );
    await ipBatch(this.outside.name, [
      'link set lo up',
      ...interfaceUp('eth0', this.outside.addresses),
    ]);
  }

  async #buildNode(node: Node) {
    await this.traffic.sysctl(node.name, 'net/ipv4/ip_forward', 1);
    await this.traffic.sysctl(node.name, 'net/ipv6/conf/all/forwarding', 1);
    const others = this.nodes.filter(({ index }) => index !== node.index);
    await ipBatch(node.name, [
      'link set lo up',
      ...interfaceUp('eth0', node.addresses),
      'link add cni0 type bridge',
      ...interfaceUp('cni0', gateway(node)),
      ...others.flatMap((other) =>
        routes([other.podCidrs.IPv4, other.podCidrs.IPv6], other.addresses),
      ),
      ...routes(['default', 'default'], this.outside.addresses),
    ]);
  }

  /**
   * No duplicate address detection (a fresh address would be unusable for a second) and no ICMP
   * redirects.
   */
  async #quiet(namespace: string) {
    for (const scope of ['all', 'default']) {
      await this.traffic.sysctl(namespace, `net/ipv6/conf/${scope}/accept_dad`, 0);
      await this.traffic.sysctl(namespace, `net/ipv4/conf/${scope}/send_redirects`, 0);
    }
  }

  #freeHost(node: Node): number {
    const taken = new Set(this.pods.map((pod) => pod.addresses.IPv4));
    for (let host = 10; host < 250; host++) {
      if (!taken.has(podAddresses(node, host).IPv4)) return host;
    }
    throw new Error(`topology: ${node.name} has no free pod address`);
  }
}

/**
 * As network plug-ins with a bridge do: what pods of one node answer each other would pass by
 * IPVS.
 */
async function loadBridgeNetfilter() {
  if (existsSync('/proc/sys/net/bridge')) return;
  const { status, stderr } = await exec(['modprobe', 'br_netfilter']);
  if (status !== 0) throw new Error(`topology: ${stderr.trim()}`);
}

function interfaceUp(name: string, { IPv4, IPv6 }: PerFamily): string[] {
  return [
    `address add ${IPv4}/${prefixLength.IPv4} dev ${name}`,
    `address add ${IPv6}/${prefixLength.IPv6} dev ${name} nodad`,
    `link set ${name} up`,
  ];
}

function routes([prefix4, prefix6]: readonly [string, string], via: PerFamily): string[] {
  return [`route add ${prefix4} via ${via.IPv4}`, `route add ${prefix6} via ${via.IPv6}`];
}
