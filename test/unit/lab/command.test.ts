// The script that runs inside the lab is run here by the shell itself: quoting is right when the
// words arrive whole.

import { execFileSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import { commandScript } from '../../lab/command.mjs';
import { parseOptions } from '../../lab/options.mjs';

const scriptFor = (...argv: string[]) =>
  commandScript({ options: parseOptions(argv), pathFirst: ['/first'], kernel: 'uml' });

const outputOf = (...argv: string[]) =>
  execFileSync('sh', ['-c', scriptFor(...argv)], { encoding: 'utf8' });

test('words arrive as they are, whatever is in them', () => {
  const words = ["it's", 'a b', '$HOME', '`x`', '"', '\\', '', 'line\nbreak', '*'];
  expect(outputOf('printf', '<%s>', ...words)).toBe(words.map((word) => `<${word}>`).join(''));
});

test('one word with spaces goes through a shell', () => {
  expect(outputOf('echo one; echo two')).toBe('one\ntwo\n');
});

test('variables given by option win over inherited ones and keep their equal signs', () => {
  expect(outputOf('--env', 'CI=a=b', 'printenv', 'CI')).toBe('a=b\n');
});

test('the folders of the lab come first in PATH, then the tools of the checkout', () => {
  const path = outputOf('printenv', 'PATH').split(':');
  expect(path[0]).toBe('/first');
  expect(path[1]).toBe(`${process.cwd()}/node_modules/.bin`);
});

test('the command is told which kernel it has', () => {
  expect(outputOf('printenv', 'KUBE_IPVS_LAB')).toBe('uml\n');
});
