/**
 * An agent with everything around it faked: the kernel, the host, the source, time for people. It
 * runs as it does in `run`.
 */
import { Agent } from '../../../src/agent/agent.ts';
import { openConditions } from '../../../src/agent/conditions.ts';
import { FeatureSet } from '../../../src/agent/featureSet.ts';
import { askedFeatures, type FeatureRow } from '../../../src/agent/features.ts';
import { Reporter } from '../../../src/agent/report/reporter.ts';
import type { EventRecorder, ProxyEvent } from '../../../src/cluster/events.ts';
import type { ClusterListener, ClusterSource } from '../../../src/cluster/source.ts';
import { RUN_FLAGS } from '../../../src/config/flags.ts';
import { parseFlags } from '../../../src/config/parseFlags.ts';
import { resolveConfig } from '../../../src/config/resolve.ts';
import type { Dataplane, DummyNews } from '../../../src/dataplane/dataplane.ts';
import type { DesiredState } from '../../../src/dataplane/state.ts';
import type { Contributors } from '../../../src/inputs/contributors.ts';
import type { HostNetwork } from '../../../src/model/host.ts';
import type { KindName } from '../../../src/model/kinds.ts';
import { slimEndpointSlice } from '../../../src/model/slimEndpointSlice.ts';
import { slimNode } from '../../../src/model/slimNode.ts';
import { slimService } from '../../../src/model/slimService.ts';
import { SystemClock } from '../../../src/ops/clock.ts';
import type { Conditions } from '../../../src/ops/conditions.ts';
import { ProxyHealth } from '../../../src/ops/health.ts';
import { Metrics } from '../../../src/ops/metrics.ts';
import { FakeKernel } from '../kernel/fakeKernel.ts';
import { hostNetwork } from '../objects/nodeFixtures.ts';
import { tell } from '../objects/tell.ts';
import { FakeClock } from './fakeClock.ts';
import { FakeLog } from './fakeLog.ts';
import { temporaryPath } from './temporaryPath.ts';

type Raw = Record<string, unknown>;

const FAMILIES = ['IPv4', 'IPv6'] as const;
const VERSION = { gitVersion: '', gitCommit: '', buildDate: '', nodeVersion: '', platform: '' };

class FakeSource implements ClusterSource {
  listener: ClusterListener | undefined;
  isStopped = false;
  start(listener: ClusterListener): Promise<void> {
    this.listener = listener;
    return Promise.resolve();
  }
  stop(): Promise<void> {
    this.isStopped = true;
    return Promise.resolve();
  }
}

export const NO_CONTRIBUTORS: Contributors = { make: () => [], off: [], needs: new Set() };

export interface AgentHarnessOptions {
  readonly flags?: readonly string[];
  readonly host?: Partial<HostNetwork>;
  readonly isInCluster?: boolean;
  /** the loop too goes by `clock`, which only the test moves */
  readonly isTimeFake?: boolean;
  /** what an earlier process left */
  readonly kernel?: FakeKernel;
  /** instead of it */
  readonly dataplane?: Dataplane;
  readonly ledgerFile?: string;
  readonly contributors?: Contributors;
  readonly features?: readonly FeatureRow[];
  readonly turnMs?: number;
}

export class AgentHarness {
  readonly kernel: FakeKernel;
  readonly clock = new FakeClock();
  readonly log = new FakeLog(1);
  readonly events: ProxyEvent[] = [];
  readonly source = new FakeSource();
  readonly health: ProxyHealth;
  readonly metrics: Metrics;
  readonly conditions: Conditions;
  hostReads = 0;
  /** the next readings of the host fail with it until it is cleared */
  hostError: Error | undefined;
  #seen: HostNetwork;
  #hostChanged: () => void = () => undefined;
  #dummyTold: (news: DummyNews) => void = () => undefined;
  readonly #end = new AbortController();
  readonly #agent: Agent;
  readonly #ended: Promise<void>;

