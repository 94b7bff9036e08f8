import { describe, expect, test } from '@jest/globals';
import { chart } from '../../bench/chart.ts';
import {
  bucketsOf,
  type Figures,
  growth,
  latency,
  listedAt,
  longestBetween,
  meanBetween,
  quantile,
  type Run,
} from '../../bench/figures.ts';
import {
  benchSlice,
  CROWD,
  crowdNet,
  crowdSlice,
  lastAddress,
  lateService,
} from '../../bench/objects.ts';
import { intoPage, paths, tables } from '../../bench/page.ts';
import { countsOf, median, type Path } from '../../bench/paths.ts';
import type { ClusterObject } from '../../support/e2e/clusterObjects.ts';

const addressesOf = (slice: ClusterObject) =>
  (slice['endpoints'] as readonly { readonly addresses: readonly string[] }[]).map(
    ({ addresses }) => addresses[0]!,
  );

describe('the objects', () => {
  test.each([
    { services: 7, endpoints: 2 },
    { services: 3, endpoints: 1_000 },
    { services: 300, endpoints: 1 },
  ])('of $services × $endpoints have each address once, moved ones too', (size) => {
    const seen = new Set<string>();
    let count = 0;
    for (let index = 0; index < size.services; index++) {
      for (const address of addressesOf(benchSlice(index, size))) seen.add(address);
      count += size.endpoints;
      for (let moves = 1; moves <= 4; moves++, count++)
        seen.add(lastAddress(benchSlice(index, size, moves)));
    }
    expect(seen.size).toBe(count);
  });

  test('of a crowd are all others in the next generation', () => {
    const [one, next] = [0, 1].map((generation) => addressesOf(crowdSlice(generation)));
    expect(new Set([...one!, ...next!]).size).toBe(2 * CROWD);
    expect(next!.every((address) => address.startsWith(crowdNet(1)))).toBe(true);
  });

  test('that come late have an endpoint of their own', () => {
    const slices = Array.from({ length: 300 }, (_, number) => lateService(number)[1]);
    expect(new Set(slices.flatMap(addressesOf)).size).toBe(300);
  });
});

test('a quantile is one of the numbers', () => {
  const numbers = [5, 1, 4, 2, 3];
  expect([0, 0.5, 0.99, 1].map((share) => quantile(numbers, share))).toEqual([1, 3, 5, 5]);
});

test('a latency is told by its median and by what few exceed', () => {
  const times = Array.from({ length: 200 }, (_, n) => n + 1);
  expect(latency(times)).toEqual({ count: 200, p50: 101, p99: 199 });
});

describe('a histogram of the product', () => {
  const text = (counts: readonly number[], sum: number) =>
    ['0.01', '0.03', '0.1', '+Inf']
      .map((le, i) => `turns_bucket{le="${le}"} ${counts[i]}`)
      .concat(`turns_sum ${sum}`, `turns_count ${counts[3]}`, 'turns_count{of="a"} 7', '')
      .join('\n');
  const buckets = (...counts: readonly number[]) => bucketsOf(text(counts, 0), 'turns');

  test('is read from /metrics', () => {
    const read = buckets(1, 2, 3, 4);
    expect([...read]).toEqual([
      [0.01, 1],
      [0.03, 2],
      [0.1, 3],
      [Infinity, 4],
    ]);
  });

  test('tells the longest, looks at it apart', () => {
    // A look takes up to 0.1 s, and is seen by the next.
    const [first, second] = [buckets(5, 5, 5, 5), buckets(5, 5, 6, 6)];
    expect(longestBetween([first, second, buckets(50, 51, 53, 53)])).toBe(0.03);
    expect(longestBetween([first, second, buckets(50, 51, 54, 54)])).toBe(0.1);
    expect(longestBetween([first, second, buckets(5, 5, 7, 8)])).toBe(Infinity);
    expect(longestBetween([first, second, buckets(5, 5, 7, 7)])).toBe(0);
  });

  test('tells the mean of what came between', () => {
    expect(meanBetween([text([0, 0, 0, 2], 5), text([0, 0, 0, 6], 6)], 'turns')).toBe(0.25);
    const labelled = 'd_sum{scope="all"} 3\nd_count{scope="all"} 4\nd_count{scope="some"} 9\n';
    const nothing = labelled.replaceAll(/\d$/gm, '0');
    expect(meanBetween([nothing, labelled], 'd', '{scope="all"}')).toBe(0.75);
  });
});

