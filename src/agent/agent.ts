/**
 * One node's proxy: the source's changes go to the builder of the desired state, the loop brings
 * the kernel to it, features stand beside it, and what happens is told. Decides what follows from a
 * change of the cluster, of this Node or of the host; the rest is the parts' own business.
 */
import type { ResolvedConfig } from '../config/resolve.ts';
import type { HostObserver } from '../dataplane/dataplane.ts';
import type { DataplaneOptions } from '../dataplane/options.ts';
import type { DesiredState } from '../dataplane/state.ts';
import { DesiredBuilder } from '../desired/builder.ts';
import type { OpenedSource } from '../inputs/source.ts';
import { Ledger } from '../kernel/ledger.ts';
import type { ClusterChange } from '../model/clusterStore.ts';
import type { HostNetwork } from '../model/host.ts';
import type { Conditions } from '../ops/conditions.ts';
import { aborted } from '../time/aborted.ts';
import { ClusterFeed } from './clusterFeed.ts';
import { NODE_NOT_FITTING } from './conditions.ts';
import type { AgentView } from './featureHost.ts';
import type { FeatureSet } from './featureSet.ts';
import { HostState } from './hostState.ts';
import { type Kernel, type KernelParts, openKernel } from './loop/openKernel.ts';
import { OwnNode } from './ownNode.ts';
import { proxyLoop } from './loop/proxyLoop.ts';
import type { Reporter } from './report/reporter.ts';
import type { SyncLoop } from './loop/syncLoop.ts';

export interface AgentParts extends KernelParts {
  readonly config: ResolvedConfig;
  readonly nodeName: string;
  readonly opened: OpenedSource;
  readonly observer: HostObserver;
  readonly reporter: Reporter;
  readonly conditions: Conditions;
  readonly features: FeatureSet;
  readonly ledgerFile?: string;
  /** see AuditOptions */
  readonly turnMs?: number;
}

export class Agent {
  readonly #parts: AgentParts;
  readonly #feed: ClusterFeed;
  readonly #host: HostState;
  readonly #ownNode: OwnNode;
  #builder: DesiredBuilder | undefined;
  #loop: SyncLoop | undefined;
  #options: DataplaneOptions | undefined;
  #isConnected = false;

  constructor(parts: AgentParts) {
    this.#parts = parts;
    const { nodeName, config, reporter, opened, features } = parts;
    this.#feed = new ClusterFeed(nodeName, config.bindAddress, {
      onChange: (change) => this.#changed(change),
      onProblems: (origin, problems) => reporter.problems(origin, problems),
      onStatus: (status) => {
        this.#isConnected = status.isConnected;
        reporter.sourceStatus(status);
      },
      onKindStatus: (status) => features.kindStatus(status),
    });
    this.#ownNode = new OwnNode({ ...parts, feed: this.#feed });
    this.#host = new HostState({
      ...parts,
      heldBack: () => [...opened.apiServerAddresses, ...features.heldBack],
      onChange: (host, before) => this.#hostChanged(host, before),
      onDummy: (news) => this.#loop?.noticed(news),
      onWarning: (warning) => reporter.warnings([warning]),
    });
  }

  /** Undefined until the cluster has been read once. Live, as the builder's. */
  get desired(): DesiredState | undefined {
    return this.#builder?.state;
  }

  /**
   * Runs until `signal` fires; the dataplane stays as it is.
   *
   * @param onNodeRead this Node has been read, or is not there; the first round waits for it
   * @throws NodeMismatchError, and what `onNodeRead` throws
   */
  async run(signal: AbortSignal, onNodeRead?: () => Promise<void>): Promise<void> {
    const { opened, features } = this.#parts;
    await this.#host.open();
    const kernel = openKernel(this.#parts, this.#host.now);
    try {
      await this.#host.watch();
      const started = features.start(this.#viewOf(kernel));
      const told = this.#feed.nodeRead.then(onNodeRead);
      await opened.source.start(this.#feed);
      // A feature may hold addresses back, or shape the dataplane: nothing is programmed before it
      // had the time to say so.
      await Promise.race([Promise.all([this.#feed.synced, started, told]), aborted(signal)]);
      if (!signal.aborted) await this.#proxy(kernel, signal);
    } finally {
      await features.stop();
      await this.#host.close();
      await opened.close();
      await kernel.dataplane.close();
    }
  }

  #viewOf({ known }: Kernel): AgentView {
    return {
      cluster: this.#feed.store,
      synced: this.#feed.synced,
      listed: (kind) => this.#feed.listed(kind),
      isConnected: () => this.#isConnected,
      desired: () => this.desired,
      programmed: known,
      network: () => this.#host.now,
      onHeldBack: () => this.#host.review(),
    };
  }

  async #proxy(kernel: Kernel, signal: AbortSignal): Promise<void> {
    const { reporter, ledgerFile } = this.#parts;
    reporter.synced(this.#feed.store);
    this.#build(this.#ownNode.options(this.#host.now));
    this.#ownNode.review(this.#host.now);
    const ledger = await Ledger.open(ledgerFile);
    const loop = proxyLoop({ ...this.#parts, ...kernel, ledger }, () => this.#builder!);
    this.#loop = loop;
    // Fired during an await above it would call nobody that registers now.
    void aborted(signal).then(() => loop.stop());
    await loop.run();
  }

  #build(options: DataplaneOptions): DesiredBuilder {
    this.#options = options;
    const { make, off } = this.#parts.contributors;
    this.#builder = new DesiredBuilder(this.#feed.store, options, this.#host.now, make(), off);
    this.#feed.direct(this.#builder);
    return this.#builder;
  }

  #changed(change: ClusterChange): void {
    const { reporter, features, nodeName } = this.#parts;
    reporter.clusterChanged(change);
    features.changed(change);
    if (change.kind === 'Node') this.#nodeChanged(change.key === nodeName);
    this.#loop?.changed();
  }

  /** Another one's matters only while this node's own is not found. */
  #nodeChanged(isOwn: boolean): void {
    if (isOwn) this.#ownNodeChanged();
    if (this.#loop === undefined) return;
    if (isOwn || this.#feed.ownNode === undefined) this.#ownNode.review(this.#host.now);
  }

  /** Other CIDRs of its own may mean other rules: kube-proxy exits then, we compile anew. */
  #ownNodeChanged(): void {
    const { reporter, conditions, nodeName } = this.#parts;
    const { ownNode } = this.#feed;
    reporter.nodeEligible(ownNode !== undefined && !ownNode.isLeaving);
    if (this.#loop === undefined) return;
    try {
      const options = this.#ownNode.options(this.#host.now);
      conditions.clear(NODE_NOT_FITTING, nodeName);
      if (options !== this.#options) this.#loop.resync(this.#build(options));
    } catch (error) {
      const message = 'the changed Node does not fit the configuration; what was programmed stays';
      conditions.set(NODE_NOT_FITTING, nodeName, { message, error });
    }
  }

  #hostChanged(host: HostNetwork, before: HostNetwork): void {
    this.#builder?.setHost(host);
    if (this.#loop === undefined) return;
    if (this.#feed.ownNode === undefined) this.#ownNode.review(host);
    if (String(host.families) === String(before.families)) this.#loop.changed();
    else this.#loop.resync();
  }
}
