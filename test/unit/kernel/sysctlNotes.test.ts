import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { SysctlClient } from '../../../src/kernel/sysctl.ts';
import { SysctlNotes } from '../../../src/kernel/sysctlNotes.ts';

let folder: string;
let file: string;
let notes: SysctlNotes;
let client: SysctlClient;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'sysctl-notes-'));
  file = path.join(folder, 'run', 'sysctls.json');
  notes = new SysctlNotes(file);
  client = new SysctlClient(folder, notes);
  await writeFile(path.join(folder, 'forward'), '0\n');
  await writeFile(path.join(folder, 'other'), '7\n');
});
afterEach(() => rm(folder, { recursive: true }));

const set = (name: string, value: string) =>
  client.apply([{ op: 'setSysctl', name, value }]).then(({ outcomes }) => outcomes);

test('what a sysctl was before it was set for the first time is kept', async () => {
  expect(await set('forward', '1')).toEqual([undefined]);
  await writeFile(path.join(folder, 'forward'), '2\n');
  await set('forward', '3');
  expect([...(await notes.read())]).toEqual([['forward', { before: '0', written: '3' }]]);
  expect(await readdir(path.dirname(file))).toEqual(['sysctls.json']);
});

test('nothing is noted of what holds already, or of what the kernel does not have', async () => {
  await set('forward', '0');
  expect((await set('net/missing', '1'))[0]).toMatchObject({ code: 'ENOENT' });
  expect([...(await notes.read())]).toEqual([]);
  await expect(readFile(file)).rejects.toThrow('ENOENT');
});

test('where nothing can be noted the value is set all the same', async () => {
  await writeFile(path.join(folder, 'run'), 'no folder');
  expect(await set('forward', '1')).toEqual([undefined]);
  expect(await readFile(path.join(folder, 'forward'), 'utf8')).toBe('1');
});

test('the file goes with its last note', async () => {
  await set('forward', '1');
  await set('other', '8');
  await notes.remove(new Set(['forward']));
  expect([...(await notes.read()).keys()]).toEqual(['other']);
  await notes.remove(new Set(['other']));
  expect(await readdir(path.dirname(file))).toEqual([]);
});

test.each(['', '{"sysctls":', 'null', '[]', '{"sysctls":7}', '{"sysctls":{"a":{"before":1}}}'])(
  'a file that is not one of notes has none: %s',
  async (content) => {
    await set('forward', '1');
    await writeFile(file, content);
    expect([...(await notes.read())]).toEqual([]);
  },
);

test('a client with another root notes nowhere unless told to', async () => {
  await new SysctlClient(folder).apply([{ op: 'setSysctl', name: 'forward', value: '1' }]);
  expect([...(await notes.read())]).toEqual([]);
});