  constructor(options: AgentHarnessOptions = {}) {
    const {
      flags = [],
      host = {},
      isInCluster = true,
      isTimeFake = false,
      features = [],
    } = options;
    this.kernel = options.kernel ?? new FakeKernel();
    const { clock, log, kernel, source } = this;
    const { values } = parseFlags([...flags], RUN_FLAGS);
    const { config } = resolveConfig({ flags: values, isInCluster });
    const codes = () => this.conditions.healthCodes;
    this.health = new ProxyHealth({ families: FAMILIES, timeoutMs: 60_000, clock, codes });
    const observe = () => reporter.observation();
    const hasProcessMetrics = false;
    this.metrics = new Metrics({
      families: FAMILIES,
      version: VERSION,
      observe,
      conditions: () => this.conditions.counts(),
      hasProcessMetrics,
    });
    const { health, metrics } = this;
    const recorder = { record: (event) => this.events.push(event) } as Pick<
      EventRecorder,
      'record'
    >;
    const events = recorder as EventRecorder;
    const countNodes = () => Promise.resolve(1);
    const told = { log, health, families: FAMILIES, clock, nodeName: 'node-1', events, countNodes };
    this.conditions = openConditions(told);
    const { conditions } = this;
    const reporter: Reporter = new Reporter({ ...told, metrics, conditions });
    const isHealthy = () => health.isHealthy;
    const surroundings = { nodeName: 'node-1', log, clock, metrics, conditions, events, isHealthy };
    this.#seen = hostNetwork(host);
    this.#agent = new Agent({
      config: config!,
      nodeName: 'node-1',
      opened: { source, apiServerAddresses: [], close: () => source.stop() },
      observer: {
        read: async () => {
          this.hostReads += 1;
          if (this.hostError !== undefined) throw this.hostError;
          return this.#seen;
        },
        watch: async (onChange, onDummy) => {
          this.#hostChanged = onChange;
          this.#dummyTold = onDummy;
          return async () => undefined;
        },
      },
      tools: {
        version: '1.8.9',
        hasRandomFully: true,
        families: ['IPv4', 'IPv6'],
        variants: [],
        surveyed: undefined,
      },
      contributors: options.contributors ?? NO_CONTRIBUTORS,
      reporter,
      conditions,
      clock: isTimeFake ? clock : new SystemClock(),
      ledgerFile: options.ledgerFile ?? temporaryPath('ledger.json'),
      features: new FeatureSet({ asked: askedFeatures(features, config!), surroundings }),
      dataplane: options.dataplane ?? kernel,
      ...(options.turnMs === undefined ? {} : { turnMs: options.turnMs }),
    });
    this.#ended = this.#agent.run(this.#end.signal);
    this.#ended.catch(() => undefined);
  }

  /** The source is asked. */
  async started(): Promise<this> {
    await this.until(() => this.source.listener !== undefined);
    return this;
  }

  /** What was given so far is the whole cluster; resolves after the first round. */
  async synced(): Promise<void> {
    this.source.listener!.onSynced();
    await this.until(() => this.log.lines.some((line) => line.includes('first sync done')));
  }

  node(name: string, raw: Raw = {}): void {
    const { object } = slimNode({ kind: 'Node', metadata: { name }, ...raw });
    tell(this.source.listener!, { kind: 'Node', key: name, object });
  }

  removeNode(name: string): void {
    tell(this.source.listener!, { kind: 'Node', key: name, object: undefined });
  }

  /** @param key as the API server's */
  remove(kind: KindName, key: string): void {
    tell(this.source.listener!, { kind, key, object: undefined });
  }

  service(raw: Raw): void {
    const { object } = slimService(raw);
    const key = `${object!.namespace}/${object!.name}`;
    tell(this.source.listener!, { kind: 'Service', key, object });
  }

  slice(raw: Raw): void {
    const { object } = slimEndpointSlice(raw);
    const key = `${object!.namespace}/${object!.name}`;
    tell(this.source.listener!, { kind: 'EndpointSlice', key, object });
  }

  /** The host is another from now on, and says so; resolves when it has been read. */
  async host(overrides: Partial<HostNetwork> = {}): Promise<void> {
    const reads = this.hostReads;
    this.#seen = hostNetwork(overrides);
    this.#hostChanged();
    await this.until(() => this.hostReads > reads);
  }

  /** The kernel tells of the dummy device. */
  dummy({ addresses = new Map(), isDeviceGone = false }: Partial<DummyNews>): void {
    this.#dummyTold({ addresses, isDeviceGone });
  }

  /** What the loop works towards. */
  get desired(): DesiredState {
    return this.#agent.desired!;
  }

  /** As SIGTERM does. */
  abort(): void {
    this.#end.abort();
  }

  get ended(): Promise<void> {
    return this.#ended;
  }

  async end(): Promise<void> {
    this.abort();
    await this.#ended.catch(() => undefined);
  }

  /** Turns of the event loop, as many as it takes. */
  async until(isIt: () => boolean): Promise<void> {
    while (!isIt()) await new Promise((resolve) => setImmediate(resolve));
  }
}
