import { mkdtemp, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { ManifestPathError } from '../../../src/cluster/manifestFiles.ts';
import { loadManifests, ManifestSource } from '../../../src/cluster/manifests.ts';
import type { ClusterListener } from '../../../src/cluster/source.ts';
import { ClusterStore } from '../../../src/model/clusterStore.ts';
import { NO_NEEDS } from '../../../src/model/kinds.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'manifests-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

const NODE = (name: string) => `kind: Node\nmetadata: {name: ${name}}\n`;

describe('loadManifests', () => {
  test('gives the snapshot and the problems', async () => {
    await writeFile(join(folder, 'a.yaml'), `${NODE('n1')}---\n${NODE('n1')}`);
    await writeFile(
      join(folder, 'b.yaml'),
      'kind: Service\nmetadata: {name: web}\nspec: {clusterIP: 10.96.0.1, ports: [{port: x}]}\n',
    );
    const { snapshot, problems } = await loadManifests([folder]);
    expect([...snapshot.nodes.keys()]).toEqual(['n1']);
    expect([...snapshot.services.keys()]).toEqual(['default/web']);
    expect(problems.map(({ path, source }) => [path, source])).toEqual([
      ['Node/n1', `${folder}/a.yaml:4:1`],
      ['Service/default/web.spec.ports[0].port', `${folder}/b.yaml:3:45`],
    ]);
  });

  test('of an empty folder is empty', async () => {
    const { snapshot, problems } = await loadManifests([folder]);
    expect([snapshot.services.size, snapshot.slices.size, snapshot.nodes.size, problems]).toEqual([
      0,
      0,
      0,
      [],
    ]);
  });

  test('fails for a path that does not exist, and names it', async () => {
    const missing = join(folder, 'missing.yaml');
    await expect(loadManifests([folder, missing])).rejects.toThrow(
      `manifest path ${missing} does not exist; name a file or a folder of manifests`,
    );
    await expect(loadManifests([missing])).rejects.toBeInstanceOf(ManifestPathError);
    await writeFile(join(folder, 'file'), '');
    const below = join(folder, 'file', 'below');
    await expect(loadManifests([below])).rejects.toBeInstanceOf(ManifestPathError);
  });
});

/** Keeps what it was told, and lets a test wait for it. */
class Recorder implements ClusterListener {
  readonly store = new ClusterStore();
  readonly told: string[] = [];
  #waiting: { line: RegExp; resolve: () => void } | undefined;

  onChange: ClusterListener['onChange'] = ({ kind, key, object }) =>
    this.#tell(`${object === undefined ? '-' : '+'} ${kind} ${key}`);
  onSynced = () => this.#tell('synced');
  onKindStatus: NonNullable<ClusterListener['onKindStatus']> = ({ kind, isListed }) =>
    this.#tell(`${kind} is${isListed ? '' : ' not'} listed`);
  onProblems: ClusterListener['onProblems'] = (origin, problems) =>
    this.#tell(`${problems.length} problems in ${origin}`);
  onStatus: ClusterListener['onStatus'] = ({ isConnected, isFailing, detail }) => {
    const state = isConnected ? 'connected' : 'not connected';
    this.#tell(`${state}${isFailing ? ', failing' : ''}: ${detail}`);
  };

  async hears(line: RegExp): Promise<void> {
    if (this.told.some((told) => line.test(told))) return;
    await new Promise<void>((resolve) => {
      this.#waiting = { line, resolve };
    });
  }

  #tell(line: string): void {
    this.told.push(line);
    if (this.#waiting?.line.test(line)) this.#waiting.resolve();
  }
}

describe('ManifestSource', () => {
  let source: ManifestSource | undefined;

  afterEach(async () => {
    await source?.stop();
  });

  async function started(): Promise<Recorder> {
    source = new ManifestSource([folder], NO_NEEDS, { pollMs: 5, settleMs: 2 });
    const recorder = new Recorder();
    await source.start(recorder);
    return recorder;
  }

  test('tells every object, then that it is synced', async () => {
    await writeFile(join(folder, 'a.yaml'), NODE('n1'));
    const { told } = await started();
    expect(told.slice(0, 3)).toEqual([
      '+ Node n1',
      `connected: watching 1 objects in 1 files of ${folder}`,
      'synced',
    ]);
  });

  test('what only a feature needs is listed before it is synced', async () => {
    await writeFile(join(folder, 'a.yaml'), 'kind: Namespace\nmetadata: {name: team-a}\n');
    source = new ManifestSource([folder], new Set(['Namespace']));
    const recorder = new Recorder();
    await source.start(recorder);
    expect(recorder.told).toContain('+ Namespace team-a');
    expect(recorder.told.slice(-2)).toEqual(['Namespace is listed', 'synced']);
  });

  test('sees a file that comes, breaks and goes', async () => {
    const recorder = await started();
    const path = join(folder, 'a.yaml');
    await writeFile(path, NODE('n1'));
    await recorder.hears(/^\+ Node n1$/);
    await writeFile(path, 'kind: [');
    await recorder.hears(/^[12] problems in .*a\.yaml$/);
    await unlink(path);
    await recorder.hears(/^- Node n1$/);
    await recorder.hears(/^0 problems in .*a\.yaml$/);
    await recorder.hears(/^connected: watching 0 objects in 0 files/);
    const statuses = recorder.told.filter((line) => line.startsWith('connected'));
    expect(statuses.slice(1).filter((status, i) => status === statuses[i])).toEqual([]);
  });

  test('says that it lost its folder, and keeps what it had', async () => {
    await writeFile(join(folder, 'a.yaml'), NODE('n1'));
    const recorder = await started();
    await rm(folder, { recursive: true });
    await recorder.hears(/^not connected, failing: cannot read .*ENOENT/);
    await source?.stop();
    expect(recorder.told).not.toContain('- Node n1');
    folder = await mkdtemp(join(tmpdir(), 'manifests-'));
  });

  test('is silent once it is stopped', async () => {
    const recorder = await started();
    await source?.stop();
    const heard = recorder.told.length;
    await writeFile(join(folder, 'a.yaml'), NODE('n1'));
    await source?.stop();
    expect(recorder.told).toHaveLength(heard);
  });

  test('tells nothing of a look that was under way when it was stopped', async () => {
    await writeFile(join(folder, 'a.yaml'), NODE('n1'));
    source = new ManifestSource([folder]);
    const recorder = new Recorder();
    const starting = source.start(recorder);
    await source.stop();
    await starting;
    expect(recorder.told).toEqual([]);
  });

  test('does not start for a path that does not exist', async () => {
    const missing = new ManifestSource([join(folder, 'missing')]);
    const recorder = new Recorder();
    await expect(missing.start(recorder)).rejects.toBeInstanceOf(ManifestPathError);
    expect(recorder.told).toEqual([]);
  });
});

/** Its timers are moved by hand, and what a look costs is what a test says. */
describe('when a source looks', () => {
  let source: ManifestSource;
  let recorder: Recorder;
  /** asked for so far, in ms */
  let delays: number[];
  let wallMs: number;
  let processorMs: number;

  beforeEach(async () => {
    const real = ['nextTick', 'setImmediate', 'queueMicrotask', 'performance', 'hrtime'] as const;
    jest.useFakeTimers({ doNotFake: [...real] });
    delays = [];
    const { setTimeout: fake } = globalThis;
    jest.spyOn(globalThis, 'setTimeout').mockImplementation(((run: () => void, ms: number) => {
      delays.push(ms);
      return fake(run, ms);
    }) as typeof setTimeout);
    wallMs = 0;
    processorMs = 0;
    jest.spyOn(performance, 'now').mockImplementation(() => wallMs);
    jest.spyOn(process, 'cpuUsage').mockImplementation((before) => ({
      user: processorMs * 500 - (before?.user ?? 0),
      system: processorMs * 500 - (before?.system ?? 0),
    }));
    source = new ManifestSource([folder]);
    recorder = new Recorder();
    await source.start(recorder);
  });

  afterEach(async () => {
    await source.stop();
    jest.restoreAllMocks();
    jest.useRealTimers();
  });

  /** Lets the next look begin, and end after so much time. @returns ms until the one after it */
  async function look({ takesMs, processorMs: usedMs }: { takesMs: number; processorMs: number }) {
    const count = delays.length;
    jest.advanceTimersByTime(delays.at(-1)!);
    wallMs += takesMs;
    processorMs += usedMs;
    while (delays.length === count) await new Promise((resolve) => setImmediate(resolve));
    return delays.at(-1);
  }

  const CHEAP = { takesMs: 1, processorMs: 1 };

  test('it is every 250 ms, and 100 ms after a file has changed', async () => {
    expect(delays).toEqual([250]);
    expect(await look(CHEAP)).toBe(250);
    await writeFile(join(folder, 'a.yaml'), NODE('n1'));
    expect(await look(CHEAP)).toBe(100);
    expect(recorder.told).not.toContain('+ Node n1');
    expect(await look(CHEAP)).toBe(250);
    expect(recorder.told).toContain('+ Node n1');
  });

  test('looks that cost much are followed by four times their cost', async () => {
    expect(await look({ takesMs: 150, processorMs: 100 })).toBe(250);
    expect(await look({ takesMs: 150, processorMs: 120 })).toBe(400);
    // A thread of its own may use more processor time than goes by.
    expect(await look({ takesMs: 110, processorMs: 300 })).toBe(440);
    expect(await look(CHEAP)).toBe(250);
  });

  test('looks that had to wait do not delay the next ones', async () => {
    expect(await look({ takesMs: 5000, processorMs: 2 })).toBe(250);
    expect(await look({ takesMs: 5000, processorMs: 2 })).toBe(250);
  });

  test('nor does one look during which this process was busy with something else', async () => {
    expect(await look({ takesMs: 300, processorMs: 300 })).toBe(250);
    expect(await look(CHEAP)).toBe(250);
  });

  test('it does so no more once it is stopped', async () => {
    await source.stop();
    expect(jest.getTimerCount()).toBe(0);
  });
});
