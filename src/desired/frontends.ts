/**
 * The addresses at which one service port is reached, each with its virtual server, whether the
 * address is bound to kube-ipvs0, and the set members that go with it. Who may have an address that
 * two Services want is decided in claims.ts.
 *
 * | frontend | bound | sets |
 * |---|---|---|
 * | ClusterIP | yes | CLUSTER-IP |
 * | externalIP | unless owned (addressOwner.ts) | EXTERNAL-IP, or EXTERNAL-IP-LOCAL |
 * | LB address | unless owned | LOAD-BALANCER, and -LOCAL; with source ranges -FW and its three companions |
 * | NodePort | no | NODE-PORT-*, and -LOCAL-* |
 * | any, without endpoint on this node / anywhere | | IPVS-DROP / IPVS-REJECT |
 */
import type { Consequence } from '../model/consequence.ts';
import type { Endpoint, EndpointChoice, ServicePort } from '../model/servicePort.ts';
import type { ObjectKey } from '../model/resources.ts';
import type { SliceReader } from '../model/sliceEndpoints.ts';
import { trimmed } from '../model/trimmed.ts';
import type { Address } from '../net/address.ts';
import type { Family } from '../net/family.ts';
import { prefixContains } from '../net/prefix.ts';
import type { AddressOwner } from './addressOwner.ts';
import type { FrontendVerdict, Judgement, SetMember } from './contributor.ts';
import {
  type AskedAddresses,
  askedAddresses,
  type FrontendKind,
  isOwnable,
  type OwnableKind,
} from './frontendKinds.ts';
import type { SetName } from './ipsets.ts';
import {
  addressPortAddressEntry,
  addressPortEntry,
  addressPortPrefixEntries,
} from '../dataplane/setEntries.ts';
import { setName } from '../dataplane/setNames.ts';
import type { ByFamily } from './nodeAddresses.ts';
import type { DataplaneOptions } from '../dataplane/options.ts';
import type { VirtualServer } from '../dataplane/state.ts';
import type { JudgementOf } from './judgement.ts';
import { destinationsOf, virtualServer } from './virtualServer.ts';

export interface Frontend {
  readonly kind: FrontendKind;
  readonly server: VirtualServer;
  readonly isBound: boolean;
  readonly members: readonly SetMember[];
  /** no virtual server: a program on this node answers there */
  readonly isAnswered?: true;
}

/** Something about a frontend that its Service's owner should know; fragment.ts finds the field. */
export interface FrontendRemark {
  readonly kind: FrontendKind;
  readonly address: Address;
  readonly problem: string;
  readonly consequence: Consequence;
}

/** What compiling needs to know besides the Service. */
export interface CompileContext {
  readonly options: DataplaneOptions;
  readonly families: readonly Family[];
  readonly nodeName: string;
  readonly zone: string | undefined;
  /** of `nodeName` */
  readonly sliceReader: SliceReader;
  readonly nodePortAddresses: ByFamily<readonly Address[]>;
  /** what stands for this node when a source range is asked whether it admits it */
  readonly nodeIps: ByFamily<readonly Address[]>;
  ownerOf(address: Address, kind: OwnableKind, service: ObjectKey): AddressOwner | undefined;
  readonly judgementOf: JudgementOf;
}

export interface PortFrontends {
  readonly frontends: readonly Frontend[];
  readonly remarks: readonly FrontendRemark[];
}

export function frontendsOf(
  port: ServicePort,
  choice: EndpointChoice,
  context: CompileContext,
  judgement?: Judgement,
): PortFrontends {
  return new PortCompiler(port, choice, context, judgement);
}

class PortCompiler implements PortFrontends {
  readonly frontends: Frontend[] = [];
  readonly remarks: FrontendRemark[] = [];
  readonly #port: ServicePort;
  readonly #choice: EndpointChoice;
  readonly #context: CompileContext;
  readonly #judgement: Judgement | undefined;
  /** addresses that this port's frontends bind here */
  readonly #bound: ReadonlySet<Address>;
  readonly #destinations = new Map<readonly Endpoint[], VirtualServer['destinations']>();

