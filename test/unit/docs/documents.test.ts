/**
 * What the documents name exists: metrics, files, and the example that a newcomer tries first gives
 * what is printed there.
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { runCommand, Scratch } from '../../support/program/command.ts';
import { everyMetric } from '../../support/program/everyMetric.ts';

const DOCUMENTS = globSync(['*.md', 'docs/**/*.md', 'charts/**/*.{md,yaml,tpl,txt}', 'demo/*.md']);
const README = readFileSync('README.md', 'utf8');

async function metricNames(): Promise<ReadonlySet<string>> {
  return new Set((await everyMetric()).map(({ name }) => name));
}

test('each metric that a document names is there', async () => {
  const known = await metricNames();
  const wrong: string[] = [];
  let count = 0;
  for (const file of DOCUMENTS) {
    for (const [name] of readFileSync(file, 'utf8').matchAll(
      /\bkube(?:ipvs|proxy)_[a-z_]+[a-z]/g,
    )) {
      count += 1;
      if (!known.has(name.replace(/_(?:bucket|sum|count)$/, ''))) wrong.push(`${file}: ${name}`);
    }
  }
  expect(wrong).toEqual([]);
  expect(count).toBeGreaterThan(5);
});

test('each file that a document links to is there', () => {
  const wrong = DOCUMENTS.filter((file) => file.endsWith('.md')).flatMap((file) => {
    const links = readFileSync(file, 'utf8').matchAll(/\]\((?!\w+:)([^)#\s]+)[^)]*\)/g);
    return Array.from(links, ([, target]) => target!)
      .filter((target) => !existsSync(join(dirname(file), target)))
      .map((target) => `${file}: ${target}`);
  });
  expect(wrong).toEqual([]);
});

test('each path of the tree that a document names is there', () => {
  const named = /`((?:src|test|addon|docs|charts|packaging|demo)\/[\w./-]+|oxlint\.\w+\.ts)`/g;
  const wrong = DOCUMENTS.filter((file) => file.endsWith('.md')).flatMap((file) =>
    Array.from(readFileSync(file, 'utf8').matchAll(named), ([, path]) => path!)
      // a recipe's place-holder: slimX.ts, NAME/
      .filter((path) => !/X\.|NAME|NNNN|FOLDER/.test(path) && !existsSync(path))
      .map((path) => `${file}: ${path}`),
  );
  expect(wrong).toEqual([]);
});

describe('the commands of README', () => {
  const [, command = '', answer = ''] =
    /^\$ kube-ipvs (plan .*) \| jq '\.desired\.virtualServers\[0\]'\n(\{\n[^]*?\n\})\n/m.exec(
      README,
    ) ?? [];

  test('the first plan gives what is printed there', async () => {
    const { exitCode, stdout } = await runCommand(command.split(' '));
    expect(exitCode).toBe(0);
    const { desired } = JSON.parse(stdout) as { desired: { virtualServers: readonly unknown[] } };
    expect(desired.virtualServers[0]).toEqual(JSON.parse(answer));
  });

  test('what a change of it would do is what is printed there', async () => {
    const [, first = '', second = '', text = ''] =
      /^\$ kube-ipvs (plan .*) >before\.json\n\$ kube-ipvs (plan .*)\n([^]*?)\n```/m.exec(README) ??
      [];
    const scratch = await Scratch.make();
    try {
      const before = await scratch.write('json', (await runCommand(first.split(' '))).stdout);
      const words = second.split(' ').map((word) => (word === 'before.json' ? before : word));
      const { exitCode, stdout } = await runCommand(words);
      expect([exitCode, stdout.trimEnd().replace(before, 'before.json')]).toEqual([0, text]);
    } finally {
      await scratch.remove();
    }
  });

  test('every command has its line, and every line its command', async () => {
    const { stdout } = await runCommand(['--help']);
    const [, block = ''] = /Commands \(each has --help\):\n([^]*?)\n\n/.exec(stdout) ?? [];
    const commands = Array.from(block.matchAll(/^ {2}(\w+)/gm), ([, name]) => name);
    const rows = Array.from(README.matchAll(/^\| `kube-ipvs (\w+)` +\|/gm), ([, name]) => name);
    expect(new Set(rows)).toEqual(new Set(commands));
  });
});
