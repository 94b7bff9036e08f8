/**
 * `npm run bench`: this proxy beside kube-proxy in the lab, in one run, against a native API
 * server. What is compared is ratios: the lab's kernel makes system calls and forks dear, which
 * flatters whoever makes fewer of them. Writes docs/benchmarks/ and the page's tables; `--quick`
 * and chosen sizes only print.
 *
 *   npm run bench -- --help
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { checkout } from '../../packaging/machine.mjs';
import { findBinary } from '../tools/kubernetes.mjs';
import { chart } from './chart.ts';
import { measurePaths } from './datapath.ts';
import type { Figures, Run } from './figures.ts';
import { measure, type Proxy } from './measure.ts';
import type { Size } from './objects.ts';
import { parseOptions, type Quantity } from './options.mjs';
import { CHARTS, intoPage, paths as pathTables, tables } from './page.ts';
import type { Path } from './paths.ts';
import type { Effort } from './quantities.ts';

const given = process.argv.slice(2);
const { quick, only, sizes: asked, quantities } = parseOptions(given);

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

/** Made so that kube-proxy's would take hours, or compare what it does in each round anyway. */
const OURS_ALONE: readonly Quantity[] = ['replace', 'burst', 'rate', 'audit'];

/** Services of the clusters in which the data path is measured. */
const PATH_SIZES = [1, 10_000];

const isFull = given.length === 0;
const sizes = asked.length > 0 ? asked : quick ? QUICK : FULL;
/**
 * An audit of each must fall into a long idle time. What was replaced slows down what follows: the
 * kernel walks over what it has removed lately for each new destination (ip_vs_trash_get_dest).
 */
const effort: Effort = quick
  ? { changes: 40, replacements: 3, idleSec: 5, rateSec: 10 }
  : { changes: 200, replacements: 5, idleSec: 40, rateSec: 60 };

const figures = quantities.every((each) => each === 'datapath') ? [] : await measureAll();
const paths = quantities.includes('datapath') ? await measureAllPaths() : undefined;
const run: Run = {
  date: new Date().toISOString().slice(0, 10),
  command: ['npm run bench', ...(isFull ? [] : ['--', ...given])].join(' '),
  versions: { 'kube-ipvs': git('describe', '--always', '--dirty'), ...kubeProxyVersion() },
  machine: `${cpus().length} CPUs (${cpus()[0]!.model}), ${Math.round(totalmem() / 2 ** 30)} GiB`,
  figures,
  ...(paths === undefined ? {} : { paths }),
};
if (figures.length > 0) console.log(tables(run));
if (paths !== undefined) console.log(pathTables(run));
if (isFull) writeCharts(run);
if (isFull || String(given) === '--measure,datapath') writePage(run);

async function measureAll(): Promise<readonly Figures[]> {
  const all: Figures[] = [];
  for (const size of sizes) {
    for (const proxy of proxiesFor(size)) {
      const isMeasured = (each: Quantity) => proxy === OURS || !OURS_ALONE.includes(each);
      all.push(await measure(proxy, size, quantities.filter(isMeasured), effort));
    }
  }
  return all;
}

async function measureAllPaths(): Promise<readonly Path[]> {
  const proxies = [OURS, KUBE_PROXY].filter(({ name }) => only === undefined || only === name);
  const counts = asked.length > 0 ? asked.map(({ services }) => services) : PATH_SIZES;
  const all: Path[] = [];
  for (const services of counts) all.push(...(await measurePaths(proxies, services)));
  return all;
}

function proxiesFor({ services, endpoints }: Size): readonly Proxy[] {
  const isForBoth = services <= LARGEST_FOR_BOTH && endpoints <= 2 && !quick;
  const proxies = isForBoth || only === 'kube-proxy' ? [OURS, KUBE_PROXY] : [OURS];
  return proxies.filter(({ name }) => only === undefined || only === name);
}

function kubeProxyVersion(): Readonly<Record<string, string>> {
  if (![...figures, ...(paths ?? [])].some(({ proxy }) => proxy === KUBE_PROXY.name)) return {};
  const [program = ''] = KUBE_PROXY.command;
  const version = execFileSync(program, ['--version'], { encoding: 'utf8' });
  return { 'kube-proxy': version.replace('Kubernetes', '').trim() };
}

function git(...args: readonly string[]): string {
  return execFileSync('git', args, { cwd: checkout, encoding: 'utf8' }).trim();
}

const docs = (...names: readonly string[]) => join(checkout, 'docs', ...names);

function writeCharts(finished: Run): void {
  mkdirSync(docs('benchmarks'), { recursive: true });
  writeFileSync(docs('benchmarks', 'results.json'), `${JSON.stringify(finished, null, 2)}\n`);
  for (const { file, title, unit, cost } of CHARTS)
    writeFileSync(docs('benchmarks', file), chart(title, unit, seriesOf(finished, cost)));
}

function writePage(finished: Run): void {
  const page = docs('benchmarks.md');
  writeFileSync(page, intoPage(readFileSync(page, 'utf8'), finished));
  const prettier = join(checkout, 'node_modules', 'prettier', 'bin', 'prettier.cjs');
  execFileSync(process.execPath, [prettier, '--write', '--log-level=warn', docs()]);
}

/** Of the sizes with two endpoints, which differ in nothing else. */
function seriesOf({ figures: all }: Run, cost: (figures: Figures) => number | undefined) {
  const alike = all.filter(({ endpoints }) => endpoints === 2);
  return [OURS, KUBE_PROXY].map(({ name }) => ({
    name,
    points: alike
      .filter(({ proxy }) => proxy === name)
      .flatMap((each) => {
        const value = cost(each);
        return value === undefined ? [] : [{ size: each.services, cost: value }];
      }),
  }));
}
