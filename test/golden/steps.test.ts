/**
 * Stories: a folder holds what happens as 01-NAME.yaml, 02-NAME.yaml and so on, `expected.txt` what
 * could be seen of each: what was done to the kernel, what was said, the conditions that stand, and
 * what /healthz answers.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from '@jest/globals';
import { Story } from '../support/golden/story.ts';

const ROOT = join(import.meta.dirname, 'steps');
const START = join(import.meta.dirname, 'defaults', 'story.yaml');
const names = readdirSync(ROOT).toSorted();
const isUpdating = process.env['UPDATE_GOLDEN'] === '1';

test('there are at least twelve stories', () => {
  expect(names.length).toBeGreaterThanOrEqual(12);
});

test.each(names)('%s', async (name) => {
  const folder = join(ROOT, name);
  const story = new Story();
  const files = readdirSync(folder).filter((each) => each.endsWith('.yaml'));
  const [first = '', ...steps] = files.toSorted().map((each) => join(folder, each));
  const hasOwnStart = basename(first).startsWith('00-');
  let text = '';
  try {
    // What is done at the start goes without saying.
    await story.step(readFileSync(hasOwnStart ? first : START, 'utf8'));
    for (const step of hasOwnStart ? steps : [first, ...steps])
      text += `# ${basename(step)}\n${await story.step(readFileSync(step, 'utf8'))}\n`;
  } finally {
    await story.end();
  }
  const file = join(folder, 'expected.txt');
  if (isUpdating) writeFileSync(file, text);
  expect(text).toBe(readFileSync(file, 'utf8'));
});
