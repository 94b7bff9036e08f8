/**
 * A histogram whose counts somebody else keeps: prom-client's own one takes single observations
 * only, of which a thread that answers the network has thousands a second.
 */
import type { Histogram, Registry } from 'prom-client';
import { DURATION_BOUNDS, type DurationCounts } from '../responder/durations.ts';

export interface CountedHistogramOptions {
  readonly name: string;
  readonly help: string;
  readonly registers: readonly Registry[];
  /** as they are now */
  readonly counts: () => Promise<DurationCounts>;
}

export class CountedHistogram implements Pick<Histogram, 'get'> {
  /** by which a registry knows it */
  readonly name: string;
  readonly #options: CountedHistogramOptions;

  constructor(options: CountedHistogramOptions) {
    this.name = options.name;
    this.#options = options;
    // All that a registry asks of a metric is its name and `get`.
    for (const register of options.registers) register.registerMetric(this as unknown as Histogram);
  }

  async get(): ReturnType<Histogram['get']> {
    const { name, help, counts } = this.#options;
    const values = samplesOf(name, await counts());
    return { name, help, type: 'histogram' as never, aggregator: 'sum', collect: nothing, values };
  }
}

const nothing = () => undefined;

function samplesOf(name: string, { counts, sum }: DurationCounts) {
  let total = 0;
  const buckets = [...DURATION_BOUNDS, '+Inf'].map((le, i) => {
    total += counts[i] ?? 0;
    return { metricName: `${name}_bucket`, labels: { le }, value: total };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels: {}, value: sum },
    { metricName: `${name}_count`, labels: {}, value: total },
  ];
}
