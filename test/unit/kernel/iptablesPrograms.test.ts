import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { isInPath, programName } from '../../../src/kernel/iptablesPrograms.ts';

const searched = process.env['PATH'];
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'path-'));
});
afterEach(async () => {
  process.env['PATH'] = searched;
  await rm(folder, { recursive: true });
});

test('a program is installed where some folder of PATH has it and it can be run', async () => {
  await mkdir(path.join(folder, 'sbin'));
  await writeFile(path.join(folder, 'sbin', 'iptables-nft'), '', { mode: 0o755 });
  await writeFile(path.join(folder, 'iptables-legacy'), '', { mode: 0o644 });
  process.env['PATH'] = ['/not/there', folder, path.join(folder, 'sbin')].join(':');
  expect(await isInPath('iptables-nft')).toBe(true);
  expect(await isInPath('iptables-legacy')).toBe(false);
  expect(await isInPath('iptables')).toBe(false);
  delete process.env['PATH'];
  expect(await isInPath('iptables-nft')).toBe(false);
});

test('a program is named by family, variant and tool', () => {
  expect(programName('IPv6', 'nft', '-save')).toBe('ip6tables-nft-save');
  expect(programName('IPv4', 'legacy')).toBe('iptables-legacy');
  expect(programName('IPv4', 'plain', '-restore')).toBe('iptables-restore');
});
