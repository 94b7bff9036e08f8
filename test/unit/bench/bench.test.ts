import { describe, expect, test } from '@jest/globals';
import { chart } from '../../bench/chart.ts';
import { type Figures, growth, quantile, type Run } from '../../bench/figures.ts';
import { benchSlice, lastAddress } from '../../bench/objects.ts';
import { intoPage, tables } from '../../bench/page.ts';

describe('the objects', () => {
  test.each([
    { services: 7, endpoints: 2 },
    { services: 3, endpoints: 1_000 },
    { services: 300, endpoints: 1 },
  ])('of $services × $endpoints have each address once, moved ones too', (size) => {
    const seen = new Set<string>();
    let count = 0;
    for (let index = 0; index < size.services; index++) {
      const { endpoints } = benchSlice(index, size) as unknown as {
        endpoints: readonly { readonly addresses: readonly string[] }[];
      };
      for (const { addresses } of endpoints) seen.add(addresses[0]!);
      count += size.endpoints;
      for (let moves = 1; moves <= 4; moves++, count++)
        seen.add(lastAddress(benchSlice(index, size, moves)));
    }
    expect(seen.size).toBe(count);
  });
});

test('a quantile is one of the numbers', () => {
  const numbers = [5, 1, 4, 2, 3];
  expect([0, 0.5, 0.99, 1].map((share) => quantile(numbers, share))).toEqual([1, 3, 5, 5]);
});

describe('growth', () => {
  const points = (cost: (size: number) => number) =>
    [100, 1_000, 10_000].map((size) => ({ size, cost: cost(size) }));

  test.each([
    ['constant', () => 7, 0],
    ['in proportion', (size: number) => 3 * size, 1],
    ['with the square', (size: number) => size ** 2 / 10, 2],
  ])('%s', (_, cost, power) => {
    expect(growth(points(cost))).toBeCloseTo(power, 10);
  });

  test('needs two sizes', () => {
    expect(growth([{ size: 5, cost: 1 }])).toBeUndefined();
  });
});

function figures(proxy: string, services: number, factor: number): Figures {
  return {
    proxy,
    services,
    endpoints: 2,
    serversMs: services * factor,
    firstSyncMs: services * factor,
    change: { count: 20, p50: 5 * factor, p99: 9 * factor },
    changeCpuMs: 3 * factor,
    idlePercent: 0,
    residentMiB: 80,
    peakMiB: 90,
    restartMs: 1_500,
  };
}

const RUN: Run = {
  date: '2026-11-30',
  command: 'npm run bench',
  versions: { 'kube-ipvs': 'abc', 'kube-proxy': 'v1.37.2' },
  machine: '2 CPUs',
  figures: [
    figures('kube-ipvs', 100, 1),
    figures('kube-proxy', 100, 40),
    figures('kube-ipvs', 1_000, 1),
  ],
};

test('the tables have a line a run, ratios where there are two, and growth', () => {
  const text = tables(RUN);
  expect(text).toContain('`npm run bench`, 2026-11-30: kube-ipvs abc, kube-proxy v1.37.2; 2 CPUs.');
  const change = '5.0 | 9.0 | 3.0 | 0.0 | 80 | 90 | 1.5 | 20 |';
  expect(text).toContain(`| 100 × 2 | kube-ipvs | 0.1 | 0.1 | ${change}`);
  expect(text).toContain(`| 1,000 × 2 | kube-ipvs | 1.0 | 1.0 | ${change}`);
  // Nothing to divide by where ours needed none.
  expect(text).toContain('| 100 × 2 | 40 | 40 | 40 | 40 | 40 |  | 1.0 | 1.0 | 1.0 |');
  expect(text).toContain(
    '- kube-ipvs: start → virtual servers 1.00, start → first sync 1.00, change',
  );
  expect(text).not.toContain('- kube-proxy');
});

test('a page keeps what is around its tables', () => {
  const page = 'before\n<!-- bench: begin -->\nold\n<!-- bench: end -->\nafter\n';
  const made = intoPage(page, RUN);
  expect(made).toMatch(/^before\n<!-- bench: begin -->\n[^]*<!-- bench: end -->\nafter\n$/);
  expect(made).not.toContain('old');
  expect(intoPage(made, RUN)).toBe(made);
  expect(() => intoPage('no marks', RUN)).toThrow('bench: begin');
});

test('a chart draws a line a proxy, what grows in proportion the steepest', () => {
  const series = [
    { name: 'a < b', points: [1, 10, 100].map((size) => ({ size, cost: size })) },
    { name: 'flat', points: [1, 10, 100].map((size) => ({ size, cost: 5 })) },
    { name: 'none', points: [] },
  ];
  const svg = chart('Start', 'ms', series);
  const lines = Array.from(svg.matchAll(/<polyline points="([^"]*)"/g), ([, points]) =>
    points!.split(' ').map((point) => point.split(',').map(Number)),
  );
  expect(lines).toHaveLength(2);
  const [steep, flat] = lines;
  expect(new Set(flat!.map(([, y]) => y)).size).toBe(1);
  const ys = steep!.map(([, y]) => y!);
  expect(ys[0]! - ys[1]!).toBeCloseTo(ys[1]! - ys[2]!, 0);
  expect(svg).toContain('>a &lt; b</text>');
  expect(svg).not.toContain('none<');
});
