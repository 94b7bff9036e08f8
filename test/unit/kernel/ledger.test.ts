import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Ledger } from '../../../src/kernel/ledger.ts';

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'ledger-'));
  file = path.join(folder, 'run', 'ledger.json');
});

afterEach(() => rm(folder, { recursive: true }));

test('what one process notes the next one knows', async () => {
  const first = await Ledger.open(file);
  first.add('192.0.2.1:30080/TCP');
  first.add('192.0.2.1:30081/TCP');
  first.delete('192.0.2.1:30081/TCP');
  await first.save();
  const second = await Ledger.open(file);
  expect(second.has('192.0.2.1:30080/TCP')).toBe(true);
  expect(second.has('192.0.2.1:30081/TCP')).toBe(false);
});

test('nothing is written when nothing changed', async () => {
  const ledger = await Ledger.open(file);
  await ledger.save();
  await expect(readFile(file)).rejects.toMatchObject({ code: 'ENOENT' });
});

test.each(['', '{"servers": 3}', 'null', '[1'])(
  'a file that holds %j counts as empty',
  async (text) => {
    const broken = path.join(folder, 'broken.json');
    await writeFile(broken, text);
    expect((await Ledger.open(broken)).has('192.0.2.1:30080/TCP')).toBe(false);
  },
);

test('what could not be written is still to be written, and leaves no half file', async () => {
  const ledger = await Ledger.open(file);
  ledger.add('192.0.2.1:30080/TCP');
  const folderOfFile = path.dirname(file);
  await writeFile(folderOfFile, 'a file where the folder should be');
  await expect(ledger.save()).rejects.toMatchObject({ code: 'EEXIST' });
  expect(ledger.isDirty).toBe(true);
  await rm(folderOfFile);
  await ledger.save();
  expect(ledger.isDirty).toBe(false);
  expect((await Ledger.open(file)).has('192.0.2.1:30080/TCP')).toBe(true);
  expect(await readdir(folderOfFile)).toEqual(['ledger.json']);
});

test('two processes that write at once do not take the file from each other', async () => {
  const [one, other] = [await Ledger.open(file), await Ledger.open(file)];
  one.add('192.0.2.1:30080/TCP');
  other.add('192.0.2.1:30080/TCP');
  await Promise.all([one.save(), other.save()]);
  expect((await Ledger.open(file)).has('192.0.2.1:30080/TCP')).toBe(true);
});
