/**
 * A node that does nothing but announce: the feature as it is, in a process of its own, with the
 * rest of the proxy played. Its argument is an {@link AnnouncerStory} as JSON; each line of its
 * standard input a {@link Turn}. Its log, JSON, is its standard output; SIGTERM ends it in order.
 */
import { createInterface } from 'node:readline';
import type { AnnouncerSettings } from '../../../src/config/loadBalancer/settings.ts';
import { emptyState, serverKey, type VirtualServer } from '../../../src/dataplane/state.ts';
import type { FeatureHost, Running } from '../../../src/feature/feature.ts';
import { CONDITION_TYPE } from '../../../src/loadbalancer/condition.ts';
import { loadBalancerAnnouncer } from '../../../src/loadbalancer/shell/announcerFeature.ts';
import { ClusterStore, type ObjectState } from '../../../src/model/clusterStore.ts';
import { KINDS, type Need } from '../../../src/model/kinds.ts';
import { SystemClock } from '../../../src/ops/clock.ts';
import { ConditionLog } from '../../../src/ops/conditionLog.ts';
import { Conditions } from '../../../src/ops/conditions.ts';
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
  readonly announcer?: Partial<AnnouncerSettings>;
}

export interface Turn {
  readonly cordon?: string;
  readonly uncordon?: string;
  /** what this node's kernel serves; all by default */
  readonly serves?: readonly string[];
  readonly isConnected?: boolean;
}

const NEEDS: ReadonlySet<Need> = new Set(['LoadBalancing']);
const FULL_ROUND = { isFull: true, planned: [] } as unknown as RoundOutcome;
const EVERYWHERE = { nodeSelectors: [], serviceSelectors: [], interfaces: [], preferredNodes: [] };

const story = JSON.parse(process.argv.at(-1)!) as AnnouncerStory;
const store = new ClusterStore();
let state = emptyState();
let isConnected = true;
const running = start();
for (const name of Object.keys(story.nodes)) putNode(name, false);
story.addresses.forEach((address, i) => putService(`web-${i}`, address));
serve(story.addresses);
createInterface(process.stdin).on('line', (line) => take(JSON.parse(line) as Turn));
process.once('SIGTERM', () => void Promise.resolve(running.stop()).then(() => process.exit(0)));

function start(): Running {
  const pools = [
    pool('all', '192.0.2.64/26 10.9.0.0/16 2001:db8:1::/64', { announce: [EVERYWHERE] }),
  ];
  const settings = settingsOf(pools);
  const announcer = { ...settings.announcer, ...story.announcer };
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
    isConnected: () => isConnected,
    programmed: () => state,
  }) as unknown as FeatureHost;
  return loadBalancerAnnouncer({ ...settings, announcer }).start(host) as Running;
}

function put(object: ObjectState): void {
  const change = store.put(object);
  if (change !== undefined) running.changed?.(change);
}

function putNode(name: string, isCordoned: boolean): void {
  const raw = {
    metadata: { name },
    spec: { unschedulable: isCordoned },
    status: {
      addresses: [{ type: 'InternalIP', address: story.nodes[name] }],
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  };
  const { object } = KINDS.Node.slim(raw, NEEDS);
  put({ kind: 'Node', key: name, object });
}

function putService(name: string, address: string): void {
  const family = address.includes(':') ? 'IPv6' : 'IPv4';
  const raw = {
    metadata: { name, namespace: 'default', resourceVersion: '1', uid: name },
    spec: {
      type: 'LoadBalancer',
      loadBalancerClass: CLASS,
      clusterIPs: [family === 'IPv6' ? 'fd00::1' : '10.96.0.10'],
      ipFamilies: [family],
      ports: [{ port: 80, protocol: 'TCP' }],
    },
    status: {
      loadBalancer: { ingress: [{ ip: address, ipMode: 'VIP' }] },
      conditions: [{ type: CONDITION_TYPE, status: 'True', reason: 'Assigned', message: '' }],
    },
  };
  const metadata = {
    name: `${name}-1`,
    namespace: 'default',
    labels: { 'kubernetes.io/service-name': name },
  };
  const endpoints = Object.keys(story.nodes).map((nodeName, i) => ({
    addresses: [family === 'IPv6' ? `fd00:1::${i + 1}` : `10.244.0.${i + 1}`],
    nodeName,
    conditions: { ready: true },
  }));
  const slice = KINDS.EndpointSlice.slim(rawSlice({ metadata, addressType: family, endpoints }));
  put({ kind: 'EndpointSlice', key: `default/${name}-1`, object: slice.object });
  put({ kind: 'Service', key: `default/${name}`, object: KINDS.Service.slim(raw, NEEDS).object });
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
  if (turn.cordon !== undefined) putNode(turn.cordon, true);
  if (turn.uncordon !== undefined) putNode(turn.uncordon, false);
  if (turn.serves !== undefined) serve(turn.serves);
  isConnected = turn.isConnected ?? isConnected;
}
