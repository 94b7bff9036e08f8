/**
 * Addresses that belong to a machine and are therefore never bound to kube-ipvs0: binding another node's, a gateway's or the
 * API server's address would cut this node off from it (kubernetes issues 127410, 93175, 75290, 66966), binding one of its
 * own would take the node's ports away (114815). Counts every change, so that only the Services concerned are looked at again.
 */
import type { HostNetwork } from '../model/host.ts';
import type { NodeResource } from '../model/resources.ts';
import type { Address } from '../net/address.ts';
import { interfaceAddresses } from './nodeAddresses.ts';

export interface AddressOwner {
  /** ours: a virtual server makes sense, binding does not; foreign: neither does */
  readonly isThisNode: boolean;
  /** `this node`, `node worker-2`, `the default gateway`, `the API server` */
  readonly description: string;
}

type HostAddresses = Readonly<Record<'own' | 'gateways' | 'apiServers', ReadonlySet<Address>>>;

export class ReservedAddresses {
  #nodeName: string;
  #host: HostAddresses;
  /** names of the Nodes that carry an address */
  readonly #nodes = new Map<Address, Set<string>>();

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
    const old = new Set(before?.addresses);
    const now = new Set(after?.addresses);
    const changed = inOneOnly(old, now);
    for (const address of changed) {
      if (old.has(address)) this.#removeNode(address, name);
      else this.#nodes.set(address, (this.#nodes.get(address) ?? new Set()).add(name));
    }
    return changed;
  }

  /**
   * The API server's address counts only for addresses that users choose: inside a cluster it *is* the ClusterIP of
   * default/kubernetes.
   */
  ownerOf(address: Address, isClusterIP: boolean): AddressOwner | undefined {
    const nodes = this.#nodes.get(address);
    if (this.#host.own.has(address) || nodes?.has(this.#nodeName)) {
      return { isThisNode: true, description: 'this node' };
    }
    const description =
      nodes === undefined ? this.#otherOwner(address, isClusterIP) : `node ${first(nodes)}`;
    return description === undefined ? undefined : { isThisNode: false, description };
  }

  #otherOwner(address: Address, isClusterIP: boolean): string | undefined {
    if (this.#host.gateways.has(address)) return 'the default gateway';
    if (!isClusterIP && this.#host.apiServers.has(address)) return 'the API server';
    return undefined;
  }

  #removeNode(address: Address, name: string): void {
    const names = this.#nodes.get(address);
    names?.delete(name);
    if (names?.size === 0) this.#nodes.delete(address);
  }
}

function hostAddresses(host: HostNetwork): HostAddresses {
  return {
    own: new Set(interfaceAddresses(host)),
    gateways: new Set(host.defaultGateways),
    apiServers: new Set(host.apiServerAddresses),
  };
}

/** The same whatever the order in which they came. */
function first(names: ReadonlySet<string>): string {
  return [...names].toSorted()[0]!;
}

function inOneOnly(a: ReadonlySet<Address>, b: ReadonlySet<Address>): Set<Address> {
  return new Set([...a, ...b].filter((address) => a.has(address) !== b.has(address)));
}
