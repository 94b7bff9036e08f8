import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const checkout = join(import.meta.dirname, '..', '..', '..');
const page = readFileSync(join(checkout, 'docs', 'limits.md'), 'utf8');
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| ') && line.includes('(`src/'))
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map(([, what, limit]) => ({ what: what!, limit: limit! }));

test('the page has rows with a source', () => {
  expect(rows.length).toBeGreaterThan(10);
});

test.each(rows)('$what: $limit', ({ limit }) => {
  const [, numbers, file] = /^(.*) \(`(src\/.+)`\)$/.exec(limit)!;
  expect(existsSync(join(checkout, file!))).toBe(true);
  const source = readFileSync(join(checkout, file!), 'utf8').replaceAll('_', '');
  for (const [found, number, unit] of numbers!.matchAll(/(\d[\d,]*)( s\b)?/g)) {
    const plain = number!.replaceAll(',', '');
    const spelled = unit === undefined ? plain : `${plain}000`;
    expect(`${found}: ${new RegExp(`(?<!\\d)${spelled}(?!\\d)`).test(source)}`).toBe(
      `${found}: true`,
    );
  }
});

test('every condition that it names is documented', () => {
  const conditions = readFileSync(join(checkout, 'docs', 'conditions.md'), 'utf8');
  for (const [, code] of page.matchAll(/condition `(\w+)`/g)) expect(conditions).toContain(code!);
});
