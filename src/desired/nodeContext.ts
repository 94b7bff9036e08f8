/**
 * The node's circumstances that compiling depends on, kept up with Node and host changes: zone, NodePort addresses, addresses
 * that stand for the node, and who owns which address. Says after each change what kind of Service it concerns.
 */
import type { HostNetwork } from '../model/host.ts';
import type { NodeResource } from '../model/resources.ts';
import type { Address } from '../net/address.ts';
import type { Family } from '../net/family.ts';
import type { Fragment } from './fragment.ts';
import type { CompileContext } from './frontends.ts';
import { type ByFamily, nodeIps, nodePortAddresses } from './nodeAddresses.ts';
import type { DataplaneOptions } from './options.ts';
import { type AddressOwner, ReservedAddresses } from './reservedAddresses.ts';

/** Which Services must be compiled again. */
export interface Concerned {
  all: boolean;
  readonly features: Set<keyof Fragment['dependsOn']>;
  readonly addresses: Set<Address>;
}

export class NodeContext implements CompileContext {
  readonly options: DataplaneOptions;
  families: readonly Family[];
  nodeName: string;
  zone: string | undefined;
  nodePortAddresses: ByFamily<readonly Address[]>;
  nodeIps: ByFamily<readonly Address[]>;
  #host: HostNetwork;
  #ownNode: NodeResource | undefined;
  readonly #reserved: ReservedAddresses;
  #concerned = nothingConcerned();

  constructor(options: DataplaneOptions, host: HostNetwork) {
    this.options = options;
    this.#host = host;
    this.#reserved = new ReservedAddresses(host);
    this.families = host.families;
    this.nodeName = host.nodeName;
    this.nodePortAddresses = nodePortAddresses(options.nodePortAddresses, host, []);
    this.nodeIps = nodeIps(host, []);
  }

  /** @param ownNode the Node object of `host.nodeName`, as far as it is known */
  setHost(host: HostNetwork, ownNode: NodeResource | undefined): void {
    const isOtherNode = host.nodeName !== this.nodeName;
    const hasOtherFamilies = host.families.join() !== this.families.join();
    if (isOtherNode || hasOtherFamilies) this.#concerned.all = true;
    this.#host = host;
    this.#ownNode = ownNode;
    this.families = host.families;
    this.nodeName = host.nodeName;
    this.#concernAddresses(this.#reserved.setHost(host));
    this.#derive();
  }

  setNode(name: string, before: NodeResource | undefined, after: NodeResource | undefined): void {
    this.#concernAddresses(this.#reserved.setNode(name, before, after));
    if (name !== this.nodeName) return;
    this.#ownNode = after;
    this.#derive();
  }

  ownerOf(address: Address, isClusterIP: boolean): AddressOwner | undefined {
    return this.#reserved.ownerOf(address, isClusterIP);
  }

  takeConcerned(): Concerned {
    const concerned = this.#concerned;
    this.#concerned = nothingConcerned();
    return concerned;
  }

  #derive(): void {
    const own = this.#ownNode?.addresses ?? [];
    const { features } = this.#concerned;
    const ports = nodePortAddresses(this.options.nodePortAddresses, this.#host, own);
    const ips = nodeIps(this.#host, own);
    if (this.#ownNode?.zone !== this.zone) features.add('hints');
    if (!sameAddresses(ports, this.nodePortAddresses)) features.add('nodePorts');
    if (!sameAddresses(ips, this.nodeIps)) features.add('sourceRanges');
    this.zone = this.#ownNode?.zone;
    this.nodePortAddresses = ports;
    this.nodeIps = ips;
  }

  #concernAddresses(addresses: ReadonlySet<Address>): void {
    for (const address of addresses) this.#concerned.addresses.add(address);
  }
}

function nothingConcerned(): Concerned {
  return { all: false, features: new Set(), addresses: new Set() };
}

function sameAddresses(a: ByFamily<readonly Address[]>, b: ByFamily<readonly Address[]>): boolean {
  return a.IPv4.join() === b.IPv4.join() && a.IPv6.join() === b.IPv6.join();
}
