/** The Nodes of the cluster and what is known of the proxies on them, as an election sees them. */
import type { AnnouncingNode } from '../model/announcingNode.ts';
import type { NodeResource } from '../model/resources.ts';
import type { CandidateNode } from './announcement.ts';

/** What only a running system knows of a node. */
export type ProxyState = Pick<
  CandidateNode,
  'isLeaving' | 'isAlive' | 'isReady' | 'aliveForMs' | 'unable' | 'interfaces'
>;

/** @param states by name; without one a node is alive and ready, and has been so for ever */
export function candidateNodes(
  nodes: Iterable<NodeResource>,
  states: ReadonlyMap<string, ProxyState>,
): readonly CandidateNode[] {
  return Array.from(nodes, ({ name, isLeaving, announcing = UNKNOWN }) => {
    const state = states.get(name) ?? UP;
    return { ...announcing, ...state, name, isLeaving: isLeaving || state.isLeaving };
  });
}

const UP: ProxyState = {
  isLeaving: false,
  isAlive: true,
  isReady: true,
  aliveForMs: Infinity,
  unable: new Set(),
  interfaces: undefined,
};

/** Read by who was not told to keep it. */
const UNKNOWN: AnnouncingNode = {
  labels: {},
  isCordoned: false,
  isOutOfService: false,
  isNetworkUnavailable: false,
  isNodeReady: true,
};
