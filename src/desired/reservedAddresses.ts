/**
 * Addresses that belong to a machine: binding another node's, a gateway's or the API server's
 * address would cut this node off from it (kubernetes issues 127410, 93175, 75290, 66966), binding
 * one of its own would take the node's ports away (114815). What that means for whom is the table
 * of addressOwner.ts. Counts every change, so that only the Services concerned are looked at again.
 */
import type { HostNetwork } from '../model/host.ts';
import type { NodeResource } from '../model/resources.ts';
import type { Address } from '../net/address.ts';
import { type AddressOwner, shared, unbound, withheld } from './addressOwner.ts';
import type { OwnableKind } from './frontendKinds.ts';
import { interfaceAddresses } from './nodeAddresses.ts';

type NodeAddressType = 'InternalIP' | 'ExternalIP';

type HostAddresses = Readonly<Record<'own' | 'gateways' | 'apiServers', ReadonlySet<Address>>>;

export class ReservedAddresses {
  #nodeName: string;
  #host: HostAddresses;
  /** Nodes that carry an address, by name */
  readonly #nodes = new Map<Address, Map<string, NodeAddressType>>();

  constructor(host: HostNetwork) {
    this.#nodeName = host.nodeName;
    this.#host = hostAddresses(host);
  }

  /** @returns addresses whose owner may differ now */
  setHost(host: HostNetwork): ReadonlySet<Address> {
    const before = this.#host;
    this.#nodeName = host.nodeName;
    this.#host = hostAddresses(host);
    const after = this.#host;
    return new Set([
      ...inOneOnly(before.own, after.own),
      ...inOneOnly(before.gateways, after.gateways),
      ...inOneOnly(before.apiServers, after.apiServers),
    ]);
  }

  /** @returns addresses whose owner may differ now */
  setNode(
    name: string,
    before: NodeResource | undefined,
    after: NodeResource | undefined,
  ): ReadonlySet<Address> {
    const old = addressTypes(before);
    const now = addressTypes(after);
    const changed = new Set<Address>();
    for (const address of new Set([...old.keys(), ...now.keys()])) {
      const type = now.get(address);
      if (old.get(address) === type) continue;
      changed.add(address);
      if (type === undefined) this.#removeNode(address, name);
      else this.#nodes.set(address, (this.#nodes.get(address) ?? new Map()).set(name, type));
    }
    return changed;
  }

  /** On an interface of this node. */
  isOwn(address: Address): boolean {
    return this.#host.own.has(address);
  }

  ownerOf(address: Address, kind: OwnableKind): AddressOwner | undefined {
    if (this.isOwn(address)) return unbound('this node');
    const isGateway = this.#host.gateways.has(address);
    // what a status or a slice says never takes an allocated address away
    if (kind === 'clusterIP') return isGateway ? unbound('the default gateway') : undefined;
    const nodes = this.#nodes.get(address);
    if (nodes?.has(this.#nodeName)) return unbound('this node');
    const internal = firstNode(nodes, 'InternalIP');
    if (internal !== undefined) return withheld(`node ${internal}`);
    if (isGateway) return withheld('the default gateway');
    if (this.#host.apiServers.has(address)) return withheld('the API server');
    const external = firstNode(nodes, 'ExternalIP');
    if (external === undefined) return undefined;
    const description = `node ${external}`;
    return kind === 'loadBalancer' ? shared(description) : withheld(description);
  }

  #removeNode(address: Address, name: string): void {
    const nodes = this.#nodes.get(address);
    nodes?.delete(name);
    if (nodes?.size === 0) this.#nodes.delete(address);
  }
}

function hostAddresses(host: HostNetwork): HostAddresses {
  return {
    own: new Set(interfaceAddresses(host)),
    gateways: new Set(host.defaultGateways),
    apiServers: new Set(host.apiServerAddresses),
  };
}

function addressTypes(node: NodeResource | undefined): ReadonlyMap<Address, NodeAddressType> {
  const external = new Set(node?.externalAddresses);
  return new Map(
    node?.addresses.map((address) => [
      address,
      external.has(address) ? 'ExternalIP' : 'InternalIP',
    ]),
  );
}

/** The same whatever the order in which they came. */
function firstNode(
  nodes: ReadonlyMap<string, NodeAddressType> | undefined,
  type: NodeAddressType,
): string | undefined {
  if (nodes === undefined) return undefined;
  const names = [...nodes].filter(([, found]) => found === type).map(([name]) => name);
  return names.toSorted()[0];
}

function inOneOnly(a: ReadonlySet<Address>, b: ReadonlySet<Address>): Set<Address> {
  return new Set([...a, ...b].filter((address) => a.has(address) !== b.has(address)));
}
