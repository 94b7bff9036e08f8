// The layers of the design, as the linter sees them: each violation below must be caught by
// oxlint.config.ts, each legal import must pass. The files are written into a copy of the folder
// tree, never into the checkout.

import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { LAYERS } from '../../../oxlint.layers.ts';

const oxlint = resolve('node_modules/oxlint/bin/oxlint');

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
    title: 'plan sees both sides as values, and addresses',
    file: 'src/plan/l.ts',
    text: `import { a } from '../dataplane/a.ts';\nimport { b } from '../net/b.ts';\nexport const l = [a, b];\n`,
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
    title: 'a folder that is in no row imports nothing',
    file: 'src/gossip/p.ts',
    text: `import { a } from '../net/a.ts';\nexport const p = a;\n`,
    rule: imports,
  },
  {
    title: 'a file that is in no folder imports nothing',
    file: 'src/q.ts',
    text: `import { a } from './net/a.ts';\nexport const q = a;\n`,
    rule: imports,
  },
  {
    title: 'nobody imports a folder that is in no row, not even the command line',
    file: 'src/cli/r.ts',
    text: `import { a } from '../gossip/a.ts';\nexport const r = a;\n`,
    rule: imports,
  },
  {
    title: 'a lazy import is an import',
    file: 'src/agent/s.ts',
    text: `export const s = () => import('../cli/main.ts');\n`,
    rule: imports,
  },
  {
    title: 'a detour through the own folder is seen',
    file: 'src/model/t.ts',
    text: `import { a } from './../desired/a.ts';\nexport const t = a;\n`,
    rule: imports,
  },
  {
    title: 'nothing of the product comes from outside src',
    file: 'src/kernel/u.ts',
    text: `import { checkout } from '../../packaging/machine.mjs';\nexport const u = checkout;\n`,
    rule: imports,
  },
  {
    title: 'a feature sees values, codecs and the contributor',
    file: 'src/loadbalancer/a.ts',
    text: `import { a } from '../model/a.ts';
import { b } from '../dataplane/b.ts';
import { c } from '../wire/c.ts';
import { d } from '../time/d.ts';
import type { Contributor } from '../desired/contributor.ts';
export const e = [a, b, c, d];
export type F = Contributor;
`,
  },
  {
    title: 'a feature sees no more of desired than the contributor',
    file: 'src/loadbalancer/b.ts',
    text: `import { a } from '../desired/builder.ts';\nexport const b = a;\n`,
    rule: imports,
  },
  {
    title: 'a feature sees no other feature',
    file: 'src/loadbalancer/c.ts',
    text: `import { a } from '../dns/a.ts';\nexport const c = a;\n`,
    rule: imports,
  },
  {
    title: 'the shell of a feature sees no other feature either',
    file: 'src/tenancy/shell/d.ts',
    text: `import { a } from '../../dns/a.ts';\nexport const d = a;\n`,
    rule: imports,
  },
  {
    title: 'the agent is above a feature',
    file: 'src/conntrack/shell/e.ts',
    text: `import { a } from '../../agent/a.ts';\nexport const e = a;\n`,
    rule: imports,
  },
  {
    title: 'DNS asks tenancy what a name is for whom',
    file: 'src/dns/f.ts',
    text: `import { a } from '../tenancy/a.ts';\nexport const f = a;\n`,
  },
  {
    title: 'a feature is pure but for its shell',
    file: 'src/dns/g.ts',
    text: `export const g = () => setTimeout(() => {}, 1);\n`,
    rule: globals,
  },
  {
    title: 'what a feature computes does not see its shell',
    file: 'src/dns/h.ts',
    text: `import { a } from './shell/a.ts';\nexport const h = a;\n`,
    rule: imports,
  },
  {
    title: 'the shell of a feature sees Node, operations and what the feature computes',
    file: 'src/dns/shell/i.ts',
    text: `import { createSocket } from 'node:dgram';
import { a } from '../../ops/a.ts';
import { b } from '../zone.ts';
export const i = () => setTimeout(() => [a, b, createSocket, Date.now()], 1);
`,
  },
  {
    title: 'the agent sees features',
    file: 'src/agent/v.ts',
    text: `import { a } from '../dns/shell/a.ts';\nexport const v = a;\n`,
  },
  {
    title: 'files keep to 400 lines',
    file: 'src/kernel/o.ts',
    text: `export const lines = [\n${'  1,\n'.repeat(400)}];\n`,
    rule: 'eslint(max-lines)',
  },
];

