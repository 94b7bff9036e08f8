/**
 * What speaks for and against each node as the announcer of an address, before anybody is chosen:
 * the input of an election, the same on every node.
 */
import type { Announcement, AnnouncerSettings } from '../config/loadBalancer/settings.ts';
import { EXCLUDE_LABEL } from '../model/announcingNode.ts';
import { selectorMatches } from '../model/labelSelector.ts';
import { type AnnouncedAddress, type CandidateNode, entriesOn } from './announcement.ts';
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

export interface Electorate {
  readonly nodes: readonly CandidateNode[];
  readonly settings: Pick<AnnouncerSettings, 'ignoreExcludeLabel' | 'holdDownMs'>;
  /** the first bytes decide, so any part of a SHA-256 will do */
  readonly sha256: (text: string) => string;
}

export interface Judged {
  readonly node: CandidateNode;
  /** undefined: a candidate */
  readonly reason: ExclusionReason | undefined;
  /** that would answer */
  readonly interfaces: readonly string[];
  /** of what its entries prefer */
  readonly weight: number;
}

/**
 * In two steps: whether an interface in the subnet is asked for depends on all those that are left
 * by then.
 */
export function judge(
  announced: AnnouncedAddress,
  entries: readonly Announcement[],
  { nodes, settings }: Pick<Electorate, 'nodes' | 'settings'>,
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
export function byMerit(a: Judged, b: Judged): number {
  return Number(a.node.isCordoned) - Number(b.node.isCordoned) || b.weight - a.weight;
}
