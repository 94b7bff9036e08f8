/**
 * A node that does nothing but announce: the feature as it is, in a process of its own, with the
 * rest of the proxy played. Its argument is an {@link AnnouncerStory} as JSON; each line of its
 * standard input a {@link Turn}. Its log, JSON, is its standard output; SIGTERM ends it in order.
 */
import { createInterface } from 'node:readline';
import type { AnnouncerSettings } from '../../../src/config/loadBalancer/settings.ts';
import { emptyState, serverKey, type VirtualServer } from '../../../src/dataplane/state.ts';
import type { FeatureHost, Running } from '../../../src/feature/feature.ts';
import { LOAD_BALANCER_PATH, RELEASE_PATH } from '../../../src/loadbalancer/announcerPaths.ts';
import { CONDITION_TYPE, namingText } from '../../../src/loadbalancer/condition.ts';
import { loadBalancerAnnouncer } from '../../../src/loadbalancer/shell/announcerFeature.ts';
import { EXCLUDE_LABEL } from '../../../src/model/announcingNode.ts';
import { ClusterStore, type ObjectState } from '../../../src/model/clusterStore.ts';
import { KINDS, type Need } from '../../../src/model/kinds.ts';
import { familyOf } from '../../../src/net/address.ts';
import { SystemClock } from '../../../src/ops/clock.ts';
import { ConditionLog } from '../../../src/ops/conditionLog.ts';
import { Conditions } from '../../../src/ops/conditions.ts';
import type { Route } from '../../../src/ops/httpListener.ts';
import { createLogger } from '../../../src/ops/log.ts';
import { Verbosity } from '../../../src/ops/verbosity.ts';
import type { RoundOutcome } from '../../../src/plan/round.ts';
import { rawSlice } from '../objects/rawObjects.ts';
import { FakeFeatureHost } from '../program/featureHost.ts';
import { CLASS, pool, settingsOf } from './balanced.ts';

export interface AnnouncerStory {
  readonly node: string;
  /** InternalIP by name */
  readonly nodes: Readonly<Record<string, string>>;
  /** each of a Service of its own, with an endpoint on every node */
  readonly addresses: readonly string[];
  /** those of them whose Service has the policy Local */
  readonly local?: readonly string[];
  readonly announcer?: Partial<AnnouncerSettings>;
  /** heartbeats that a node may miss before it is dead */
  readonly misses?: number;
  /** what it finds at the API server; without `isConnected` it finds none, and waits for it */
  readonly turns?: readonly Turn[];
}

export interface Turn {
  readonly cordon?: string;
  readonly uncordon?: string;
  readonly exclude?: string;
  readonly include?: string;
  /** where an address has endpoints from now on */
  readonly endpoints?: { readonly address: string; readonly nodes: readonly string[] };
  /** hands these over, as `lb release` does */
  readonly release?: readonly string[];
  /** writes what `lb status` would show */
  readonly report?: true;
  /** what this node's kernel serves; by default all, but what is Local and has no endpoint here */
  readonly serves?: readonly string[];
  readonly isConnected?: boolean;
  /** its main thread computes without a pause, in pieces of so many ms; 0: no more */
  readonly busyMs?: number;
}

const NEEDS: ReadonlySet<Need> = new Set(['LoadBalancing']);
const FULL_ROUND = { isFull: true, planned: [] } as unknown as RoundOutcome;
const EVERYWHERE = { nodeSelectors: [], serviceSelectors: [], interfaces: [], preferredNodes: [] };

const story = JSON.parse(process.argv.at(-1)!) as AnnouncerStory;
const store = new ClusterStore();
const synced = Promise.withResolvers<void>();
const routes = new Map<string, Route>();
const cordoned = new Set<string>();
const excluded = new Set<string>();
const bare = new Set<string>();
let state = emptyState();
let isConnected = false;
let hasListed = false;
let busyMs = 0;
const running = start();
for (const name of Object.keys(story.nodes)) putNode(name);
for (const address of story.addresses) {
  putService(address);
  putEndpoints(address, Object.keys(story.nodes));
}
for (const turn of story.turns ?? [{ isConnected: true }]) take(turn);
createInterface(process.stdin).on('line', (line) => take(JSON.parse(line) as Turn));
process.once('SIGTERM', () => void Promise.resolve(running.stop()).then(() => process.exit(0)));

function start(): Running {
  const pools = [
    pool('all', '192.0.2.64/26 10.9.0.0/16 2001:db8:1::/64', { announce: [EVERYWHERE] }),
  ];
  const settings = settingsOf(pools);
  const { misses = settings.announcer.heartbeat.misses } = story;
  const heartbeat = { ...settings.announcer.heartbeat, misses };
  const announcer = { ...settings.announcer, heartbeat, ...story.announcer };
  const clock = new SystemClock();
  const log = createLogger({
    format: 'json',
    verbosity: new Verbosity({ verbosity: 9 }),
    destination: process.stdout,
    wallMs: () => clock.wallMs(),
    pid: process.pid,
  });
  const host = Object.assign(new FakeFeatureHost(), {
    nodeName: story.node,
    log,
    clock,
    conditions: new Conditions({ known: [], tellers: [new ConditionLog(log, clock)], clock }),
    cluster: store,
    synced: synced.promise,
    routes: { serve: (path: string, route: Route) => void routes.set(path, route) },
    isConnected: () => isConnected,
    programmed: () => state,
  }) as unknown as FeatureHost;
  return loadBalancerAnnouncer({ ...settings, announcer }).start(host) as Running;
}

