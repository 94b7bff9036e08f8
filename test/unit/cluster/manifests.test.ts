import { execFileSync } from 'node:child_process';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { mkdtemp, open, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ManifestPathError } from '../../../src/cluster/manifestFiles.ts';
import { loadManifests, ManifestSource } from '../../../src/cluster/manifests.ts';
import type { ClusterListener } from '../../../src/cluster/source.ts';

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
  });
});

/** Keeps what it was told, and lets a test wait for it. */
class Recorder implements ClusterListener {
  readonly told: string[] = [];
  #waiting: { line: RegExp; resolve: () => void } | undefined;

  onChange: ClusterListener['onChange'] = ({ kind, key, object }) =>
    this.#tell(`${object === undefined ? '-' : '+'} ${kind} ${key}`);
  onSynced = () => this.#tell('synced');
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
    source = new ManifestSource([folder], { pollMs: 5, settleMs: 2 });
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

  test('with its usual timing sees a change within a second', async () => {
    source = new ManifestSource([folder]);
    const recorder = new Recorder();
    await source.start(recorder);
    await writeFile(join(folder, 'a.yaml'), NODE('n1'));
    const began = performance.now();
    await recorder.hears(/^\+ Node n1$/);
    expect(performance.now() - began).toBeLessThan(1000);
  });

  test('looks that had to wait do not delay the next ones', async () => {
    await expectPromptAfter(2, () => sleep(400));
  });

  test('nor does one look during which this process was busy with something else', async () => {
    await expectPromptAfter(1, async () => {
      await sleep(20);
      for (const end = performance.now() + 300; performance.now() < end;);
    });
  });

  /** @param meanwhile goes on while a look waits for the file system; so many looks after each other */
  async function expectPromptAfter(looks: number, meanwhile: () => Promise<unknown>) {
    const recorder = await started();
    await sleep(50);
    for (let i = 0; i < looks; i++) {
      const release = occupyFileThreads(`${folder}.${i}.pipe`);
      await meanwhile();
      release();
      // the look that waited ends, the next one has not begun
      await sleep(3);
    }
    await sleep(20);
    writeFileSync(join(folder, 'a.yaml'), NODE('n1'));
    const began = performance.now();
    await recorder.hears(/^\+ Node n1$/);
    expect(performance.now() - began).toBeLessThan(400);
  }
});

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Every thread that Node has for files waits for somebody to write into a pipe. @returns lets them go */
function occupyFileThreads(pipe: string): () => void {
  execFileSync('mkfifo', [pipe]);
  const threads = Number(process.env['UV_THREADPOOL_SIZE'] ?? 4);
  const waiting = Array.from({ length: threads }, () => open(pipe, 'r'));
  return () => {
    closeSync(openSync(pipe, 'r+'));
    for (const opening of waiting) void opening.then((file) => file.close());
    void rm(pipe);
  };
}
