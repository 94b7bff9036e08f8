import { chmod, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { WatchedContent } from '../../../src/agent/fileWatch.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'file-watch-'));
  file = path.join(folder, 'config.yaml');
  await writeFile(file, 'mode: ipvs\n');
});
afterEach(() => rm(folder, { recursive: true }));

test('another content is a change', async () => {
  const watched = new WatchedContent(file);
  expect(watched.hasChanged()).toBe(false);
  await writeFile(file, 'mode: ipvs\nipvs: {}\n');
  expect(watched.hasChanged()).toBe(true);
});

test('the same content written again is none', async () => {
  const watched = new WatchedContent(file);
  await writeFile(`${file}.new`, 'mode: ipvs\n');
  await rename(`${file}.new`, file);
  expect(watched.hasChanged()).toBe(false);
});

test('a link that is swapped two folders up, as a ConfigMap is, is a change', async () => {
  for (const [version, text] of [
    ['1', 'a: 1'],
    ['2', 'a: 2'],
  ] as const) {
    await mkdir(path.join(folder, version));
    await writeFile(path.join(folder, version, 'config.yaml'), text);
  }
  await symlink('1', path.join(folder, '..data'));
  const watched = new WatchedContent(path.join(folder, '..data', 'config.yaml'));
  await symlink('2', path.join(folder, '..new'));
  await rename(path.join(folder, '..new'), path.join(folder, '..data'));
  expect(watched.hasChanged()).toBe(true);
});

test('a file that is gone, or has become a folder, has not changed; what comes afterwards has', async () => {
  const watched = new WatchedContent(file);
  await rm(file);
  expect(watched.hasChanged()).toBe(false);
  await mkdir(file);
  expect(watched.hasChanged()).toBe(false);
  await rm(file, { recursive: true });
  await writeFile(file, 'mode: ipvs # edited\n');
  expect(watched.hasChanged()).toBe(true);
});

test('a content that could not be read at first is not lost when it can be', async () => {
  const watched = new WatchedContent(file);
  await rm(file);
  await symlink('config.yaml', file);
  expect(watched.hasChanged()).toBe(false);
  await rm(file);
  await writeFile(file, 'changed');
  await chmod(file, 0o600);
  expect(watched.hasChanged()).toBe(true);
});
