import { expect, test } from '@jest/globals';
import { globOf, isGlob, matchesGlob } from '../../../src/net/glob.ts';

test.each([
  ['syncLoop', 'syncLoop', true],
  ['syncLoop', 'syncLoops', false],
  ['sync', 'syncLoop', false],
  ['sync*', 'syncLoop', true],
  ['*Loop', 'syncLoop', true],
  ['*', '', true],
  ['?ync*', 'syncLoop', true],
  ['?', '', false],
  ['*', 'loop/sync', false],
  ['[a-s]ync*', 'syncLoop', true],
  ['[^a-s]ync*', 'syncLoop', false],
  ['[t-z]ync*', 'syncLoop', false],
  [String.raw`[\-a]b`, '-b', true],
  [String.raw`[\]]`, ']', true],
  [String.raw`a\*`, 'a*', true],
  [String.raw`a\*`, 'ab', false],
  ['a.b', 'axb', false],
  ['a+(b|c)$', 'a+(b|c)$', true],
  ['ä?', 'äö', true],
])('%s against %s: %j', (pattern, name, isMatch) => {
  expect(matchesGlob(pattern, name)).toBe(isMatch);
});

test.each(['[', '[a', '[]', 'a[', '\\', 'a\\', '[z-a]'])('%s is no pattern', (pattern) => {
  for (const name of ['', 'a', '[', pattern]) expect(matchesGlob(pattern, name)).toBe(false);
  expect(isGlob(pattern)).toBe(false);
});

test.each(['', 'eth0', 'eth*', '[e-f]th?', String.raw`\[`])('%s is a pattern', (pattern) => {
  expect(isGlob(pattern)).toBe(true);
});

test.each(['eth0', 'eth*', 'a[b]', 'a?', String.raw`a\b`, 'br-lan.10'])(
  'the pattern of the name %s fits it and nothing else',
  (name) => {
    expect(matchesGlob(globOf(name), name)).toBe(true);
    expect(matchesGlob(globOf(name), `${name}0`)).toBe(false);
    expect(matchesGlob(globOf(name), name.replace(/.$/u, 'x'))).toBe(false);
  },
);
