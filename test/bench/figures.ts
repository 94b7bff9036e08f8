/** What a run of the benchmark has found, and how it grows with the cluster. Pure. */
import type { Size } from './objects.ts';

/** Of one proxy at one size; times in ms. */
export interface Figures extends Size {
  readonly proxy: string;
  /** from the start of the process until the kernel has every virtual server */
  readonly serversMs: number;
  readonly firstSyncMs: number;
  /** from the API server's answer until the kernel has it */
  readonly change: { readonly count: number; readonly p50: number; readonly p99: number };
  /** audits that fall among the changes included */
  readonly changeCpuMs: number;
  readonly idlePercent: number;
  readonly residentMiB: number;
  readonly peakMiB: number;
  /** with nothing changed */
  readonly restartMs: number;
  /** undefined where the proxy does not tell */
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
