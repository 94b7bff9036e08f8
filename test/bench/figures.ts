/** What a run of the benchmark has found, and how it grows with the cluster. Pure. */
import type { Size } from './objects.ts';
import type { Path } from './paths.ts';

/** In ms, from the API server's answer until the kernel has it. */
export interface Latency {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
}

/** Of one proxy at one size; times in ms. What was not asked for, or is not told, is missing. */
export interface Figures extends Size {
  readonly proxy: string;
  /** from the start of the process until the kernel has every virtual server */
  readonly serversMs: number;
  readonly firstSyncMs: number;
  /** from the start of the process until default/kubernetes and cluster DNS are complete */
  readonly criticalMs: number;
  /** the same from when the process had listed everything */
  readonly criticalAfterListsMs?: number;
  /** while it started */
  readonly peakMiB: number;
  readonly change?: Latency;
  /** audits that fall among the changes included */
  readonly changeCpuMs?: number;
  readonly create?: Latency;
  /** of 1,000 endpoints */
  readonly replace?: Latency;
  /** among hundreds of changes of others */
  readonly burst?: Latency;
  /** under a steady rate of changes of others */
  readonly rate?: Latency;
  /** what came about of that rate, for the API server may be too slow */
  readonly ratePerSec?: number;
  readonly rateCpuPercent?: number;
  readonly idlePercent?: number;
  readonly residentMiB?: number;
  /** while everything is being compared */
  readonly audit?: Latency;
  /** mean, of reading and comparing */
  readonly auditMs?: number;
  /** no turn of the event loop was longer among those audits: bound of a class of the histogram */
  readonly auditTurnMs?: number;
  /** with nothing changed */
  readonly restartMs?: number;
  readonly restartWrites?: number;
}

export interface Run {
  /** `2026-11-30` */
  readonly date: string;
  readonly command: string;
  /** of the product and of kube-proxy */
  readonly versions: Readonly<Record<string, string>>;
  readonly machine: string;
  readonly figures: readonly Figures[];
  /** of the data path, where it was measured */
  readonly paths?: readonly Path[];
}

export function latency(times: readonly number[]): Latency {
  return { count: times.length, p50: quantile(times, 0.5), p99: quantile(times, 0.99) };
}

/** @param share of the numbers that are not larger */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

/**
 * The power of the size with which a cost grows: 0 is none, 1 in proportion.
 *
 * @returns slope of the line of least squares through the logarithms; undefined for less than two
 *   sizes
 */
export function growth(
  points: readonly { readonly size: number; readonly cost: number }[],
): number | undefined {
  if (new Set(points.map(({ size }) => size)).size < 2) return undefined;
  const xs = points.map(({ size }) => Math.log(size));
  const ys = points.map(({ cost }) => Math.log(cost));
  const mean = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(xs), mean(ys)];
  const above = xs.reduce((sum, each, i) => sum + (each - x) * (ys[i]! - y), 0);
  const below = xs.reduce((sum, each) => sum + (each - x) ** 2, 0);
  return above / below;
}

/** Upper bounds of a histogram of Prometheus with how many were not above each. */
export type Buckets = ReadonlyMap<number, number>;

/** Of a text of `/metrics`; of one series. */
export function bucketsOf(metrics: string, name: string): Buckets {
  const lines = metrics.matchAll(new RegExp(`^${name}_bucket\\{le="([^"]+)"\\} (\\S+)$`, 'gm'));
  return new Map(
    Array.from(lines, ([, le, count]) => [le === '+Inf' ? Infinity : Number(le), Number(count)]),
  );
}

/**
 * The bound that none of those exceeded that came between two looks at a histogram, although each
 * look is counted too: three looks, of which the first two follow at once.
 *
 * @returns 0 when nothing came
 */
export function longestBetween([first, second, third]: readonly [
  Buckets,
  Buckets,
  Buckets,
]): number {
  let longest = 0;
  const [looks, all] = [apart(first, second), apart(second, third)];
  for (const [bound, count] of all) if (count > looks.get(bound)!) longest = bound;
  return longest;
}

/** How many came into each class between two looks. */
function apart(before: Buckets, after: Buckets): ReadonlyMap<number, number> {
  let below = 0;
  return new Map(
    [...after].map(([bound, count]) => {
      const grown = count - (before.get(bound) ?? 0);
      const own = grown - below;
      below = grown;
      return [bound, own];
    }),
  );
}

/**
 * Of what a histogram took between two texts of `/metrics`.
 *
 * @param labels `{scope="all"}`, or '' for a histogram of one series
 */
export function meanBetween(
  [before, after]: readonly [string, string],
  name: string,
  labels = '',
): number {
  const grown = (what: string) =>
    sample(after, `${name}_${what}${labels}`) - sample(before, `${name}_${what}${labels}`);
  return grown('sum') / grown('count');
}

function sample(metrics: string, series: string): number {
  const line = metrics.split('\n').find((each) => each.startsWith(`${series} `));
  return Number(line?.slice(series.length + 1));
}

const LONGEST_START_MS = 3_600_000;

/**
 * When a proxy of ours had listed everything, as its log says.
 *
 * @param fromMs wall time; what the log tells of before is another process'
 * @returns wall time in ms; undefined when it does not tell
 */
export function listedAt(log: string, fromMs: number): number | undefined {
  const lines = log.matchAll(
    /^I(\d\d)(\d\d) (\d\d):(\d\d):(\d\d)\.(\d{3}).*"all objects listed"/gm,
  );
  const year = new Date(fromMs).getFullYear();
  for (const [, ...parts] of lines) {
    const [month, ...rest] = parts.map(Number) as [number, number, number, number, number, number];
    // No year is in the log, and one may end meanwhile.
    const times = [year, year + 1].map((each) => new Date(each, month - 1, ...rest).getTime());
    const atMs = times.find((time) => time >= fromMs && time < fromMs + LONGEST_START_MS);
    if (atMs !== undefined) return atMs;
  }
  return undefined;
}