function put(object: ObjectState): void {
  const change = store.put(object);
  if (change !== undefined) running.changed?.(change);
}

function putNode(name: string): void {
  const raw = {
    metadata: { name, labels: excluded.has(name) ? { [EXCLUDE_LABEL]: '' } : {} },
    spec: { unschedulable: cordoned.has(name) },
    status: {
      addresses: [{ type: 'InternalIP', address: story.nodes[name] }],
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  };
  const { object } = KINDS.Node.slim(raw, NEEDS);
  put({ kind: 'Node', key: name, object });
}

function putService(address: string): void {
  const name = nameOf(address);
  const family = familyOf(address);
  const message = namingText([{ address, pool: 'all' }]);
  const isLocal = story.local?.includes(address) === true;
  const raw = {
    metadata: { name, namespace: 'default', resourceVersion: '1', uid: name },
    spec: {
      type: 'LoadBalancer',
      loadBalancerClass: CLASS,
      clusterIPs: [family === 'IPv6' ? 'fd00::1' : '10.96.0.10'],
      ipFamilies: [family],
      ports: [{ port: 80, protocol: 'TCP' }],
      externalTrafficPolicy: isLocal ? 'Local' : 'Cluster',
      selector: { app: name },
    },
    status: {
      loadBalancer: { ingress: [{ ip: address, ipMode: 'VIP' }] },
      conditions: [{ type: CONDITION_TYPE, status: 'True', reason: 'Assigned', message }],
    },
  };
  put({ kind: 'Service', key: `default/${name}`, object: KINDS.Service.slim(raw, NEEDS).object });
}

function putEndpoints(address: string, nodes: readonly string[]): void {
  const name = nameOf(address);
  const family = familyOf(address);
  const metadata = {
    name: `${name}-1`,
    namespace: 'default',
    labels: { 'kubernetes.io/service-name': name },
  };
  const endpoints = nodes.map((nodeName) => {
    const number = Object.keys(story.nodes).indexOf(nodeName) + 1;
    return {
      addresses: [family === 'IPv6' ? `fd00:1::${number}` : `10.244.0.${number}`],
      nodeName,
      conditions: { ready: true },
    };
  });
  const slice = KINDS.EndpointSlice.slim(rawSlice({ metadata, addressType: family, endpoints }));
  put({ kind: 'EndpointSlice', key: `default/${name}-1`, object: slice.object });
}

function nameOf(address: string): string {
  return `web-${story.addresses.indexOf(address)}`;
}

function serve(addresses: readonly string[]): void {
  const destination = { address: '10.244.0.1', port: 80, weight: 1 };
  const servers = addresses.map((address): VirtualServer => {
    const at = { address, port: 80, protocol: 'TCP', scheduler: 'rr', flags: [] } as const;
    return { ...at, destinations: new Map([['10.244.0.1:80', destination]]) };
  });
  state = { ...state, virtualServers: new Map(servers.map((each) => [serverKey(each), each])) };
  running.round?.(FULL_ROUND);
  running.roundDone?.();
}

function take(turn: Turn): void {
  mark(turn.cordon, (name) => cordoned.add(name));
  mark(turn.uncordon, (name) => cordoned.delete(name));
  mark(turn.exclude, (name) => excluded.add(name));
  mark(turn.include, (name) => excluded.delete(name));
  if (turn.endpoints !== undefined) moveEndpoints(turn.endpoints.address, turn.endpoints.nodes);
  if (turn.serves !== undefined) serve(turn.serves);
  if (turn.release !== undefined) {
    const query = turn.release.map((address): [string, string] => ['address', address]);
    void ask(RELEASE_PATH, new URLSearchParams(query));
  }
  if (turn.report === true) void ask(LOAD_BALANCER_PATH);
  if (turn.isConnected !== undefined) connect(turn.isConnected);
  if (turn.busyMs !== undefined) compute(turn.busyMs);
}

/** What is Local and has no endpoint here has no destination in the kernel either. */
function moveEndpoints(address: string, nodes: readonly string[]): void {
  putEndpoints(address, nodes);
  if (nodes.includes(story.node)) bare.delete(address);
  else bare.add(address);
  if (hasListed) serve(story.addresses.filter((each) => !bare.has(each)));
}

function mark(node: string | undefined, how: (name: string) => void): void {
  if (node === undefined) return;
  how(node);
  putNode(node);
}

/** As programming many Services does: objects are made, and thrown away. */
function compute(pieceMs: number): void {
  const wasIdle = busyMs === 0;
  busyMs = pieceMs;
  if (wasIdle) setImmediate(computePiece);
}

function computePiece(): void {
  if (busyMs === 0) return;
  const endMs = performance.now() + busyMs;
  while (performance.now() < endMs) structuredClone(Array.from({ length: 1_000 }, (_, i) => [i]));
  setImmediate(computePiece);
}

/** The first time all is listed, and programmed. */
function connect(isSo: boolean): void {
  isConnected = isSo;
  if (!isSo || hasListed) return;
  hasListed = true;
  synced.resolve();
  serve(story.addresses.filter((each) => !bare.has(each)));
}

async function ask(path: string, query = new URLSearchParams()): Promise<void> {
  const { body } = await routes.get(path)!({ query } as Parameters<Route>[0]);
  process.stdout.write(body as string);
}
