/**
 * `kube-ipvs lb plan`: who would get which addresses and who would announce them, of objects alone.
 * What the running load balancer decides it decides with the same functions; here they are asked
 * once.
 */
import type { LoadBalancerSettings } from '../config/loadBalancer/settings.ts';
import type { ClusterSnapshot } from '../model/clusterStore.ts';
import type { ObjectKey } from '../model/resources.ts';
import type { Address } from '../net/address.ts';
import { type Allocation, allocate } from './allocation/allocate.ts';
import { allocationInput } from './allocationInput.ts';
import { announcedAddresses } from './announcedAddresses.ts';
import type { AnnouncedAddress } from './announcement.ts';
import type { Decision } from './allocation/decision.ts';
import { candidateNodes, type ProxyState } from './candidateNodes.ts';
import { type Election, elect } from './election.ts';
import { type AllocationEvent, conflictEvent, eventsOf } from './events.ts';
import { patchOf, type ServiceStatus, statusAfter } from './status.ts';

export interface OfflineQuestion {
  readonly settings: LoadBalancerSettings;
  /** read with the need LoadBalancing, and its Namespaces */
  readonly cluster: ClusterSnapshot;
  readonly states: ReadonlyMap<string, ProxyState>;
  /** who announces an address now */
  readonly owners: ReadonlyMap<Address, string>;
  /** seen answering for an address: its MAC address */
  readonly foreignOwners: ReadonlyMap<Address, string>;
  readonly sha256: (text: string) => string;
  /** RFC 3339, whole seconds */
  readonly now: string;
}

export interface OfflinePlan {
  /** by Service */
  readonly assignments: readonly Assignment[];
  readonly events: readonly AllocationEvent[];
  readonly pools: Allocation['pools'];
  /** by address */
  readonly announced: readonly (Election & { readonly services: readonly ObjectKey[] })[];
}

/** A decision and what becomes of the object by it. */
export interface Assignment {
  readonly key: ObjectKey;
  readonly decision: Decision;
  readonly isWritten: boolean;
  readonly status: ServiceStatus;
}

export function offlinePlan(question: OfflineQuestion): OfflinePlan {
  const { settings, cluster } = question;
  const { decisions, pools } = allocateIn(question);
  const assignments = Array.from(decisions, ([key, decision]) => {
    const isWritten = patchOf(decision, question.now) !== undefined;
    return { key, decision, isWritten, status: statusAfter(decision, question.now) };
  });
  const addresses = announcedAddresses(decisions, cluster.slices, settings.pools);
  return {
    assignments,
    events: eventsFor(assignments, question.foreignOwners),
    pools,
    announced: announcers(addresses, question),
  };
}

function allocateIn({ settings, cluster, foreignOwners }: OfflineQuestion): Allocation {
  const services = [...cluster.services.values()].flatMap(({ balanced }) => balanced ?? []);
  return allocate(allocationInput(settings, services, cluster, foreignOwners));
}

function eventsFor(
  assignments: readonly Assignment[],
  foreignOwners: ReadonlyMap<Address, string>,
): readonly AllocationEvent[] {
  return assignments.flatMap(({ key, decision, isWritten }) => {
    const conflicts = decision.addresses.flatMap(({ address }) => {
      const mac = foreignOwners.get(address);
      return mac === undefined ? [] : [conflictEvent(key, address, mac)];
    });
    return [...eventsOf(decision, isWritten), ...conflicts];
  });
}

function announcers(
  addresses: readonly AnnouncedAddress[],
  { settings, cluster, states, owners, sha256 }: OfflineQuestion,
): OfflinePlan['announced'] {
  const nodes = candidateNodes(cluster.nodes.values(), states);
  const electorate = { nodes, settings: settings.announcer, sha256 };
  return addresses.map((announced) => ({
    ...elect(announced, ownersOf(owners.get(announced.address)), electorate),
    services: announced.services.map(({ key }) => key),
  }));
}

function ownersOf(name: string | undefined): ReadonlySet<string> {
  return new Set(name === undefined ? [] : [name]);
}
