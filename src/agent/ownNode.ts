/**
 * What this node's Node object means for the configuration, and what is wrong with its place in the
 * cluster.
 */
import { buildDataplaneOptions } from '../config/dataplaneOptions.ts';
import { ownNodeProblem } from '../config/ownNode.ts';
import type { ResolvedConfig } from '../config/resolve.ts';
import type { DataplaneOptions } from '../dataplane/options.ts';
import type { HostNetwork } from '../model/host.ts';
import { formatProblem, type Problem } from '../model/problem.ts';
import type { ClusterFeed } from './clusterFeed.ts';
import type { Reporter } from './report/reporter.ts';

export interface OwnNodeParts {
  readonly config: ResolvedConfig;
  readonly nodeName: string;
  readonly feed: Pick<ClusterFeed, 'ownNode' | 'lastOwnNode' | 'store'>;
  readonly reporter: Pick<Reporter, 'warnings' | 'nodeReviewed'>;
}

/** The configuration cannot work on this node; kube-proxy does not start either. */
export class NodeMismatchError extends Error {
  override readonly name = 'NodeMismatchError';
}

export class OwnNode {
  readonly #parts: OwnNodeParts;
  #podCIDRs: readonly string[] = [];
  #options: DataplaneOptions | undefined;
  /** what the Node is still to say */
  #awaited: readonly Problem[] = [];

  constructor(parts: OwnNodeParts) {
    this.#parts = parts;
  }

  /**
   * What the configuration means here now.
   *
   * @returns the same object as before where nothing of it has changed
   * @throws NodeMismatchError
   */
  options({ families }: HostNetwork): DataplaneOptions {
    const { config, nodeName, feed, reporter } = this.#parts;
    const podCIDRs = feed.ownNode?.podCIDRs ?? [];
    // One that is deleted or registered anew has none for a moment; what was programmed by them
    // still holds.
    if (podCIDRs.length > 0) this.#podCIDRs = podCIDRs;
    const node = { name: nodeName, podCIDRs: this.#podCIDRs, families };
    const built = buildDataplaneOptions(config.dataplane, node);
    const { options, warnings, nodePortWarnings, waiting, problems } = built;
    this.#awaited = waiting;
    if (problems.length > 0) throw new NodeMismatchError(problems.map(formatProblem).join('\n'));
    if (JSON.stringify(options) === JSON.stringify(this.#options)) return this.#options!;
    reporter.warnings([...warnings, ...nodePortWarnings]);
    this.#options = options;
    return options;
  }

  /** What is wrong with this node's place in the cluster. */
  review(host: HostNetwork): void {
    const { config, nodeName, feed, reporter } = this.#parts;
    const { ownNode, lastOwnNode, store } = feed;
    const isGone = ownNode === undefined && lastOwnNode !== undefined;
    const missing = ownNodeProblem(config.source, host, store.nodes);
    const found = isGone ? goneNode(nodeName) : missing;
    reporter.nodeReviewed([...(found === undefined ? [] : [found]), ...this.#awaited]);
  }
}

function goneNode(name: string): Problem {
  const problem = 'this Node was deleted';
  return { path: `Node/${name}`, value: undefined, problem, consequence: 'NodeGone' };
}
