/**
 * One node's proxy: the source's changes go to the builder of the desired state, the loop brings the kernel to it, and what
 * happens is told to log, metrics, health and Events. Decides what a change of this Node or host means for the
 * configuration; everything else is the parts' own business.
 */
import { buildDataplaneOptions } from '../config/dataplaneOptions.ts';
import { ownNodeProblem } from '../config/ownNode.ts';
import type { ResolvedConfig } from '../config/resolve.ts';
import { ConntrackSweep, type ConntrackTable } from '../conntrack/shell/conntrackSweep.ts';
import type { Dataplane, HostObserver } from '../dataplane/dataplane.ts';
import type { DataplaneOptions } from '../dataplane/options.ts';
import type { DesiredState } from '../dataplane/state.ts';
import { DesiredBuilder } from '../desired/builder.ts';
import { asProgrammable } from '../inputs/host.ts';
import type { OpenedSource } from '../inputs/source.ts';
import { ConntrackClient } from '../kernel/conntrackClient.ts';
import { KernelDataplane, openClients } from '../kernel/dataplane.ts';
import type { IptablesTools } from '../kernel/iptablesBackend.ts';
import { Ledger } from '../kernel/ledger.ts';
import { withApiServers } from '../model/apiServers.ts';
import { type HostNetwork, sameHost } from '../model/host.ts';
import { formatProblem, type Problem } from '../model/problem.ts';
import type { ClusterChange } from '../model/clusterStore.ts';
import type { Conditions } from '../ops/conditions.ts';
import { collectGarbage } from '../ops/startGarbage.ts';
import { DrainBook } from '../plan/drain.ts';
import type { Clock } from '../time/clock.ts';
import { ApiServerEndpoints } from './apiServerEndpoints.ts';
import { ClusterFeed } from './clusterFeed.ts';
import { firstReading } from './firstReading.ts';
import { foreignDestinations } from './foreignDestinations.ts';
import { KernelView } from './kernelView.ts';
import { HOST_UNREAD, NODE_NOT_FITTING } from './conditions.ts';
import type { Reporter } from './reporter.ts';
import { RetryBook } from './retryBook.ts';
import type { RivalWatch } from './rivalWatch.ts';
import { SyncLoop } from './syncLoop.ts';

export interface AgentParts {
  readonly config: ResolvedConfig;
  readonly nodeName: string;
  readonly opened: OpenedSource;
  readonly observer: HostObserver;
  readonly tools: IptablesTools;
  readonly reporter: Reporter;
  readonly conditions: Conditions;
  readonly rivals?: Pick<RivalWatch, 'round'>;
  readonly clock: Clock;
  readonly ledgerFile?: string;
  /** of this process's network namespace by default; another one in tests */
  readonly kernel?: AgentKernel;
}

export interface AgentKernel {
  readonly dataplane: Dataplane;
  readonly conntrack: ConntrackTable;
}

interface Kernel {
  readonly dataplane: Dataplane;
  readonly view: KernelView;
}

/** The configuration cannot work on this node; kube-proxy does not start either. */
export class NodeMismatchError extends Error {
  override readonly name = 'NodeMismatchError';
}

const NO_IP6TABLES =
  'ip6tables was not found in PATH: nothing is proxied over IPv6 here; install the package iptables';

/** After the first round; by then the lists of the start are held by nobody. */
const START_GARBAGE_DELAY_MS = 3_000;

export class Agent {
  readonly #parts: AgentParts;
  readonly #feed: ClusterFeed;
  readonly #apiServers = new ApiServerEndpoints();
  #host: HostNetwork | undefined;
  #builder: DesiredBuilder | undefined;
  #loop: SyncLoop | undefined;
  #options: DataplaneOptions | undefined;
  #podCIDRs: readonly string[] = [];
  /** what the Node is still to say */
  #awaited: readonly Problem[] = [];
  #hostReading: Promise<void> = Promise.resolve();

