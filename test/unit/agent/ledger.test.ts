import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Ledger } from '../../../src/agent/ledger.ts';

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
