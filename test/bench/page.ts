/** What a run found, as the tables of docs/benchmarks.md. Pure. */
import { type Figures, growth, type Run } from './figures.ts';
import { pathTable } from './paths.ts';

interface Figure {
  readonly title: string;
  readonly digits: number;
  /** undefined where it was not measured */
  readonly cost: (figures: Figures) => number | undefined;
}

const seconds = (ms: number | undefined) => (ms === undefined ? undefined : ms / 1000);

const FIGURES: readonly Figure[] = [
  { title: 'start → virtual servers (s)', digits: 1, cost: (each) => each.serversMs / 1000 },
  { title: 'start → first sync (s)', digits: 1, cost: (each) => each.firstSyncMs / 1000 },
  { title: 'change, median (ms)', digits: 1, cost: ({ change }) => change?.p50 },
  { title: 'change, p99 (ms)', digits: 1, cost: ({ change }) => change?.p99 },
  { title: 'CPU a change (ms)', digits: 1, cost: ({ changeCpuMs }) => changeCpuMs },
  { title: 'idle CPU (%)', digits: 1, cost: ({ idlePercent }) => idlePercent },
  { title: 'resident (MiB)', digits: 0, cost: ({ residentMiB }) => residentMiB },
  { title: 'peak of the start (MiB)', digits: 0, cost: ({ peakMiB }) => peakMiB },
  { title: 'restart → first sync (s)', digits: 1, cost: ({ restartMs }) => seconds(restartMs) },
  { title: 'writes of it', digits: 0, cost: ({ restartWrites }) => restartWrites },
  { title: 'changes', digits: 0, cost: ({ change }) => change?.count },
];

/** Besides, which the full run measures and a quick one does not. */
const MORE: readonly Figure[] = [
  { title: 'start → API server and DNS (s)', digits: 1, cost: (each) => seconds(each.criticalMs) },
  { title: 'of it after the lists (ms)', digits: 0, cost: (each) => each.criticalAfterListsMs },
  { title: 'Service created, median (ms)', digits: 1, cost: ({ create }) => create?.p50 },
  { title: 'p99', digits: 1, cost: ({ create }) => create?.p99 },
  { title: '1,000 endpoints replaced, median (ms)', digits: 0, cost: (each) => each.replace?.p50 },
  { title: 'change in a burst of 300, median (ms)', digits: 1, cost: ({ burst }) => burst?.p50 },
  { title: 'p99', digits: 1, cost: ({ burst }) => burst?.p99 },
  { title: 'change at a rate of (1/s)', digits: 0, cost: ({ ratePerSec }) => ratePerSec },
  { title: 'median (ms)', digits: 1, cost: ({ rate }) => rate?.p50 },
  { title: 'p99', digits: 1, cost: ({ rate }) => rate?.p99 },
  { title: 'CPU (%)', digits: 0, cost: ({ rateCpuPercent }) => rateCpuPercent },
  { title: 'change in an audit, median (ms)', digits: 1, cost: ({ audit }) => audit?.p50 },
  { title: 'p99', digits: 1, cost: ({ audit }) => audit?.p99 },
  { title: 'audit (ms)', digits: 0, cost: ({ auditMs }) => auditMs },
  {
    title: 'longest turn of the event loop (ms, at most)',
    digits: 0,
    cost: (each) => each.auditTurnMs,
  },
];

export const CHARTS = [
  { file: 'start.svg', title: 'Start until the first sync is complete', unit: 's', at: 1 },
  { file: 'change.svg', title: 'An endpoint change until the kernel has it', unit: 'ms', at: 2 },
  { file: 'memory.svg', title: 'Resident memory', unit: 'MiB', at: 6 },
].map(({ at, ...each }) => ({ ...each, cost: FIGURES[at]!.cost }));

/** Of proxies at work. Markdown. */
export function tables(run: Run): string {
  const { figures } = run;
  return [
    ...origin(run),
    ...table(FIGURES, figures),
    ...table(MORE, figures),
    ...ratios(figures),
    ...growths(figures),
  ].join('\n');
}

