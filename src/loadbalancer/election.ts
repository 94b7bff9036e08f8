/**
 * Who announces an address. Every node computes it for itself from the same objects and the same
 * heartbeats, so no vote is needed; the order of equals is MetalLB's (internal/k8s speaker, layer
 * 2), so that a change from there moves no address.
 */
import type { Announcement, AnnouncerSettings } from '../config/loadBalancer/settings.ts';
import { EXCLUDE_LABEL } from '../model/announcingNode.ts';
import { selectorMatches } from '../model/labelSelector.ts';
import type { Address } from '../net/address.ts';
import {
  type AnnouncedAddress,
  type CandidateNode,
  entriesFor,
  entriesOn,
} from './announcement.ts';
import { chooseInterfaces, type InterfaceChoice } from './announcingInterfaces.ts';

/** Why a node is out, in the order in which reasons are looked for. */
export type ExclusionReason =
  | 'Leaving'
  | 'Excluded'
  | 'NetworkUnavailable'
  | 'NotAlive'
  | 'NotReady'
  | 'NotSelected'
  | 'NoInterface'
  | 'NoEndpoint'
  | 'Unable';

export interface Election {
  readonly address: Address;
  /** undefined with a cause */
  readonly node: string | undefined;
  /** of the node, that answer; empty when nothing is known of them */
  readonly interfaces: readonly string[];
  /** in the order of the election, whoever owns it */
  readonly candidates: readonly string[];
  /** by name */
  readonly excluded: readonly { readonly node: string; readonly reason: ExclusionReason }[];
  /** nobody may; or the pool's entries announce it nowhere; or there is nobody to forward to */
  readonly cause: 'NoCandidates' | 'NotAnnounced' | 'NoEndpoints' | undefined;
}

export interface Electorate {
  readonly nodes: readonly CandidateNode[];
  readonly settings: Pick<AnnouncerSettings, 'ignoreExcludeLabel' | 'holdDownMs'>;
  /** the first bytes decide, so any part of a SHA-256 will do */
  readonly sha256: (text: string) => string;
}

/** @param owner who announces it now, as far as known */
export function elect(
  announced: AnnouncedAddress,
  owner: string | undefined,
  electorate: Electorate,
): Election {
  const { address, services } = announced;
  const entries = entriesFor(announced);
  const nobody = { address, node: undefined, interfaces: [], candidates: [], excluded: [] };
  if (entries.length === 0) return { ...nobody, cause: 'NotAnnounced' };
  if (!services.some(({ endpoints }) => endpoints.isAny))
    return { ...nobody, cause: 'NoEndpoints' };
  const judged = judge(announced, entries, electorate);
  const excluded = judged
    .flatMap(({ node, reason }) => (reason === undefined ? [] : [{ node: node.name, reason }]))
    .sort((a, b) => (a.node < b.node ? -1 : 1));
  const candidates = judged.filter(({ reason }) => reason === undefined).sort(byRank);
  const winner = chooseWinner(candidates, owner, electorate.settings.holdDownMs);
  return {
    address,
    node: winner?.node.name,
    interfaces: winner?.interfaces ?? [],
    candidates: candidates.map(({ node }) => node.name),
    excluded,
    cause: winner === undefined ? 'NoCandidates' : undefined,
  };
}

interface Judged {
  readonly node: CandidateNode;
  readonly reason: ExclusionReason | undefined;
  readonly interfaces: readonly string[];
  readonly weight: number;
  readonly hash: string;
}

/**
 * In two steps: whether an interface in the subnet is asked for depends on all those that are left
 * by then.
 */
function judge(
  announced: AnnouncedAddress,
  entries: readonly Announcement[],
  { nodes, settings, sha256 }: Electorate,
): Judged[] {
  const known = nodes.map((node) => {
    const own = entriesOn(node, entries);
    const choice = chooseInterfaces(node, own, announced.address);
    return { node, own, choice, reason: reasonOfNode(node, own, settings) };
  });
  const isOnLink = known.some(
    ({ reason, choice }) => reason === undefined && choice.inSubnet.length > 0,
  );
  return known.map(({ node, own, choice, reason }) => {
    const interfaces = isOnLink ? choice.inSubnet : choice.otherwise;
    return {
      node,
      interfaces,
      reason: reason ?? reasonHere(announced, node, choice, interfaces),
      weight: weightOf(node, own),
      hash: sha256(`${node.name}#${announced.address}`),
    };
  });
}

function reasonOfNode(
  node: CandidateNode,
  entries: readonly Announcement[],
  { ignoreExcludeLabel }: Electorate['settings'],
): ExclusionReason | undefined {
  if (node.isLeaving || node.isOutOfService) return 'Leaving';
  if (!ignoreExcludeLabel && Object.hasOwn(node.labels, EXCLUDE_LABEL)) return 'Excluded';
  if (node.isNetworkUnavailable) return 'NetworkUnavailable';
  if (!node.isAlive) return 'NotAlive';
  if (!node.isReady) return 'NotReady';
  return entries.length === 0 ? 'NotSelected' : undefined;
}

function reasonHere(
  { address, services }: AnnouncedAddress,
  node: CandidateNode,
  { isUnknown }: InterfaceChoice,
  interfaces: readonly string[],
): ExclusionReason | undefined {
  if (!isUnknown && interfaces.length === 0) return 'NoInterface';
  const locals = services.filter(({ isLocal }) => isLocal);
  const isServed =
    locals.length === 0 || locals.some(({ endpoints }) => endpoints.nodes.has(node.name));
  if (!isServed) return 'NoEndpoint';
  return node.unable.has(address) ? 'Unable' : undefined;
}

function weightOf({ labels }: CandidateNode, entries: readonly Announcement[]): number {
  const preferences = entries.flatMap(({ preferredNodes }) => preferredNodes);
  const wanted = preferences.filter(({ selector }) => selectorMatches(selector, labels));
  return wanted.reduce((sum, { weight }) => sum + weight, 0);
}

/** Below zero: `a` is better by what is wanted of a node, before the order of equals. */
function byMerit(a: Judged, b: Judged): number {
  return Number(a.node.isCordoned) - Number(b.node.isCordoned) || b.weight - a.weight;
}

function byRank(a: Judged, b: Judged): number {
  return byMerit(a, b) || (a.hash < b.hash ? -1 : 1);
}

/**
 * The owner stays: every move costs connections. It gives way to a better one that has been up for
 * a while, which is not the case of one that goes up and down.
 */
function chooseWinner(
  candidates: readonly Judged[],
  owner: string | undefined,
  holdDownMs: number,
): Judged | undefined {
  const present = candidates.find(({ node }) => node.name === owner);
  if (present === undefined) return candidates[0];
  const better = candidates.find(
    (each) => byMerit(each, present) < 0 && each.node.aliveForMs >= holdDownMs,
  );
  return better ?? present;
}
