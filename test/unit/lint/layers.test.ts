// The layers of the design, as the linter sees them: each violation below must be caught by .oxlintrc.json, each
// legal import must pass. The files are written into a copy of the folder tree, never into the checkout.

import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';

const oxlint = resolve('node_modules/.bin/oxlint');

interface Case {
  readonly title: string;
  readonly file: string;
  readonly text: string;
  /** Rule that must fire, in oxlint's spelling; undefined: nothing may fire. */
  readonly rule?: string;
}

const imports = 'eslint(no-restricted-imports)';
const globals = 'eslint(no-restricted-globals)';

const cases: readonly Case[] = [
  {
    title: 'net sees no other folder',
    file: 'src/net/a.ts',
    text: `import type { Service } from '../model/resources.ts';\nexport type A = Service;\n`,
    rule: imports,
  },
  {
    title: 'model does not see desired',
    file: 'src/model/b.ts',
    text: `export { build } from '../desired/build.ts';\n`,
    rule: imports,
  },
  {
    title: 'desired does not see the kernel',
    file: 'src/desired/c.ts',
    text: `import { read } from '../kernel/read.ts';\nexport const c = read;\n`,
    rule: imports,
  },
  {
    title: 'the kernel layer does not see the cluster',
    file: 'src/kernel/d.ts',
    text: `import { store } from '../cluster/store.ts';\nexport const d = store;\n`,
    rule: imports,
  },
  {
    title: 'the cluster layer does not see the kernel',
    file: 'src/cluster/e.ts',
    text: `import { apply } from '../kernel/apply.ts';\nexport const e = apply;\n`,
    rule: imports,
  },
  {
    title: 'the agent does not see the command line',
    file: 'src/agent/f.ts',
    text: `import { main } from '../cli/main.ts';\nexport const f = main;\n`,
    rule: imports,
  },
  {
    title: 'what commands and agent share does not see the agent',
    file: 'src/inputs/p.ts',
    text: `import { agent } from '../agent/agent.ts';\nexport const p = agent;\n`,
    rule: imports,
  },
  {
    title: 'a folder inside a pure folder is as pure',
    file: 'src/plan/inner/g.ts',
    text: `import { apply } from '../../kernel/apply.ts';\nexport const g = apply;\n`,
    rule: imports,
  },
  {
    title: 'pure folders import nothing of Node',
    file: 'src/netlink/h.ts',
    text: `import { readFileSync } from 'node:fs';\nexport const h = readFileSync;\n`,
    rule: imports,
  },
  {
    title: 'pure folders have no timers',
    file: 'src/plan/i.ts',
    text: `export const i = () => setTimeout(() => {}, 1);\n`,
    rule: globals,
  },
  {
    title: 'pure folders do not look at the process',
    file: 'src/config/j.ts',
    text: `export const j = process.env;\n`,
    rule: globals,
  },
  {
    title: 'pure folders are told the time',
    file: 'src/desired/k.ts',
    text: `export const k = () => Date.now();\n`,
    rule: 'eslint(no-restricted-properties)',
  },
  {
    title: 'plan sees desired, model and net',
    file: 'src/plan/l.ts',
    text: `import { a } from '../desired/a.ts';\nimport { b } from '../net/b.ts';\nexport const l = [a, b];\n`,
  },
  {
    title: 'the kernel layer sees plan and Node',
    file: 'src/kernel/m.ts',
    text: `import { a } from '../plan/a.ts';\nimport { readFileSync } from 'node:fs';\nexport const m = [a, readFileSync];\n`,
  },
  {
    title: 'the agent sees both sides',
    file: 'src/agent/n.ts',
    text: `import { a } from '../kernel/a.ts';\nimport { b } from '../cluster/b.ts';\nexport const n = [a, b];\n`,
  },
  {
    title: 'files keep to 400 lines',
    file: 'src/kernel/o.ts',
    text: `export const lines = [\n${'  1,\n'.repeat(400)}];\n`,
    rule: 'eslint(max-lines)',
  },
];

let fired: Map<string, string[]>;
let tree: string;

beforeAll(() => {
  tree = mkdtempSync(join(tmpdir(), 'kube-ipvs-lint-'));
  copyFileSync('.oxlintrc.json', join(tree, '.oxlintrc.json'));
  for (const { file, text } of cases) {
    mkdirSync(dirname(join(tree, file)), { recursive: true });
    writeFileSync(join(tree, file), text);
  }
  fired = rulesByFile(spawnSync(oxlint, ['-f', 'json'], { cwd: tree, encoding: 'utf8' }).stdout);
});

afterAll(() => rmSync(tree, { recursive: true }));

test.each(cases)('$title', ({ file, rule }) => {
  expect(fired.get(file) ?? []).toEqual(rule === undefined ? [] : [rule]);
});

test('a promise that nobody waits for is caught', () => {
  const folder = join(tree, 'typed');
  mkdirSync(folder);
  copyFileSync('.oxlintrc.json', join(folder, '.oxlintrc.json'));
  writeFileSync(
    join(folder, 'tsconfig.json'),
    `{ "compilerOptions": { "target": "es2024", "lib": ["es2024"], "types": [] }, "include": ["."] }`,
  );
  writeFileSync(
    join(folder, 'a.ts'),
    `export async function apply(): Promise<void> {}\nexport function forget(): void {\n  apply();\n}\n`,
  );
  const argv = ['--type-aware', '-f', 'json'];
  const env = { ...process.env, PATH: `${dirname(oxlint)}:${process.env['PATH']}` };
  const { stdout } = spawnSync(oxlint, argv, { cwd: folder, encoding: 'utf8', env });
  expect(rulesByFile(stdout).get('a.ts')).toEqual(['typescript(no-floating-promises)']);
});

test('the rules that need types run on this checkout too', () => {
  const printed = execFileSync(oxlint, ['--print-config'], { encoding: 'utf8' });
  const { rules } = JSON.parse(printed) as { rules: Record<string, unknown> };
  for (const rule of [
    'no-floating-promises',
    'no-misused-promises',
    'switch-exhaustiveness-check',
  ]) {
    expect(rules).toHaveProperty([`typescript/${rule}`]);
  }
});

function rulesByFile(json: string): Map<string, string[]> {
  const { diagnostics } = JSON.parse(json) as {
    diagnostics: readonly { readonly filename: string; readonly code: string }[];
  };
  const byFile = new Map<string, string[]>();
  for (const { filename, code } of diagnostics) {
    byFile.set(filename, [...(byFile.get(filename) ?? []), code]);
  }
  return byFile;
}
