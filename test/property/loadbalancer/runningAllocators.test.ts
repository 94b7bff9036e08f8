/**
 * Two nodes that stand for giving out addresses, whatever happens around them: Services come,
 * change and go, watches lag, requests fail before or after they were done, the Lease is taken away
 * and comes back. At no moment two Services have one address, and in the end nothing is left to do.
 */
import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { Running } from '../../../src/feature/feature.ts';
import { loadBalancerAllocator } from '../../../src/loadbalancer/shell/allocatorFeature.ts';
import { patchOf } from '../../../src/loadbalancer/status.ts';
import { KINDS } from '../../../src/model/kinds.ts';
import { slimBalancedService } from '../../../src/model/slimBalancedService.ts';
import { FakeClock } from '../../support/program/fakeClock.ts';
import { FakeFeatureHost } from '../../support/program/featureHost.ts';
import { pool, rawBalanced, run, settingsOf } from '../../support/loadbalancer/balanced.ts';
import {
  type RawService,
  refused,
  ServicesServer,
} from '../../support/loadbalancer/servicesServer.ts';

const SEED = Number(process.env['KUBE_IPVS_SEED'] ?? 20_261_130);
const RUNS = Number(process.env['KUBE_IPVS_RUNS'] ?? 60);

const NEEDS = new Set(['LoadBalancing'] as const);
const LEASE = 'kube-ipvs-lb';
/** Fewer addresses than Services, so that they wait for each other's. */
const settings = settingsOf([pool('few', '192.0.2.1-192.0.2.2'), pool('odd', '192.0.2.9')]);

const name = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g');
/** an address that it asks for */
const wish = fc.constantFrom(undefined, undefined, '192.0.2.1', '192.0.2.2', '192.0.2.9');
const fault = fc.constantFrom('before', 'after', 'slow', 'conflict');
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('create'), name, wish }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete'), name }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('retype'), name }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('relabel'), name }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('lag'), node: fc.nat(1) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('catch up'), node: fc.nat(1) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('fail'), fault }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('take the Lease') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('give the Lease') }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('hand over') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cut off'), isDown: fc.boolean() }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('pass'), ms: fc.constantFrom(10, 60, 3_000, 20_000) }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Of each node its own, and the same ones again. */
function drawn(index: number): () => number {
  let state = index;
  return () => (state = (state * 16_807) % 2_147_483_647) / 2_147_483_647;
}

/** One process, with a watch that may lag behind. */
class Node {
  readonly host: FakeFeatureHost;
  readonly #index: number;
  #running: Running | undefined;
  #held: (() => void)[] | undefined;

  constructor(server: ServicesServer, clock: FakeClock, index: number) {
    this.#index = index;
    this.host = Object.assign(new FakeFeatureHost(), { clock, nodeName: `node-${index}` });
    this.host.api = server.transport();
  }

  async start(): Promise<void> {
    const feature = loadBalancerAllocator(settings, {
      namespace: () => Promise.resolve('kube-system'),
      random: drawn(this.#index),
    });
    this.#running = await feature.start(this.host);
  }

  watch(key: string, raw: RawService | undefined): void {
    const tell = () => {
      const object = raw && KINDS.Service.slim(raw, NEEDS).object;
      const change = this.host.cluster.put({ kind: 'Service', key, object });
      if (change !== undefined) this.#running?.changed?.(change);
    };
    if (this.#held === undefined) tell();
    else this.#held.push(tell);
  }

  lag(): void {
    this.#held ??= [];
  }

  catchUp(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const tell of held) tell();
  }

  async stop(): Promise<void> {
    await this.#running?.stop();
  }
}

class World {
  readonly clock = new FakeClock();
  readonly server = new ServicesServer(this.clock);
  readonly nodes = [1, 2].map((index) => new Node(this.server, this.clock, index));
  readonly #faults: string[] = [];
  /** at whatever moment */
  readonly doubles: string[] = [];
  #edits = 0;