/** Of the data path. Markdown. */
export function paths(run: Run): string {
  return [...origin(run), ...pathTable(run.paths ?? [])].join('\n');
}

function origin({ date, command, machine, versions }: Run): readonly string[] {
  const of = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [`\`${command}\`, ${date}: ${of.join(', ')}; ${machine}.`, ''];
}

/** Without columns that nobody has a number in. */
function table(columns: readonly Figure[], figures: readonly Figures[]): readonly string[] {
  const shown = columns.filter(({ cost }) => figures.some((each) => cost(each) !== undefined));
  return [
    row(['Services × endpoints', 'proxy', ...shown.map(({ title }) => title)]),
    row(['---', '---', ...shown.map(() => '---:')]),
    ...figures.map((each) =>
      row([sizeOf(each), each.proxy, ...shown.map((one) => text(one, each))]),
    ),
    '',
  ];
}

function text({ cost, digits }: Figure, figures: Figures): string {
  return cost(figures)?.toFixed(digits) ?? '';
}

function sizeOf({ services, endpoints }: Figures): string {
  return `${services.toLocaleString('en')} × ${endpoints.toLocaleString('en')}`;
}

/** What has a unit is a cost; a count of changes is none. */
const COSTS = FIGURES.filter(({ title }) => title.endsWith(')'));

/** Of the second proxy to the first, where there are two of a size. */
function ratios(figures: readonly Figures[]): readonly string[] {
  const pairs = [...Map.groupBy(figures, sizeOf)].filter(([, both]) => both.length === 2);
  if (pairs.length === 0) return [];
  const [first, second] = pairs[0]![1];
  return [
    `${second!.proxy} : ${first!.proxy}`,
    '',
    row(['Services × endpoints', ...COSTS.map(({ title }) => title.replace(/ \(.*/, ''))]),
    row(['---', ...COSTS.map(() => '---:')]),
    ...pairs.map(([size, [one, other]]) =>
      row([size, ...COSTS.map(({ cost }) => ratio(cost(other!), cost(one!)))]),
    ),
    '',
  ];
}

function ratio(over: number | undefined, under: number | undefined): string {
  return over === undefined || under === undefined || under === 0
    ? ''
    : (over / under).toPrecision(2);
}

/** Over the sizes that differ in the number of Services alone. */
function growths(figures: readonly Figures[]): readonly string[] {
  const alike = figures.filter(({ endpoints }) => endpoints === 2);
  const lines = [...Map.groupBy(alike, ({ proxy }) => proxy)].flatMap(([proxy, of]) => {
    const powers = COSTS.flatMap(({ title, cost }) => {
      const points = of.map((each) => ({ size: each.services, cost: cost(each) ?? 0 }));
      const power = growth(points.filter((point) => point.cost > 0));
      return power === undefined ? [] : [`${title.replace(/ \(.*/, '')} ${power.toFixed(2)}`];
    });
    return powers.length === 0 ? [] : [`- ${proxy}: ${powers.join(', ')}`];
  });
  if (lines.length === 0) return [];
  return [
    'Growth, as the power of the number of Services (0: none, 1: in proportion):',
    '',
    ...lines,
    '',
  ];
}

function row(cells: readonly (string | number)[]): string {
  return `| ${cells.join(' | ')} |`;
}

/** @param part its name in the marks @throws when the page has lost them */
function intoPart(page: string, part: string, content: string): string {
  const [begin, end] = [`<!-- ${part}: begin -->`, `<!-- ${part}: end -->`];
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`no ${begin} … ${end} in the page`);
  return `${page.slice(0, from)}${begin}\n\n${content}\n\n${page.slice(to)}`;
}

/** Replaces what the page has of what the run has measured. */
export function intoPage(page: string, run: Run): string {
  const charts = CHARTS.map(({ file, title }) => `![${title}](benchmarks/${file})`).join('\n');
  const tabled =
    run.figures.length === 0 ? page : intoPart(page, 'bench', `${tables(run)}\n${charts}`);
  return run.paths === undefined ? tabled : intoPart(tabled, 'datapath', paths(run));
}
