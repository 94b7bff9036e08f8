/**
 * What the image is made of is listed once, in .containerignore, and npm run image reads it there.
 * The Containerfile must copy just that: what it copies besides is not there, what it leaves is
 * sent for nothing and makes the revision dirty.
 */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from '@jest/globals';
import { contextPaths } from '../../../packaging/image/builder.ts';

function copiedFromCheckout(containerfile: string): readonly string[] {
  const lines = containerfile.matchAll(/^COPY (?!--from=)(.*)$/gm);
  return Array.from(lines, ([, words = '']) => words.split(' ').slice(0, -1)).flat();
}

test('the Containerfile copies what .containerignore lets through, and nothing else', () => {
  const copied = copiedFromCheckout(readFileSync('Containerfile', 'utf8'));
  expect(copied).toContain('src');
  const recipe = ['Containerfile', '.containerignore'];
  expect([...copied, ...recipe].toSorted()).toEqual([...contextPaths()].toSorted());
});

test('what is copied exists', () => {
  expect(contextPaths().filter((path) => globSync(path).length === 0)).toEqual([]);
});

test('the bundler imports nothing of ours that is outside its folder', () => {
  const files = globSync('packaging/bundle/*');
  const outside = files.flatMap((file) => {
    const imports = readFileSync(file, 'utf8').matchAll(/^import .* from '(\..*)';$/gm);
    return Array.from(imports, ([, path = '']) => normalize(join(dirname(file), path)));
  });
  expect(outside).not.toEqual([]);
  expect(outside.filter((path) => !path.startsWith('packaging/bundle/'))).toEqual([]);
});