  constructor() {
    const { server, nodes, clock } = this;
    server.onChange = (key, raw) => {
      this.#noteDoubles();
      for (const each of nodes) each.watch(key, raw);
    };
    server.fate = async (request) => {
      const next = this.#faults[0];
      if (next === undefined || next === 'after') return;
      this.#faults.shift();
      if (next === 'slow') await clock.sleep(1_500);
      else if (next === 'before') throw refused(500, 'InternalError');
      else if (request.startsWith('PATCH')) this.#relabel(request.split('/')[1]!);
    };
    server.afterwards = () => {
      if (this.#faults[0] !== 'after') return;
      this.#faults.shift();
      throw refused(0, 'ECONNRESET');
    };
  }

  async do(what: Step): Promise<void> {
    const { server, nodes, clock } = this;
    const key = 'name' in what ? `default/${what.name}` : '';
    const isThere = server.keys().includes(key);
    const lease = server.leases.lease(LEASE)?.spec ?? {};
    switch (what.do) {
      case 'create':
        if (!isThere) server.put(this.#fresh(key, 'wish' in what ? what.wish : undefined));
        break;
      case 'delete':
        if (isThere) server.delete(key);
        break;
      case 'retype':
        if (isThere) this.#retype(key);
        break;
      case 'relabel':
        if (isThere) this.#relabel(key.split('/')[1]!);
        break;
      case 'lag':
        nodes['node' in what ? what.node : 0]!.lag();
        break;
      case 'catch up':
        nodes['node' in what ? what.node : 0]!.catchUp();
        break;
      case 'fail':
        if ('fault' in what) this.#faults.push(what.fault);
        break;
      case 'take the Lease':
        server.leases.write(LEASE, { ...lease, holderIdentity: 'stranger', renewTime: 'x' });
        break;
      case 'give the Lease':
        server.leases.write(LEASE, { ...lease, holderIdentity: '' });
        break;
      case 'hand over': {
        // Who has it loses it to a stranger, who lets go of it: the other one may be sooner.
        server.leases.write(LEASE, { ...lease, holderIdentity: 'stranger', renewTime: 'x' });
        await clock.advance(5_000);
        server.leases.write(LEASE, { ...lease, holderIdentity: '' });
        await clock.advance(2_500);
        break;
      }
      case 'cut off':
        server.leases.isDown = 'isDown' in what && what.isDown;
        break;
      case 'pass':
        await clock.advance('ms' in what ? what.ms : 0);
    }
  }

  /** Everything works again, for long enough. */
  async settle(): Promise<void> {
    this.#faults.length = 0;
    this.server.leases.isDown = false;
    for (const each of this.nodes) each.catchUp();
    await this.clock.advance(180_000);
  }

  #noteDoubles(): void {
    const owners = new Map<string, string>();
    for (const key of this.server.keys()) {
      for (const { ip } of this.server.get(key).status.loadBalancer.ingress ?? []) {
        const owner = owners.get(ip);
        if (owner !== undefined) this.doubles.push(`${ip} of ${owner} and ${key}`);
        owners.set(ip, key);
      }
    }
  }

  #fresh(key: string, ip: string | undefined): RawService {
    const created = String(2_000 + this.#edits++);
    const annotations = ip === undefined ? {} : { 'kube-ipvs.io/load-balancer-ips': ip };
    return rawBalanced(key.split('/')[1]!, { created, annotations });
  }

  /** As the API server does it: the addresses go with the type, conditions stay. */
  #retype(key: string): void {
    const raw = this.server.get(key);
    const isBalancer = raw.spec.type === 'LoadBalancer';
    const spec = { ...raw.spec, type: isBalancer ? 'ClusterIP' : 'LoadBalancer' };
    const status = isBalancer ? { ...raw.status, loadBalancer: {} } : raw.status;
    this.server.put({ ...raw, spec, status } as RawService);
  }

  #relabel(service: string): void {
    const key = `default/${service}`;
    if (!this.server.keys().includes(key)) return;
    const raw = this.server.get(key);
    const labels = { edited: String(this.#edits++) };
    this.server.put({ ...raw, metadata: { ...raw.metadata, labels } });
  }
}

async function tried(steps: readonly Step[]): Promise<void> {
  const world = new World();
  for (const each of world.nodes) await each.start();
  for (const each of steps) await world.do(each);
  await world.settle();
  expect(world.doubles).toEqual([]);
  const { server } = world;
  const services = server.keys().map((key) => slimBalancedService(server.get(key)).object!);
  const { decisions } = run(settings, services);
  const left = [...decisions].filter(([, each]) => patchOf(each, '') !== undefined);
  expect(left.map(([key, { state }]) => `${key} ${state}`)).toEqual([]);
  server.requests.length = 0;
  await world.clock.advance(60_000);
  expect(server.requests).toEqual([]);
  for (const { host } of world.nodes) expect(host.conditions.standing).toEqual([]);
  const stopped = Promise.all(world.nodes.map((each) => each.stop()));
  await world.clock.advance(2_000);
  await stopped;
  await Promise.all(world.nodes.flatMap(({ host }) => host.works));
}

/**
 * Hard to come by: the other one knows that an address is free, and not who has got it. Read only
 * by its watch it gives it to who waits.
 */
const STALE: readonly Step[] = [
  ...(['a', 'b', 'c', 'd'] as const).map((each): Step => ({
    do: 'create',
    name: each,
    wish: undefined,
  })),
  { do: 'pass', ms: 3_000 },
  { do: 'delete', name: 'a' },
  { do: 'lag', node: 0 },
  { do: 'lag', node: 1 },
  { do: 'create', name: 'e', wish: '192.0.2.1' },
];
const behind = (node: number): Step[] => [
  ...STALE.filter((each) => !('node' in each) || each.node === node),
  { do: 'pass', ms: 3_000 },
  ...Array.from({ length: 6 }, (): Step => ({ do: 'hand over' })),
];

test('no address is given twice, and everything is given that can be', async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 30 }), tried), {
    numRuns: RUNS,
    seed: SEED,
    examples: [[behind(0)], [behind(1)]],
  });
}, 60_000);
