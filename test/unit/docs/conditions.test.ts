/**
 * docs/conditions.md has a row for each condition that the code defines, and says of it what the
 * definition does.
 */
import { globSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { CONDITIONS } from '../../../src/agent/conditions.ts';
import type { Condition } from '../../../src/ops/conditions.ts';

const ROWS = readFileSync('docs/conditions.md', 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );

test('the table is what the definitions say, in their order', () => {
  const defined = (CONDITIONS as readonly Condition[]).map(
    ({ code, severity, affectsHealth, event, title }) => [
      `\`${code}\``,
      severity,
      affectsHealth === false ? 'no' : affectsHealth,
      event === undefined ? '' : `\`${event.reason}\``,
      title,
    ],
  );
  expect(ROWS.map((row) => row.slice(0, 5))).toEqual(defined);
});

test('each row says what to do', () => {
  for (const row of ROWS) expect(row[5]).toMatch(/\w+ \w+ \w+/);
  expect(ROWS.length).toBeGreaterThan(5);
});

test('codes are unique, and none is defined and left out of the list', () => {
  const codes = CONDITIONS.map(({ code }) => code);
  expect(new Set(codes).size).toBe(codes.length);
  const defined = globSync('src/**/*.ts').flatMap((file) =>
    Array.from(
      readFileSync(file, 'utf8').matchAll(/defineCondition\(\{\s*code: '(\w+)'/g),
      ([, code]) => code,
    ),
  );
  expect(new Set(defined)).toEqual(new Set<string>(codes));
  expect(defined).toHaveLength(codes.length);
});
