/** An object means the same whether a manifest or an API server tells it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { ApiServerSource } from '../../../src/cluster/apiServerSource.ts';
import { ManifestSet } from '../../../src/cluster/manifestSet.ts';
import { type Problem, sentenceOf } from '../../../src/model/problem.ts';
import { type ClusterChange, ClusterStore } from '../../../src/model/clusterStore.ts';
import { NO_NEEDS } from '../../../src/model/kinds.ts';
import { FakeClock, settle } from '../../support/program/fakeClock.ts';
import { listOf, ScriptedTransport } from './scriptedTransport.ts';

type Raw = Readonly<Record<string, unknown>>;

interface Told {
  readonly objects: ReadonlyMap<string, unknown>;
  readonly problems: readonly string[];
}

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sources-'));
});

afterEach(() => rm(folder, { recursive: true }));

class Memory {
  readonly #objects = new Map<string, unknown>();
  readonly #problems = new Map<string, readonly Problem[]>();

  readonly onChange = ({ kind, key, object }: ClusterChange): void => {
    if (object === undefined) this.#objects.delete(`${kind}/${key}`);
    else this.#objects.set(`${kind}/${key}`, object);
  };

  readonly onProblems = (origin: string, problems: readonly Problem[]): void => {
    this.#problems.set(origin, problems);
  };

  /** But for the place in the file, which an API server has none of. */
  get told(): Told {
    const problems = [...this.#problems.values()].flat();
    const lines = problems.map((problem) => `${problem.path}: ${sentenceOf(problem)}`);
    return { objects: this.#objects, problems: lines };
  }
}

async function byManifests(before: Raw, after: Raw): Promise<Told> {
  const files = new ManifestSet([folder], new ClusterStore());
  const memory = new Memory();
  for (const object of [before, after]) {
    await writeFile(join(folder, 'object.json'), JSON.stringify(object));
    for (const news of [await files.look(), await files.look()]) {
      news.changes.forEach(memory.onChange);
      for (const [origin, problems] of news.problems) memory.onProblems(origin, problems);
    }
  }
  return memory.told;
}

async function byApiServer(before: Raw, after: Raw): Promise<Told> {
  const transport = new ScriptedTransport();
  const resource = `${String(before['kind']).toLowerCase()}s`;
  const isAsked = (path: string) => path.endsWith(`/${resource}`);
  transport.getJson = (path) => Promise.resolve(listOf('1', isAsked(path) ? [before] : []));
  const source = new ApiServerSource({
    transport,
    server: 'https://api:6443',
    timing: new FakeClock(),
    scope: { nodeName: 'node-1', needs: NO_NEEDS },
    random: () => 0,
  });
  const memory = new Memory();
  const { onChange, onProblems } = memory;
  await source.start({
    store: new ClusterStore(),
    onChange,
    onProblems,
    onSynced: () => undefined,
    onStatus: () => undefined,
  });
  await settle();
  const watches = transport.requests.filter(({ method }) => method === 'WATCH');
  const metadata = { ...(after['metadata'] as object), resourceVersion: '2' };
  transport.streams[watches.findIndex(({ path }) => isAsked(path))]?.send({
    type: 'MODIFIED',
    object: { ...after, metadata },
  });
  await settle();
  await source.stop();
  return memory.told;
}

const service = (spec: Raw, status: Raw = {}): Raw => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace: 'shop', name: 'web' },
  spec: { clusterIP: '10.96.0.10', ports: [{ port: 80 }], ...spec },
  status,
});
const slice = (...endpoints: readonly Raw[]): Raw => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: {
    namespace: 'shop',
    name: 'web-1',
    labels: { 'kubernetes.io/service-name': 'web' },
  },
  addressType: 'IPv4',
  ports: [{ port: 8080 }],
  endpoints,
});
const node = (spec: Raw, ...addresses: readonly Raw[]): Raw => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'node-1' },
  spec,
  status: { addresses },
});

test.each<[consequence: string, before: Raw, after: Raw]>([
  ['it is ignored', node({}), node({ podCIDRs: ['10.244.1.0/24', 'abc'] })],
  [
    'this address is skipped',
    node({}),
    node({}, { type: 'InternalIP', address: 'x' }, { type: 'InternalIP', address: '10.0.0.1' }),
  ],
  [
    'this load balancer address is skipped',
    service({}),
    service(
      { clusterIP: '10.96.0.11' },
      { loadBalancer: { ingress: [{ ip: '203.0.113.1', ipMode: 'X' }, { ip: '203.0.113.2' }] } },
    ),
  ],
  [
    'this port is skipped',
    service({}),
    service({ clusterIP: '10.96.0.11', ports: [{ port: 'abc' }, { port: 81 }] }),
  ],
  [
    'this endpoint is skipped',
    slice({ addresses: ['10.244.1.1'] }),
    slice(
      { addresses: ['10.244.1.3'], conditions: { ready: 'no' } },
      { addresses: ['10.244.1.2'] },
    ),
  ],
  [
    'this hint is skipped',
    slice({ addresses: ['10.244.1.1'] }),
    slice({ addresses: ['10.244.1.2'], hints: { forZones: [{ name: 1 }] } }),
  ],
])('of an edit of which %s, the rest counts', async (consequence, before, after) => {
  const told = await byManifests(before, after);
  expect(told.problems).toEqual([expect.stringMatching(`; ${consequence}$`)]);
  const fresh = await byManifests(after, after);
  expect(told.objects).toEqual(fresh.objects);
  expect(await byApiServer(before, after)).toEqual(told);
});
