/**
 * `npm run bench`: this proxy beside kube-proxy in the lab, in one run, against a native API
 * server. What is compared is ratios: the lab's kernel makes system calls and forks dear, which
 * flatters whoever makes fewer of them. Writes docs/benchmarks/ and the page's tables; `--quick`
 * and chosen sizes only print.
 *
 *   npm run bench -- [--quick] [--size SERVICESxENDPOINTS]… [--only kube-ipvs|kube-proxy]
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { checkout } from '../../packaging/machine.mjs';
import { findBinary } from '../tools/kubernetes.mjs';
import { chart } from './chart.ts';
import type { Figures, Run } from './figures.ts';
import { type Effort, measure, type Proxy } from './measure.ts';
import type { Size } from './objects.ts';
import { CHARTS, intoPage, tables } from './page.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    size: { type: 'string', multiple: true },
    only: { type: 'string' },
  },
});

const bundle = join(checkout, 'dist', 'kube-ipvs.js');
const [, nodeFlag = ''] = /^#!.* (-\S+)\n/.exec(readFileSync(bundle, 'utf8')) ?? [];
const OURS: Proxy = {
  name: 'kube-ipvs',
  // As the first line of the installed program has it.
  command: ['node', nodeFlag, bundle, 'run', '--v=2'],
};
const KUBE_PROXY: Proxy = { name: 'kube-proxy', command: [findBinary('kube-proxy') ?? ''] };

/** Beyond this kube-proxy's start alone takes many minutes. */
const LARGEST_FOR_BOTH = 5_000;
const FULL: readonly Size[] = [
  { services: 100, endpoints: 2 },
  { services: 1_000, endpoints: 2 },
  { services: 5_000, endpoints: 2 },
  { services: 10_000, endpoints: 2 },
  { services: 100, endpoints: 1_000 },
  { services: 50_000, endpoints: 1 },
];
const QUICK: readonly Size[] = [
  { services: 100, endpoints: 2 },
  { services: 500, endpoints: 2 },
];

const isFull = !values.quick && values.size === undefined && values.only === undefined;
const sizes = values.size?.map(parseSize) ?? (values.quick ? QUICK : FULL);
/** An audit of each must fall into a long idle time. */
const effort: Effort = values.quick ? { changes: 40, idleSec: 5 } : { changes: 200, idleSec: 40 };

const given = process.argv.slice(2);
const behind = given.length === 0 ? [] : ['--', ...given];
const figures: Figures[] = [];
for (const size of sizes) {
  for (const proxy of proxiesFor(size)) figures.push(await measure(proxy, size, effort));
}
const run: Run = {
  date: new Date().toISOString().slice(0, 10),
  command: ['npm run bench', ...behind].join(' '),
  versions: { 'kube-ipvs': git('describe', '--always', '--dirty'), ...kubeProxyVersion() },
  machine: `${cpus().length} CPUs (${cpus()[0]!.model}), ${Math.round(totalmem() / 2 ** 30)} GiB`,
  figures,
};
console.log(tables(run));
if (isFull) write(run);

function proxiesFor({ services, endpoints }: Size): readonly Proxy[] {
  const isForBoth = services <= LARGEST_FOR_BOTH && endpoints <= 2 && !values.quick;
  const proxies = isForBoth || values.only === 'kube-proxy' ? [OURS, KUBE_PROXY] : [OURS];
  return proxies.filter(({ name }) => values.only === undefined || values.only === name);
}

function parseSize(text: string): Size {
  const [, services, endpoints] = /^(\d+)[x×](\d+)$/.exec(text) ?? [];
  if (services === undefined || endpoints === undefined)
    throw new Error(`--size: must be SERVICESxENDPOINTS, as in 1000x2, not ${text}`);
  return { services: Number(services), endpoints: Number(endpoints) };
}

function kubeProxyVersion(): Readonly<Record<string, string>> {
  if (!figures.some(({ proxy }) => proxy === KUBE_PROXY.name)) return {};
  const [program = ''] = KUBE_PROXY.command;
  return { 'kube-proxy': execFileSync(program, ['--version'], { encoding: 'utf8' }).trim() };
}

function git(...args: readonly string[]): string {
  return execFileSync('git', args, { cwd: checkout, encoding: 'utf8' }).trim();
}

function write(finished: Run): void {
  const folder = join(checkout, 'docs', 'benchmarks');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'results.json'), `${JSON.stringify(finished, null, 2)}\n`);
  for (const { file, title, unit, cost } of CHARTS)
    writeFileSync(join(folder, file), chart(title, unit, seriesOf(finished, cost)));
  const page = join(checkout, 'docs', 'benchmarks.md');
  writeFileSync(page, intoPage(readFileSync(page, 'utf8'), finished));
  const prettier = join(checkout, 'node_modules', 'prettier', 'bin', 'prettier.cjs');
  execFileSync(process.execPath, [prettier, '--write', '--log-level=warn', page, folder]);
}

/** Of the sizes with two endpoints, which differ in nothing else. */
function seriesOf({ figures: all }: Run, cost: (figures: Figures) => number) {
  const alike = all.filter(({ endpoints }) => endpoints === 2);
  return [OURS, KUBE_PROXY].map(({ name }) => ({
    name,
    points: alike
      .filter(({ proxy }) => proxy === name)
      .map((each) => ({ size: each.services, cost: cost(each) })),
  }));
}