  constructor(parts: AgentParts) {
    this.#parts = parts;
    const { nodeName, config, reporter } = parts;
    this.#feed = new ClusterFeed(nodeName, config.bindAddress, {
      onChange: (change) => this.#changed(change),
      onProblems: (origin, problems) => reporter.problems(origin, problems),
      onStatus: (status) => reporter.sourceStatus(status),
    });
  }

  /** Undefined until the cluster has been read once. Live, as the builder's. */
  get desired(): DesiredState | undefined {
    return this.#builder?.state;
  }

  /** Runs until `signal` fires; the dataplane stays as it is. @throws NodeMismatchError */
  async run(signal: AbortSignal): Promise<void> {
    const { observer, opened } = this.#parts;
    this.#host = await this.#observedHost();
    const kernel = this.#openKernel();
    const stopWatching = await observer.watch(() => this.#hostChanged());
    try {
      await opened.source.start(this.#feed);
      await Promise.race([this.#feed.synced, aborted(signal)]);
      if (!signal.aborted) await this.#proxy(kernel, signal);
    } finally {
      await stopWatching();
      await this.#hostReading;
      await opened.close();
      await kernel.dataplane.close();
    }
  }

  /** The names of sets and chains do not depend on the cluster, so the kernel is read while the cluster is listed. */
  #openKernel(): Kernel {
    const { config, tools, kernel, clock } = this.#parts;
    const { names, sysctls } = firstReading(config.dataplane, this.#host!);
    const dataplane = kernel?.dataplane ?? new KernelDataplane(names, openClients(names, tools));
    const view = new KernelView(dataplane, clock);
    void view.prefetch(sysctls);
    return { dataplane, view };
  }

  async #proxy({ dataplane, view }: Kernel, signal: AbortSignal): Promise<void> {
    const { config, reporter, rivals, clock, ledgerFile } = this.#parts;
    reporter.synced(this.#feed.store);
    const options = this.#nodeOptions();
    const builder = this.#build(options);
    this.#reviewNode();
    const ledger = await Ledger.open(ledgerFile);
    const retries = new RetryBook();
    const drain = new DrainBook();
    const { syncPeriodMs, minSyncPeriodMs } = config;
    const { excludeCidrs } = options;
    const sweep = this.#openSweep(view);
    let isFirst = true;
    // What the round under way goes by: a new one holds nothing before the next.
    let settled = builder;
    const loop = new SyncLoop(
      { desired: builder, dataplane, view, ledger, retries, drain, clock },
      { syncPeriodMs, minSyncPeriodMs, excludeCidrs },
      {
        onBegin: () => {
          settled = this.#builder!;
          reporter.roundBegan();
        },
        onEnd: (isDone) => reporter.roundEnded(isDone),
        onRound: (outcome) => {
          reporter.round(outcome, settled);
          sweep.round(outcome.report);
          rivals?.round(outcome);
          if (isFirst) setTimeout(collectGarbage, START_GARBAGE_DELAY_MS).unref();
          isFirst = false;
        },
        onReading: (outcome) => {
          reporter.kernelRead(outcome);
          reporter.problems('ipvs', foreignDestinations(view.state.foreignServers));
        },
        onChore: (chore, error) => reporter.chore(chore, error),
        onError: (error, retryInMs) => reporter.roundFailed(error, retryInMs),
      },
    );
    this.#loop = loop;
    reporter.observe({ view, retries, drain });
    // Fired during an await above it would call nobody that registers now.
    void aborted(signal).then(() => loop.stop());
    try {
      await loop.run();
    } finally {
      await sweep.close();
    }
  }

  #openSweep(view: KernelView): ConntrackSweep {
    const { reporter, clock, kernel } = this.#parts;
    return new ConntrackSweep({
      table: kernel?.conntrack ?? new ConntrackClient(),
      servers: () => view.state.virtualServers,
      now: () => clock.monotonicMs(),
      events: {
        onSwept: (family, deleted, durationMs) =>
          reporter.conntrackSwept(family, deleted, durationMs),
        onFailed: (family, error) => reporter.conntrackFailed(family, error),
      },
    });
  }

  /** What the configuration means on this node, given its Node object. */
  #nodeOptions(): DataplaneOptions {
    const { config, nodeName, reporter } = this.#parts;
    const podCIDRs = this.#feed.ownNode?.podCIDRs ?? [];
    // One that is deleted or registered anew has none for a moment; what was programmed by them still holds.
    if (podCIDRs.length > 0) this.#podCIDRs = podCIDRs;
    const built = buildDataplaneOptions(config.dataplane, {
      name: nodeName,
      podCIDRs: this.#podCIDRs,
      families: this.#host!.families,
    });
    const { options, warnings, nodePortWarnings, waiting, problems } = built;
    this.#awaited = waiting;
    if (problems.length > 0) throw new NodeMismatchError(problems.map(formatProblem).join('\n'));
    if (JSON.stringify(options) !== JSON.stringify(this.#options)) {
      reporter.warnings([...warnings, ...nodePortWarnings]);
    }
    return options;
  }

  #build(options: DataplaneOptions): DesiredBuilder {
    this.#options = options;
    this.#builder = new DesiredBuilder(this.#feed.store, options, this.#host!);
    this.#feed.direct(this.#builder);
    return this.#builder;
  }

  #changed(change: ClusterChange): void {
    const { reporter, nodeName } = this.#parts;
    reporter.clusterChanged(change);
    if (this.#apiServers.note(change)) this.#setHost(this.#host!);
    if (change.kind === 'Node') this.#nodeChanged(change.key === nodeName);
    this.#loop?.changed();
  }

  /** Another one's matters only while this node's own is not found. */
  #nodeChanged(isOwn: boolean): void {
    if (isOwn) this.#ownNodeChanged();
    if (this.#loop !== undefined && (isOwn || this.#feed.ownNode === undefined)) this.#reviewNode();
  }

  /** What is wrong with this node's place in the cluster. */
  #reviewNode(): void {
    const { config, nodeName, reporter } = this.#parts;
    const { ownNode, lastOwnNode, store } = this.#feed;
    const isGone = ownNode === undefined && lastOwnNode !== undefined;
    const missing = ownNodeProblem(config.source, this.#host!, store.nodes);
    const found = isGone ? goneNode(nodeName) : missing;
    reporter.nodeReviewed([...(found === undefined ? [] : [found]), ...this.#awaited]);
  }

  /** Detection by the Node's own CIDRs makes other rules when they change: kube-proxy exits then, we compile anew. */
  #ownNodeChanged(): void {
    const { reporter, conditions, nodeName } = this.#parts;
    const { ownNode } = this.#feed;
    reporter.nodeEligible(ownNode !== undefined && !ownNode.isLeaving);
    if (this.#loop === undefined) return;
    try {
      const options = this.#nodeOptions();
      conditions.clear(NODE_NOT_FITTING, nodeName);
      if (JSON.stringify(options) === JSON.stringify(this.#options)) return;
      this.#loop.resync(this.#build(options));
    } catch (error) {
      const message = 'the changed Node does not fit the configuration; what was programmed stays';
      conditions.set(NODE_NOT_FITTING, nodeName, { message, error });
    }
  }

  #hostChanged(): void {
    this.#hostReading = this.#hostReading.then(() => this.#readHost());
  }

  async #readHost(): Promise<void> {
    const { conditions, nodeName } = this.#parts;
    try {
      this.#setHost(await this.#observedHost());
      conditions.clear(HOST_UNREAD, nodeName);
    } catch (error) {
      const message = 'addresses of this node could not be read again';
      conditions.set(HOST_UNREAD, nodeName, { message, error });
    }
  }

  async #observedHost(): Promise<HostNetwork> {
    const { observer, tools, reporter } = this.#parts;
    const read = await observer.read();
    const host = asProgrammable(read, tools);
    const isFirst = this.#host === undefined;
    if (isFirst && host.families.length < read.families.length) reporter.warnings([NO_IP6TABLES]);
    return host;
  }

  #setHost(observed: HostNetwork): void {
    const familiesBefore = String(this.#host?.families);
    const { apiServerAddresses } = this.#parts.opened;
    const apiServers = [...apiServerAddresses, ...this.#apiServers.addresses];
    const host = withApiServers({ ...observed, apiServerAddresses: [] }, apiServers);
    if (this.#host !== undefined && sameHost(host, this.#host)) return;
    this.#host = host;
    this.#builder?.setHost(this.#host);
    if (this.#loop !== undefined && this.#feed.ownNode === undefined) this.#reviewNode();
    if (String(host.families) === familiesBefore) this.#loop?.changed();
    else this.#loop?.resync();
  }
}

function goneNode(name: string): Problem {
  const problem = 'this Node was deleted';
  return { path: `Node/${name}`, value: undefined, problem, consequence: 'NodeGone' };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
