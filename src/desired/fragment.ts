/**
 * What one Service adds to the dataplane: its frontends by server key, the set members that all of
 * them share, and what is wrong with it. A function of the Service, its slices and the node's
 * circumstances alone; Services that want the same address and port are told apart in claims.ts.
 */
import { type ChosenPort, type ServiceChoices, chooseForService } from './choices.ts';
import type { Problem } from '../model/problem.ts';
import type { EndpointSliceResource, ObjectKey, ServiceResource } from '../model/resources.ts';
import type { Address } from '../net/address.ts';
import type { Family } from '../net/family.ts';
import { trimmed } from '../model/trimmed.ts';
import { parseSloppyAddress } from '../net/sloppy.ts';
import { type CompileContext, type Frontend, frontendsOf } from './frontends.ts';
import type { SetMember } from './contributor.ts';
import {
  askedAddresses,
  FRONTEND_KINDS,
  type FrontendKind,
  type OwnableKind,
} from './frontendKinds.ts';
import { addressPortAddressEntry } from '../dataplane/setEntries.ts';
import { setName } from '../dataplane/setNames.ts';
import { type ServerKey, serverKey } from '../dataplane/state.ts';

export type LocalLack = `${Family} ${'internal' | 'external'}`;

export interface Fragment {
  readonly service: ObjectKey;
  /** that it was compiled from */
  readonly resource: ServiceResource;
  readonly frontends: ReadonlyMap<ServerKey, Frontend>;
  /** hairpin and health-check members, which hold whatever becomes of the frontends */
  readonly members: readonly SetMember[];
  /** every address the Service asks for, refused ones included: whose owner matters */
  readonly addresses: ReadonlySet<Address>;
  /** those of them that are not cluster IPs */
  readonly externalAddresses: ReadonlySet<Address>;
  readonly problems: readonly Problem[];
  /**
   * where a Local policy finds nobody on this node although the Service has endpoints elsewhere:
   * `IPv4 external`
   */
  readonly withoutLocal: ReadonlySet<LocalLack>;
  readonly dependsOn: {
    readonly hints: boolean;
    readonly nodePorts: boolean;
    readonly sourceRanges: boolean;
  };
}

/** Shared by the many Services that have none. */
const NONE: ReadonlySet<never> = new Set();
const NO_PROBLEMS: readonly Problem[] = [];
const INDEPENDENT: Fragment['dependsOn'] = { hints: false, nodePorts: false, sourceRanges: false };

export function compileService(
  service: ServiceResource,
  slices: readonly EndpointSliceResource[],
  context: CompileContext,
): Fragment {
  const choices = chooseForService(service, slices, context);
  const fields = new ServiceFields(service);
  const problems = [...choices.problems];
  const frontends = new Map<ServerKey, Frontend>();
  const clusterIPs = new Set<Address>();
  const externalAddresses = new Set<Address>();
  for (const { port, choice } of choices.ports) {
    for (const { kind, addresses } of askedAddresses(port, context.nodePortAddresses)) {
      if (kind === 'nodePort') continue;
      const ofKind = kind === 'clusterIP' ? clusterIPs : externalAddresses;
      for (const address of addresses) ofKind.add(address);
    }
    const compiled = frontendsOf(port, choice, context, choices.judgement);
    for (const { kind, address, ...rest } of compiled.remarks) {
      problems.push({ path: fields.path(kind, address, port), value: address, ...rest });
    }
    for (const frontend of compiled.frontends) {
      const key = serverKey(frontend.server);
      const rival = frontends.get(key);
      const isFirst =
        rival === undefined || FRONTEND_KINDS[frontend.kind].rank < FRONTEND_KINDS[rival.kind].rank;
      if (isFirst) frontends.set(key, frontend);
      if (rival === undefined) continue;
      problems.push(isFirst ? fields.rivalry(rival, frontend) : fields.rivalry(frontend, rival));
    }
  }
  return {
    service: fields.key,
    resource: service,
    frontends,
    members: sharedMembers(choices.ports),
    addresses:
      externalAddresses.size === 0 ? clusterIPs : new Set([...clusterIPs, ...externalAddresses]),
    externalAddresses: externalAddresses.size === 0 ? NONE : externalAddresses,
    problems: distinct(problems),
    withoutLocal: localLacks(choices.ports),
    dependsOn: dependencies(choices),
  };
}

function localLacks(ports: readonly ChosenPort[]): ReadonlySet<LocalLack> {
  if (!ports.some(({ port }) => port.isInternalLocal || port.isExternalLocal)) return NONE;
  const lacks = new Set<LocalLack>();
  for (const { port, endpoints, choice } of ports) {
    const isServed = endpoints.some(
      (each) => each.isReady || (each.isServing && each.isTerminating),
    );
    if (!isServed || choice.local.length > 0) continue;
    if (port.isInternalLocal) lacks.add(`${port.family} internal`);
    if (port.isExternalLocal) lacks.add(`${port.family} external`);
  }
  return lacks;
}