  constructor(
    port: ServicePort,
    choice: EndpointChoice,
    context: CompileContext,
    judgement: Judgement | undefined,
  ) {
    this.#port = port;
    this.#judgement = judgement;
    this.#choice = choice;
    this.#context = context;
    const asked = askedAddresses(port, context.nodePortAddresses);
    this.#bound = this.#boundAddresses(asked);
    this.#remarkLoops();
    for (const { kind, addresses, port: number } of asked) {
      for (const address of addresses) this.#add(kind, address, number);
    }
  }

  #add(kind: FrontendKind, address: Address, portNumber: number): void {
    const said = this.#verdictOfOthers(kind, address, portNumber);
    if (said?.effect === 'withheld') {
      const { problem } = said;
      this.remarks.push({ kind, address, problem, consequence: 'AddressNotServed' });
      return;
    }
    const isAnswered = said?.effect === 'answered';
    const owner = kind === 'nodePort' ? undefined : this.#ownerOf(address, kind);
    if (owner !== undefined) {
      const { problem, consequence } = owner;
      this.remarks.push({ kind, address, problem, consequence });
    }
    if (owner?.effect === 'withheld') return;
    const isBound = kind !== 'nodePort' && owner?.effect !== 'unbound';
    const destinations = this.#destinationsFor(kind);
    const { options } = this.#context;
    const server = virtualServer(address, portNumber, this.#port, destinations, options);
    const verdict = isAnswered ? undefined : this.#verdictOn(kind, server);
    this.frontends.push({
      kind,
      server,
      isBound,
      members: trimmed([
        ...this.#membersOf(kind, server, isBound),
        ...(verdict === undefined ? [] : [this.#portMember(verdict, address, portNumber)]),
        ...(isBound ? [this.#member('KUBE-IPVS-IPS', address)] : []),
      ]),
      ...(isAnswered ? { isAnswered } : {}),
    });
  }

  #verdictOfOthers(
    kind: FrontendKind,
    address: Address,
    port: number,
  ): FrontendVerdict | undefined {
    return this.#judgement?.frontend?.({ kind, address, port, protocol: this.#port.protocol });
  }

  /** What goes with a frontend of this kind. */
  #membersOf(kind: FrontendKind, server: VirtualServer, isBound: boolean): readonly SetMember[] {
    const { address, port } = server;
    const { isExternalLocal } = this.#port;
    switch (kind) {
      case 'clusterIP':
        return [this.#portMember('KUBE-CLUSTER-IP', address, port)];
      case 'externalIP': {
        const set = isExternalLocal ? 'KUBE-EXTERNAL-IP-LOCAL' : 'KUBE-EXTERNAL-IP';
        return [this.#portMember(set, address, port)];
      }
      case 'loadBalancer':
        return [
          this.#portMember('KUBE-LOAD-BALANCER', address, port),
          ...(isExternalLocal ? [this.#portMember('KUBE-LOAD-BALANCER-LOCAL', address, port)] : []),
          ...this.#sourceRangeMembers(server, isBound),
        ];
      case 'nodePort': {
        const members = [this.#nodePortMember('', address, port)];
        if (isExternalLocal) members.push(this.#nodePortMember('LOCAL-', address, port));
        return members;
      }
      default:
        return kind satisfies never;
    }
  }

  #nodePortMember(local: '' | 'LOCAL-', address: Address, port: number): SetMember {
    const { protocol } = this.#port;
    return protocol === 'SCTP'
      ? this.#portMember(`KUBE-NODE-PORT-${local}SCTP-HASH`, address, port)
      : this.#member(`KUBE-NODE-PORT-${local}${protocol}`, String(port));
  }

  #ownerOf(address: Address, kind: OwnableKind): AddressOwner | undefined {
    return this.#context.ownerOf(address, kind, this.#port.service);
  }

  #boundAddresses(asked: readonly AskedAddresses[]): ReadonlySet<Address> {
    const bound = new Set<Address>();
    for (const { kind, addresses, port } of asked.filter(isOwnable)) {
      for (const address of addresses) {
        if (this.#verdictOfOthers(kind, address, port)?.effect === 'withheld') continue;
        const owner = this.#ownerOf(address, kind);
        if (owner === undefined || owner.effect === 'shared') bound.add(address);
      }
    }
    return bound;
  }

  /**
   * One map for all frontends with the same endpoints: there may be thousands of these, and many
   * addresses.
   */
  #destinationsFor(kind: FrontendKind): VirtualServer['destinations'] {
    const { forClusterIP, forExternal } = this.#choice;
    const chosen = kind === 'clusterIP' ? forClusterIP : forExternal;
    const known = this.#destinations.get(chosen);
    if (known !== undefined) return known;
    // a destination on an address that is bound here would send packets back into this very node
    const made = destinationsOf(chosen, ({ address }) => !this.#bound.has(address));
    this.#destinations.set(chosen, made);
    return made;
  }

  #remarkLoops(): void {
    const { forClusterIP, forExternal } = this.#choice;
    const { loadBalancerIPs } = this.#port;
    const lists = forClusterIP === forExternal ? [forClusterIP] : [forClusterIP, forExternal];
    const looping = lists.flatMap((list) => list.filter(({ address }) => this.#bound.has(address)));
    for (const { address, source } of new Set(looping)) {
      const kind = loadBalancerIPs.includes(address) ? 'loadBalancer' : 'externalIP';
      const problem = `is also the address of endpoint ${source}`;
      this.remarks.push({ kind, address, problem, consequence: 'CircleLeftOut' });
    }
  }

  /**
   * The set whose rule decides about traffic that has no endpoint to go to: nowhere, or none on
   * this node.
   */
  #verdictOn(kind: FrontendKind, server: VirtualServer): SetName | undefined {
    if (server.destinations.size === 0) return 'KUBE-IPVS-REJECT';
    const isDropped = kind !== 'clusterIP' && this.#choice.isOutsideDropped;
    return isDropped ? 'KUBE-IPVS-DROP' : undefined;
  }

  #sourceRangeMembers(server: VirtualServer, isBound: boolean): SetMember[] {
    const { sourceRanges, port, protocol, family } = this.#port;
    if (sourceRanges === undefined) return [];
    const { address } = server;
    const admitsNode = this.#context.nodeIps[family].some((ip) =>
      sourceRanges.some((range) => prefixContains(range, ip)),
    );
    return [
      this.#portMember('KUBE-LOAD-BALANCER-FW', address, port),
      ...sourceRanges
        .flatMap((range) => addressPortPrefixEntries(address, protocol, port, range))
        .map((entry) => this.#member('KUBE-LOAD-BALANCER-SOURCE-CIDR', entry)),
      ...(admitsNode ? [this.#ownSourceMember(address)] : []),
      // with an address of the node itself this would also catch what the node sends straight to
      // the endpoint: probes
      ...(admitsNode || !isBound ? [] : this.#outDenyMembers(server)),
    ];
  }

  /** The node's own traffic to an address bound on it has that address as source too. */
  #ownSourceMember(address: Address): SetMember {
    const { protocol, port } = this.#port;
    const entry = addressPortAddressEntry(address, protocol, port, address);
    return this.#member('KUBE-LOAD-BALANCER-SOURCE-IP', entry);
  }

  #outDenyMembers({ address, protocol, destinations }: VirtualServer): SetMember[] {
    return Array.from(destinations.values(), (destination) => {
      const { address: to, port } = destination;
      const entry = addressPortAddressEntry(address, protocol, port, to);
      return this.#member('KUBE-LOAD-BALANCER-OUT-DENY', entry);
    });
  }

  #portMember(name: SetName, address: Address, port: number): SetMember {
    return this.#member(name, addressPortEntry(address, this.#port.protocol, port));
  }

  #member(name: SetName, entry: string): SetMember {
    return { set: setName(name, this.#port.family), entry };
  }
}
