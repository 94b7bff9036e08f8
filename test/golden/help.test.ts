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

const COMMANDS = [
  'run',
  'list',
  'plan',
  'config',
  'lb',
  'lb import',
  'lb plan',
  'lb status',
  'lb check',
  'lb release',
  'cleanup',
  'version',
];

test.each(COMMANDS)('%s --help', async (name) => {
  const { exitCode, stdout, stderr } = await runCommand([...name.split(' '), '--help']);
  expect([exitCode, stderr]).toEqual([0, '']);
  const file = join(ROOT, `${name.replaceAll(' ', '-')}.txt`);
  if (isUpdating) writeFileSync(file, stdout);
  expect(stdout).toBe(readFileSync(file, 'utf8'));
});
