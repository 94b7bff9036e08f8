/** What a feature is handed, in memory; a test reads what it did with it. */
import { Registry } from 'prom-client';
import type { ApiTransport } from '../../../src/cluster/transport.ts';
import { emptyState } from '../../../src/dataplane/state.ts';
import type { FeatureHost } from '../../../src/feature/feature.ts';
import { ClusterStore } from '../../../src/model/clusterStore.ts';
import { ConditionLog } from '../../../src/ops/conditionLog.ts';
import type { EventSink, NodeEvent, ServiceEvent } from '../../../src/ops/conditionEvents.ts';
import { Conditions } from '../../../src/ops/conditions.ts';
import type { Route } from '../../../src/ops/httpListener.ts';
import { hostNetwork } from '../objects/nodeFixtures.ts';
import { FakeClock } from './fakeClock.ts';
import { FakeLog } from './fakeLog.ts';

export class FakeFeatureHost implements FeatureHost {
  readonly nodeName = 'node-1';
  readonly log = new FakeLog(1);
  readonly clock = new FakeClock();
  readonly metrics = new Registry();
  readonly conditions = new Conditions({
    known: [],
    tellers: [new ConditionLog(this.log, this.clock)],
    clock: this.clock,
  });
  readonly told: (NodeEvent | ServiceEvent)[] = [];
  readonly events: EventSink = { record: (event) => void this.told.push(event) };
  api: ApiTransport | undefined = undefined;
  readonly routes = new FakeRoutes();
  readonly cluster = new ClusterStore();
  readonly synced = Promise.resolve();
  listed: FeatureHost['listed'] = () => Promise.resolve();
  readonly isConnected = () => true;
  /** each time all of them */
  readonly heldBack: (readonly string[])[] = [];
  state = emptyState();

  readonly desired = () => this.state;
  readonly programmed = () => this.state;
  machine = hostNetwork();
  readonly network = () => this.machine;
  health = true;
  readonly isHealthy = () => this.health;
  readonly holdBack = (addresses: readonly string[]) => void this.heldBack.push(addresses);
  /** ends of what was started beside the rounds */
  readonly works: Promise<void>[] = [];
  readonly run = (work: (signal: AbortSignal) => Promise<void>) =>
    void this.works.push(work(new AbortController().signal));
}

class FakeRoutes extends Map<string, Route> {
  serve(path: string, route: Route): void {
    this.set(path, route);
  }
}
