// What builds leave in the storage of images, with a recipe that takes a second. The storage is one
// of its own.

import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { build, type BuildOrder, ensureImageTools } from '../../packaging/image/builder.ts';
import { buildah, imageFolder, withStorage } from '../../packaging/image/storage.ts';

const BUILDS_LIMIT_MS = 300_000;
/** The second stage's step copies what each build changes. */
const RECIPE =
  'FROM scratch AS first\nCOPY changed /changed\nCOPY same /same\n' +
  'FROM scratch\nCOPY --from=first /changed /changed\n';

let folder: string;
let cacheHome: string | undefined;

beforeAll(() => ensureImageTools(), BUILDS_LIMIT_MS);

beforeEach(() => {
  cacheHome = process.env['XDG_CACHE_HOME'];
  folder = mkdtempSync(join(tmpdir(), 'kube-ipvs-images-'));
  process.env['XDG_CACHE_HOME'] = folder;
});

afterEach(() => {
  if (cacheHome === undefined) delete process.env['XDG_CACHE_HOME'];
  else process.env['XDG_CACHE_HOME'] = cacheHome;
  // The driver has mounted something below it.
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  for (const at of mounts.map((line) => line.split(' ')[1] ?? '').filter(isBelowFolder))
    execFileSync('umount', [at]);
  rmSync(folder, { recursive: true, force: true });
});

const isBelowFolder = (path: string) => path.startsWith(`${folder}/`);

/** @param content of the file that is not as in other builds */
function order(name: string, content: string, cached = false): BuildOrder {
  const source = join(folder, `source-${name}`);
  mkdirSync(source, { recursive: true });
  writeFileSync(join(source, 'Containerfile'), RECIPE);
  writeFileSync(join(source, 'changed'), content);
  writeFileSync(join(source, 'same'), 'same');
  const identity = { version: '1.0.0', revision: 'abc', created: '1970-01-01T00:00:00Z' };
  const context = { folder: source, remove: () => undefined, ...identity };
  return { name: `localhost/${name}:1`, base: 'scratch', context, cached };
}

const buildOf = (of: BuildOrder) => withStorage(() => build(of));
const lines = (...argv: readonly string[]) => buildah(argv).split('\n').filter(Boolean);

/** How many images and layers there are, those without a name too. */
function counts() {
  const layers = ['overlay-layers', 'vfs-layers']
    .map((name) => join(imageFolder(), 'storage', name, 'layers.json'))
    .find((file) => existsSync(file))!;
  return {
    images: lines('images', '--all', '--quiet').length,
    layers: (JSON.parse(readFileSync(layers, 'utf8')) as readonly unknown[]).length,
  };
}

test(
  'it does not grow over builds without the cache',
  () => {
    buildOf(order('one', 'a'));
    const before = counts();
    buildOf(order('one', 'b'));
    buildOf(order('one', 'c'));
    expect(counts()).toEqual(before);
    expect(before.images).toBeGreaterThan(0);
  },
  BUILDS_LIMIT_MS,
);

test(
  'the next build finds all stages of the one before in the cache',
  () => {
    buildOf(order('one', 'a'));
    const before = lines('images', '--all', '--quiet', '--no-trunc').sort();
    withStorage(() => {
      build(order('one', 'a', true));
      // Before anything is pruned: a step that was made anew would be here twice.
      expect(lines('images', '--all', '--quiet', '--no-trunc').sort()).toEqual(before);
    });
  },
  BUILDS_LIMIT_MS,
);

test(
  'what a build that was broken off left goes with the next one',
  () => {
    buildOf(order('one', 'a'));
    const before = counts();
    buildah(['add', '--quiet', buildah(['from', 'scratch']), join(folder, 'source-one'), '/']);
    mkdirSync(join(imageFolder(), 'context-aB3dE5', 'src'), { recursive: true });
    buildOf(order('one', 'b'));
    expect(lines('containers', '--quiet')).toEqual([]);
    expect(existsSync(join(imageFolder(), 'context-aB3dE5'))).toBe(false);
    expect(counts()).toEqual(before);
  },
  BUILDS_LIMIT_MS,
);

test(
  'processes that build at the same time wait for each other',
  async () => {
    const module = (name: string) =>
      new URL(`../../packaging/image/${name}.ts`, import.meta.url).href;
    const program = (of: BuildOrder) => `
      import { appendFileSync } from 'node:fs';
      import { build } from '${module('builder')}';
      import { withStorage } from '${module('storage')}';
      withStorage(() => {
        appendFileSync('${join(folder, 'story')}', 'begins\\n');
        build(${JSON.stringify(of)});
        appendFileSync('${join(folder, 'story')}', 'ends\\n');
      });`;
    const run = (of: BuildOrder) =>
      promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program(of)], {
        env: { ...process.env },
      });
    await Promise.all([run(order('one', 'a')), run(order('two', 'b')), run(order('three', 'c'))]);
    const story = readFileSync(join(folder, 'story'), 'utf8');
    expect(story).toBe('begins\nends\n'.repeat(3));
    const names = lines('images', '--format', '{{.Name}}');
    expect(names).toEqual(
      expect.arrayContaining(['localhost/one', 'localhost/two', 'localhost/three']),
    );
  },
  BUILDS_LIMIT_MS,
);
