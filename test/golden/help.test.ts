/**
 * What each command says of itself, whole: every word of it is read by operators, and no other test
 * would miss one.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { runCommand } from '../support/program/command.ts';

const ROOT = join(import.meta.dirname, 'help');
const isUpdating = process.env['UPDATE_GOLDEN'] === '1';

test.each(['run', 'list', 'plan', 'config', 'cleanup', 'version'])('%s --help', async (name) => {
  const { exitCode, stdout, stderr } = await runCommand([name, '--help']);
  expect([exitCode, stderr]).toEqual([0, '']);
  const file = join(ROOT, `${name}.txt`);
  if (isUpdating) writeFileSync(file, stdout);
  expect(stdout).toBe(readFileSync(file, 'utf8'));
});
