/**
 * The nodes as an election sees them on this node: objects, what their proxies say of themselves,
 * and this node's own state.
 */
import type { AnnouncingNode } from '../../model/announcingNode.ts';
import type { Address } from '../../net/address.ts';
import { FAMILIES } from '../../net/family.ts';
import type { MacAddress } from '../../net/macAddress.ts';
import { parsePrefix } from '../../net/prefix.ts';
import type { Attachment } from '../../wire/heartbeatBody.ts';
import { familyOf } from '../../net/address.ts';
import type { AnnouncingInterface, CandidateNode } from '../announcement.ts';
import { isHeard, type PeerView } from '../peers/peerView.ts';

/** A Node of the cluster. */
export interface MemberNode {
  readonly name: string;
  readonly announcing: AnnouncingNode;
  /** deleted, or about to be removed */
  readonly isLeaving: boolean;
  /** of type InternalIP: heartbeats go there */
  readonly addresses: readonly Address[];
}

/** What a proxy is to its own node. */
export interface OwnStanding {
  readonly isReady: boolean;
  readonly isLeaving: boolean;
  readonly readyForMs: number;
  readonly attachments: readonly Attachment[];
  readonly unable: ReadonlySet<Address>;
}

export function ownCandidate(member: MemberNode, own: OwnStanding): CandidateNode {
  return {
    ...member.announcing,
    name: member.name,
    isLeaving: member.isLeaving || own.isLeaving,
    isAlive: true,
    isReady: own.isReady,
    aliveForMs: own.readyForMs,
    unable: own.unable,
    interfaces: interfacesOf(own.attachments),
  };
}

/** @param peer undefined: it is not listened to */
export function otherCandidate(member: MemberNode, peer: PeerView | undefined): CandidateNode {
  const { state = 'Unknown', isReady = false, isObserver = false, aliveForMs = 0 } = peer ?? {};
  return {
    ...member.announcing,
    name: member.name,
    isLeaving: member.isLeaving || state === 'Leaving',
    isAlive: isHeard({ state }),
    isReady: isReady && !isObserver,
    aliveForMs,
    unable: peer?.unable ?? NONE,
    interfaces: peer?.attachments && interfacesOf(peer.attachments),
  };
}

const NONE: ReadonlySet<Address> = new Set();

/** As if all others were up, for the order of turns while none of them is heard. */
export function presumed(candidate: CandidateNode): CandidateNode {
  return { ...candidate, isAlive: true, isReady: true, aliveForMs: Infinity, unable: NONE };
}

export function interfacesOf(attachments: readonly Attachment[]): readonly AnnouncingInterface[] {
  const byName = Map.groupBy(attachments, ({ interfaceName }) => interfaceName);
  return Array.from(byName, ([name, on]) => ({
    name,
    prefixes: on.flatMap(
      ({ address, prefixLength }) => parsePrefix(`${address}/${prefixLength}`) ?? [],
    ),
    defaultRoute: FAMILIES.filter((family) =>
      on.some(({ hasDefaultRoute, address }) => hasDefaultRoute && familyOf(address) === family),
    ),
  }));
}

/** Whose interfaces have which MAC address, as far as they told. */
export function nodesByMac(view: ReadonlyMap<string, PeerView>): ReadonlyMap<MacAddress, string> {
  const found = new Map<MacAddress, string>();
  for (const [name, { attachments = [] }] of view) {
    for (const { mac } of attachments) found.set(mac, name);
  }
  return found;
}