let fired: Map<string, string[]>;
let messages: readonly string[];
let tree: string;

beforeAll(() => {
  tree = mkdtempSync(join(tmpdir(), 'kube-ipvs-lint-'));
  copyRules(tree);
  for (const { file, text } of cases) {
    mkdirSync(dirname(join(tree, file)), { recursive: true });
    writeFileSync(join(tree, file), text);
  }
  const { stdout } = lint(['-f', 'json', 'src'], tree);
  fired = rulesByFile(stdout);
  messages = diagnosticsIn(stdout).flatMap(({ code, help }) => (code === imports ? [help] : []));
});

afterAll(() => rmSync(tree, { recursive: true }));

test.each(cases)('$title', ({ file, rule }) => {
  expect(fired.get(file) ?? []).toEqual(rule === undefined ? [] : [rule]);
});

test('what is caught names the page that explains it', () => {
  expect(messages.length).toBeGreaterThan(10);
  expect(messages.filter((text) => !text.includes('docs/architecture.md'))).toEqual([]);
});

test('each folder of src is in a row, and each file in a folder', () => {
  const known = new Set(LAYERS.map(({ folder }) => folder));
  const names = readdirSync('src');
  expect(names).toContain('net');
  expect(names.filter((name) => !known.has(name))).toEqual([]);
});

test('no file is deeper than the rules reach', () => {
  expect(globSync('src/*/*/*/*/*')).toEqual([]);
});

test('a folder imports from rows above its own only, so that there is no circle of folders', () => {
  const wrong = LAYERS.flatMap(({ folder, from }, row) => {
    const below = LAYERS.slice(0, row).map((layer) => layer.folder);
    const isBelow = (path: string) => below.some((each) => `${path}/`.startsWith(`${each}/`));
    const ours = from.filter((path) => !path.startsWith('../'));
    return ours.filter((path) => !isBelow(path)).map((path) => `${folder} from ${path}`);
  });
  expect(wrong).toEqual([]);
});

test('a promise that nobody waits for is caught', () => {
  const folder = join(tree, 'typed');
  mkdirSync(folder);
  copyRules(folder);
  writeFileSync(
    join(folder, 'tsconfig.json'),
    `{ "compilerOptions": { "target": "es2024", "lib": ["es2024"], "types": [] }, "include": ["."] }`,
  );
  writeFileSync(
    join(folder, 'a.ts'),
    `export async function apply(): Promise<void> {}\nexport function forget(): void {\n  apply();\n}\n`,
  );
  const { stdout } = lint(['--type-aware', '-f', 'json', 'a.ts'], folder);
  expect(rulesByFile(stdout).get('a.ts')).toEqual(['typescript(no-floating-promises)']);
});

test('the rules that need types run on this checkout too', () => {
  const { stdout } = lint(['--print-config'], '.');
  const { rules } = JSON.parse(stdout) as { rules: Record<string, unknown> };
  for (const rule of [
    'no-floating-promises',
    'no-misused-promises',
    'switch-exhaustiveness-check',
  ]) {
    expect(rules).toHaveProperty([`typescript/${rule}`]);
  }
});

function copyRules(folder: string): void {
  for (const file of ['oxlint.config.ts', 'oxlint.layers.ts']) {
    copyFileSync(file, join(folder, file));
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
}

/** By this Node, which reads a configuration in TypeScript; the one in PATH may be older. */
function lint(argv: readonly string[], cwd: string) {
  const env = {
    ...process.env,
    PATH: `${resolve('node_modules/.bin')}:${process.env['PATH']}`,
  };
  return spawnSync(process.execPath, [oxlint, ...argv], { cwd, encoding: 'utf8', env });
}

interface Diagnostic {
  readonly filename: string;
  readonly code: string;
  readonly help: string;
}

function diagnosticsIn(json: string): readonly Diagnostic[] {
  return (JSON.parse(json) as { readonly diagnostics: readonly Diagnostic[] }).diagnostics;
}

function rulesByFile(json: string): Map<string, string[]> {
  const byFile = new Map<string, string[]>();
  for (const { filename, code } of diagnosticsIn(json)) {
    byFile.set(filename, [...(byFile.get(filename) ?? []), code]);
  }
  return byFile;
}
