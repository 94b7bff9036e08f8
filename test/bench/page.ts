/** What a run found, as the tables of docs/benchmarks.md. Pure. */
import { type Figures, growth, type Run } from './figures.ts';

interface Figure {
  readonly title: string;
  readonly digits: number;
  readonly cost: (figures: Figures) => number;
}

const FIGURES: readonly Figure[] = [
  { title: 'start → virtual servers (s)', digits: 1, cost: (each) => each.serversMs / 1000 },
  { title: 'start → first sync (s)', digits: 1, cost: (each) => each.firstSyncMs / 1000 },
  { title: 'change, median (ms)', digits: 1, cost: ({ change }) => change.p50 },
  { title: 'change, p99 (ms)', digits: 1, cost: ({ change }) => change.p99 },
  { title: 'CPU a change (ms)', digits: 1, cost: ({ changeCpuMs }) => changeCpuMs },
  { title: 'idle CPU (%)', digits: 1, cost: ({ idlePercent }) => idlePercent },
  { title: 'resident (MiB)', digits: 0, cost: ({ residentMiB }) => residentMiB },
  { title: 'peak (MiB)', digits: 0, cost: ({ peakMiB }) => peakMiB },
  { title: 'restart → first sync (s)', digits: 1, cost: ({ restartMs }) => restartMs / 1000 },
];

export const CHARTS = [
  { file: 'start.svg', title: 'Start until the first sync is complete', unit: 's', at: 1 },
  { file: 'change.svg', title: 'An endpoint change until the kernel has it', unit: 'ms', at: 2 },
  { file: 'memory.svg', title: 'Resident memory', unit: 'MiB', at: 6 },
].map(({ at, ...each }) => ({ ...each, cost: FIGURES[at]!.cost }));

/** Markdown. */
export function tables(run: Run): string {
  const { figures, date, command, machine, versions } = run;
  const of = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    `\`${command}\`, ${date}: ${of.join(', ')}; ${machine}.`,
    '',
    row(['Services × endpoints', 'proxy', ...FIGURES.map(({ title }) => title), 'changes']),
    row(['---', '---', ...FIGURES.map(() => '---:'), '---:']),
    ...figures.map((each) =>
      row([
        sizeOf(each),
        each.proxy,
        ...FIGURES.map((figure) => text(figure, each)),
        each.change.count,
      ]),
    ),
    '',
    ...ratios(figures),
    ...growths(figures),
  ].join('\n');
}

function text({ cost, digits }: Figure, figures: Figures): string {
  return cost(figures).toFixed(digits);
}

function sizeOf({ services, endpoints }: Figures): string {
  return `${services.toLocaleString('en')} × ${endpoints.toLocaleString('en')}`;
}

/** Of the second proxy to the first, where there are two of a size. */
function ratios(figures: readonly Figures[]): readonly string[] {
  const pairs = [...Map.groupBy(figures, sizeOf)].filter(([, both]) => both.length === 2);
  if (pairs.length === 0) return [];
  const [first, second] = pairs[0]![1];
  return [
    `${second!.proxy} : ${first!.proxy}`,
    '',
    row(['Services × endpoints', ...FIGURES.map(({ title }) => title.replace(/ \(.*/, ''))]),
    row(['---', ...FIGURES.map(() => '---:')]),
    ...pairs.map(([size, [one, other]]) =>
      row([size, ...FIGURES.map(({ cost }) => ratio(cost(other!), cost(one!)))]),
    ),
    '',
  ];
}

function ratio(over: number, under: number): string {
  return under === 0 ? '' : (over / under).toPrecision(2);
}

/** Over the sizes that differ in the number of Services alone. */
function growths(figures: readonly Figures[]): readonly string[] {
  const alike = figures.filter(({ endpoints }) => endpoints === 2);
  const lines = [...Map.groupBy(alike, ({ proxy }) => proxy)].flatMap(([proxy, of]) => {
    const powers = FIGURES.flatMap(({ title, cost }) => {
      const points = of.map((each) => ({ size: each.services, cost: cost(each) }));
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

const BEGIN = '<!-- bench: begin -->';
const END = '<!-- bench: end -->';

/** @throws when the page has lost the marks between which the tables stand */
export function intoPage(page: string, run: Run): string {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`no ${BEGIN} … ${END} in the page`);
  const charts = CHARTS.map(({ file, title }) => `![${title}](benchmarks/${file})`).join('\n');
  const made = `${BEGIN}\n\n${tables(run)}\n${charts}\n\n`;
  return page.slice(0, from) + made + page.slice(to);
}
