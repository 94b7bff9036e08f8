/** What the data path of a proxy costs, as figures and as a table. Pure. */

import { quantile } from './figures.ts';

export interface Speed {
  /** with many at once */
  readonly connectionsPerSec: number;
  /** one after the other: from connect until the answer is there, in µs */
  readonly answerUs: { readonly p50: number; readonly p99: number };
  /** of one connection */
  readonly mibPerSec: number;
}

export interface Path extends Speed {
  readonly proxy: string;
  readonly services: number;
  /**
   * rules of iptables that a packet is held against: the first one of a flow, and each later one
   */
  readonly rules: { readonly first: number; readonly later: number };
}

/** Of several, each figure by itself. */
export function median(speeds: readonly Speed[]): Speed {
  const middle = (figure: (speed: Speed) => number) => quantile(speeds.map(figure), 0.5);
  return {
    connectionsPerSec: middle(({ connectionsPerSec }) => connectionsPerSec),
    answerUs: {
      p50: middle(({ answerUs }) => answerUs.p50),
      p99: middle(({ answerUs }) => answerUs.p99),
    },
    mibPerSec: middle(({ mibPerSec }) => mibPerSec),
  };
}

/** Of one line of test/lab/strain.c: `name=number …`. @throws for any other text */
export function countsOf(line: string): Readonly<Record<string, number>> {
  const pairs = line
    .trim()
    .split(' ')
    .map((word) => word.split('='));
  const counts = Object.fromEntries(pairs.map(([name = '', value]) => [name, Number(value)]));
  if (Object.values(counts).some(Number.isNaN)) throw new Error(`no counts: ${line}`);
  return counts;
}

/** Markdown. */
export function pathTable(paths: readonly Path[]): readonly string[] {
  return [
    '| Services | proxy | connections a second | answer, median (ms) | p99 | MiB/s | rules: first packet of a flow | later ones |',
    '| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...paths.map(({ services, proxy, connectionsPerSec, answerUs, mibPerSec, rules }) => {
      const cells = [
        services.toLocaleString('en'),
        proxy,
        connectionsPerSec.toFixed(0),
        (answerUs.p50 / 1000).toFixed(2),
        (answerUs.p99 / 1000).toFixed(2),
        mibPerSec.toFixed(0),
        rules.first.toFixed(1),
        rules.later.toFixed(1),
      ];
      return `| ${cells.join(' | ')} |`;
    }),
    '',
  ];
}