test('when a proxy had listed everything is read from the log of this process', () => {
  const line = (time: string) => `I1130 ${time} 7 reporter.ts:143] "all objects listed" nodes=1\n`;
  const at = (time: string) => new Date(`2026-11-30T${time}`).getTime();
  const log = `${line('12:00:00.500000')}I1130 12:00:09.000000 7 x.ts:1] "x"\n${line('12:00:11.250000')}`;
  expect(listedAt(log, at('12:00:10.000'))).toBe(at('12:00:11.250'));
  expect(listedAt(log, at('12:00:12.000'))).toBeUndefined();
});

test('midnight and the end of a year are nothing special to it', () => {
  const line = (date: string, time: string) =>
    `I${date} ${time}.250000 7 x.ts:1] "all objects listed"\n`;
  const log = line('1231', '23:58:00') + line('0101', '00:00:02');
  const begun = new Date('2026-12-31T23:59:59').getTime();
  expect(listedAt(log, begun)).toBe(begun + 3250);
  // Of a process that ran the evening before.
  const night = new Date('2026-12-01T00:05:00').getTime();
  expect(listedAt(line('1130', '23:58:00') + line('1201', '00:05:01'), night)).toBe(night + 1250);
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
    criticalMs: 400,
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

test('what was not measured has no column, and what one proxy does not tell no number', () => {
  const [ours, other] = [figures('kube-ipvs', 100, 1), figures('kube-proxy', 100, 2)];
  const { change: _, ...unchanged } = ours;
  expect(tables({ ...RUN, figures: [unchanged] })).not.toContain('change, median');
  const text = tables({ ...RUN, figures: [{ ...ours, rate: latency([7]), auditMs: 250 }, other] });
  expect(text).toContain(
    '| Services × endpoints | proxy | start → API server and DNS (s) | median (ms) | p99 | audit (ms) |',
  );
  expect(text).toContain('| 100 × 2 | kube-ipvs | 0.4 | 7.0 | 7.0 | 250 |');
  expect(text).toContain('| 100 × 2 | kube-proxy | 0.4 |  |  |  |');
});

const PATH: Path = {
  proxy: 'kube-ipvs',
  services: 10_000,
  connectionsPerSec: 1234.5,
  answerUs: { p50: 810, p99: 2_500 },
  mibPerSec: 300,
  rules: { first: 16.5, later: 4 },
};

test('the data path has a table of its own', () => {
  const text = paths({ ...RUN, paths: [PATH] });
  expect(text).toContain('| 10,000 | kube-ipvs | 1235 | 0.81 | 2.50 | 300 | 16.5 | 4.0 |');
});

test('of several rounds each figure is the middle one', () => {
  const round = (n: number) => ({
    connectionsPerSec: n,
    answerUs: { p50: 10 - n, p99: 2 * n },
    mibPerSec: n * n,
  });
  expect(median([1, 5, 3].map(round))).toEqual(round(3));
});

test('what strain.c prints is read, and nothing else', () => {
  expect(countsOf('bytes=5 us=100\n')).toEqual({ bytes: 5, us: 100 });
  expect(() => countsOf('strain: connect: refused')).toThrow('no counts: strain');
});

test('a page keeps what is around its tables, and what was not measured', () => {
  const part = (name: string) => `<!-- ${name}: begin -->\nold ${name}\n<!-- ${name}: end -->\n`;
  const page = `before\n${part('bench')}between\n${part('datapath')}after\n`;
  const made = intoPage(page, RUN);
  expect(made).toMatch(/^before\n<!-- bench: begin -->\n[^]*<!-- bench: end -->\nbetween\n/);
  expect(made).toMatch(/between\n<!-- datapath: begin -->\nold datapath\n[^]*\nafter\n$/);
  expect(made).not.toContain('old bench');
  expect(intoPage(made, RUN)).toBe(made);
  const paved = intoPage(page, { ...RUN, figures: [], paths: [PATH] });
  expect(paved).toContain('old bench');
  expect(paved).not.toContain('old datapath');
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