function sharedMembers(ports: readonly ChosenPort[]): readonly SetMember[] {
  const members: SetMember[] = [];
  for (const { port, choice } of ports) {
    const { family, protocol, healthCheckNodePort } = port;
    for (const { address, port: number } of choice.allLocal) {
      const entry = addressPortAddressEntry(address, protocol, number, address);
      members.push({ set: setName('KUBE-LOOP-BACK', family), entry });
    }
    if (healthCheckNodePort !== 0) {
      const set = setName('KUBE-HEALTH-CHECK-NODE-PORT', family);
      members.push({ set, entry: String(healthCheckNodePort) });
    }
  }
  return distinctMembers(members);
}

function dependencies({ ports, hasHints }: ServiceChoices): Fragment['dependsOn'] {
  const nodePorts = ports.some(({ port }) => port.nodePort !== 0);
  const sourceRanges = ports.some(({ port }) => port.sourceRanges !== undefined);
  if (!hasHints && !nodePorts && !sourceRanges) return INDEPENDENT;
  return { hints: hasHints, nodePorts, sourceRanges };
}

function distinctMembers(members: readonly SetMember[]): readonly SetMember[] {
  if (members.length < 2) return trimmed(members);
  return trimmed([
    ...new Map(members.map((member) => [`${member.set} ${member.entry}`, member])).values(),
  ]);
}

/** Several ports of a Service meet the same obstacle at one address: said once. */
function distinct(problems: readonly Problem[]): readonly Problem[] {
  if (problems.length === 0) return NO_PROBLEMS;
  return [...new Map(problems.map((problem) => [JSON.stringify(problem), problem])).values()];
}

/** Dotted path of the field that a frontend comes from. Read anew each time: seldom asked for. */
export function pathOf({ resource }: Fragment, frontend: Frontend): string {
  return new ServiceFields(resource).pathOf(frontend);
}

/** Finds the field of a Service that a frontend comes from. */
class ServiceFields {
  readonly key: ObjectKey;
  readonly #service: ServiceResource;
  #known: Map<OwnableKind, ReadonlyMap<Address, number>> | undefined;

  constructor(service: ServiceResource) {
    this.key = `${service.namespace}/${service.name}`;
    this.#service = service;
  }

  pathOf({ kind, server }: Frontend): string {
    return this.path(kind, server.address, { nodePort: server.port, protocol: server.protocol });
  }

  path(
    kind: FrontendKind,
    address: Address,
    { nodePort, protocol }: { readonly nodePort: number; readonly protocol: string },
  ): string {
    const root = `Service/${this.key}`;
    if (kind === 'nodePort') {
      const { ports } = this.#service;
      const spec = ports.find((port) => port.nodePort === nodePort && port.protocol === protocol);
      return `${root}.spec.ports[${spec?.index ?? 0}].nodePort`;
    }
    const index = this.#positions(kind).get(address) ?? -1;
    if (kind === 'clusterIP') return `${root}.spec.clusterIPs[${index}]`;
    if (kind === 'externalIP') return `${root}.spec.externalIPs[${index}]`;
    return `${root}.status.loadBalancer.ingress[${index}].ip`;
  }

  /** Many ports may meet the same obstacle at many addresses: the texts are read once. */
  #positions(kind: OwnableKind): ReadonlyMap<Address, number> {
    this.#known ??= new Map();
    const known = this.#known.get(kind);
    if (known !== undefined) return known;
    const { clusterIPs, externalIPs, loadBalancerIngress } = this.#service;
    const texts = { clusterIP: clusterIPs, externalIP: externalIPs };
    const positions = new Map<Address, number>();
    const list = kind === 'loadBalancer' ? loadBalancerIngress.map(({ ip }) => ip) : texts[kind];
    for (const [index, text] of list.entries()) {
      const address = parseSloppyAddress(text ?? '');
      if (address !== undefined && !positions.has(address)) positions.set(address, index);
    }
    this.#known.set(kind, positions);
    return positions;
  }

  /**
   * Two ports of this very Service want one address and port: a nodePort that equals a port on a
   * node's externalIP.
   */
  rivalry(loser: Frontend, winner: Frontend): Problem {
    return {
      path: this.pathOf(loser),
      value: serverKey(loser.server),
      problem: `is already port ${winner.server.service} of this Service by ${this.pathOf(winner)}`,
      consequence: 'PortLeftOut',
    };
  }
}
