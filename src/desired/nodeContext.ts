/**
 * The circumstances that compiling a Service depends on, kept up with every change: zone, NodePort
 * addresses, addresses that stand for the node, and who owns which address. Says after each change
 * what kind of Service it concerns.
 */
import type { HostNetwork } from '../model/host.ts';
import type { EndpointSliceResource, NodeResource, ObjectKey } from '../model/resources.ts';
import type { ServiceResource } from '../model/resources.ts';
import { SliceReader } from '../model/sliceEndpoints.ts';
import { type Address, familyOf } from '../net/address.ts';
import { FAMILIES, type Family } from '../net/family.ts';
import { type Prefix, formatPrefix, prefixContains } from '../net/prefix.ts';
import { type AddressOwner, withheld } from './addressOwner.ts';
import type { OwnableKind } from './frontendKinds.ts';
import { ClusterAddresses } from './clusterAddresses.ts';
import type { Fragment } from './fragment.ts';
import type { CompileContext } from './frontends.ts';
import type { JudgementOf } from './judgement.ts';
import { type ByFamily, nodeIps, nodePortAddresses } from './nodeAddresses.ts';
import type { DataplaneOptions } from '../dataplane/options.ts';
import { PodRanges } from './podRanges.ts';
import { ReservedAddresses } from './reservedAddresses.ts';

/** Which Services must be compiled again. */
export interface Concerned {
  all: boolean;
  readonly features: Set<keyof Fragment['dependsOn']>;
  readonly addresses: Set<Address>;
  /** external addresses in these */
  readonly ranges: Prefix[];
}

export class NodeContext implements CompileContext {
  readonly options: DataplaneOptions;
  readonly judgementOf: JudgementOf;
  families: readonly Family[];
  nodeName: string;
  zone: string | undefined;
  sliceReader: SliceReader;
  nodePortAddresses: ByFamily<readonly Address[]>;
  nodeIps: ByFamily<readonly Address[]>;
  #host: HostNetwork;
  #ownNode: NodeResource | undefined;
  readonly #reserved: ReservedAddresses;
  readonly #podRanges = new PodRanges();
  readonly #cluster = new ClusterAddresses();
  #concerned = nothingConcerned();

  constructor(
    options: DataplaneOptions,
    host: HostNetwork,
    judgementOf: JudgementOf = () => undefined,
  ) {
    this.options = options;
    this.judgementOf = judgementOf;
    this.#host = host;
    this.#reserved = new ReservedAddresses(host);
    this.families = host.families;
    this.nodeName = host.nodeName;
    this.sliceReader = new SliceReader(host.nodeName);
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
    if (isOtherNode) this.sliceReader = new SliceReader(host.nodeName);
    this.#concernAddresses(this.#reserved.setHost(host));
    this.#derive();
  }

  setNode(name: string, before: NodeResource | undefined, after: NodeResource | undefined): void {
    this.#concernAddresses(this.#reserved.setNode(name, before, after));
    this.#setPodRanges(name, before, after);
    if (name !== this.nodeName) return;
    this.#ownNode = after;
    this.#derive();
  }

  /** @returns addresses whose owner may differ now */
  setService(
    key: ObjectKey,
    before: ServiceResource | undefined,
    after: ServiceResource | undefined,
  ): readonly Address[] {
    return this.#cluster.setService(key, before, after);
  }

  /** @returns addresses whose owner may differ now */
  setSlice(
    key: ObjectKey,
    before: EndpointSliceResource | undefined,
    after: EndpointSliceResource | undefined,
  ): readonly Address[] {
    return this.#cluster.setSlice(key, before, after);
  }

  ownerOf(address: Address, kind: OwnableKind, service: ObjectKey): AddressOwner | undefined {
    return (
      this.#cluster.clusterIPOwner(address, kind, service) ??
      this.#reserved.ownerOf(address, kind) ??
      this.#podOwner(address, kind) ??
      this.#cluster.endpointOwner(address, kind, service)
    );
  }

  isNodeAddress(address: Address): boolean {
    return this.#reserved.isOwn(address);
  }

  takeConcerned(): Concerned {
    const concerned = this.#concerned;
    this.#concerned = nothingConcerned();
    return concerned;
  }

  /** A machine is asked for first: the pods of a node's network have its addresses. */
  #podOwner(address: Address, kind: OwnableKind): AddressOwner | undefined {
    if (kind === 'clusterIP') return undefined;
    const range = this.#podRanges.find(address);
    if (range !== undefined) return withheld(`the pods in ${range}`);
    const assumed = kind === 'externalIP' ? this.#assumedRange(familyOf(address)) : undefined;
    if (assumed === undefined || !prefixContains(assumed, address)) return undefined;
    return withheld(`the pods in ${formatPrefix(assumed)}, the range of this cluster's pods`);
  }

  /**
   * Where pods are as far as the configuration tells: less exact than the Nodes' own ranges, so it
   * counts without them only.
   */
  #assumedRange(family: Family): Prefix | undefined {
    const detector = this.options.detectLocal[family];
    if (detector.kind !== 'prefix' || this.#podRanges.has(family)) return undefined;
    return detector.prefix.length === 0 ? undefined : detector.prefix;
  }

  #setPodRanges(
    name: string,
    before: NodeResource | undefined,
    after: NodeResource | undefined,
  ): void {
    const assumed = () => FAMILIES.map((family) => this.#assumedRange(family));
    const assumedBefore = assumed();
    const { ranges } = this.#concerned;
    ranges.push(...this.#podRanges.setNode(name, before, after));
    for (const [i, now] of assumed().entries()) {
      const range = now ?? assumedBefore[i];
      if (now !== assumedBefore[i] && range !== undefined) ranges.push(range);
    }
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
  return { all: false, features: new Set(), addresses: new Set(), ranges: [] };
}

function sameAddresses(a: ByFamily<readonly Address[]>, b: ByFamily<readonly Address[]>): boolean {
  return a.IPv4.join() === b.IPv4.join() && a.IPv6.join() === b.IPv6.join();
}
