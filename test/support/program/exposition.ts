/** Metrics in Prometheus' text form, read back as families: what a dashboard depends on. */

export interface MetricFamily {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  /** sorted, without `le` */
  readonly labels: readonly string[];
  /** of a histogram, without +Inf */
  readonly buckets?: readonly number[];
}

/** Labels and buckets are those of its samples: a family without any seems to have none. */
export function familiesIn(text: string): readonly MetricFamily[] {
  const lines = text.split('\n');
  const helps = [...text.matchAll(/^# HELP (\S+) (.*)$/gm)];
  return helps.map(([, name = '', help = '']) => {
    const type = new RegExp(`^# TYPE ${name} (\\S+)$`, 'm').exec(text)?.[1] ?? '';
    const parts = type === 'histogram' ? '(?:_bucket|_sum|_count)' : '';
    const sample = new RegExp(`^${name}${parts}(?:\\{(.*)\\})? \\S+$`);
    const samples = lines.flatMap((line) => {
      const found = sample.exec(line);
      return found === null ? [] : [labelsOf(found[1] ?? '')];
    });
    const labels = [...new Set(samples.flatMap((each) => [...each.keys()]))]
      .filter((label) => label !== 'le')
      .toSorted();
    const buckets = [...new Set(samples.map((each) => Number(each.get('le'))))].filter(
      Number.isFinite,
    );
    return { name, type, help, labels, ...(type === 'histogram' ? { buckets } : {}) };
  });
}

function labelsOf(text: string): ReadonlyMap<string, string> {
  const pairs = [...text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)];
  return new Map(pairs.map(([, name = '', value = '']) => [name, value]));
}
