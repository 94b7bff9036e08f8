/**
 * All that `/metrics` can show, with a sample of each, for tests of names, labels and pages. Those
 * of features, which would have to run, are read from their code.
 */
import { globSync, readFileSync } from 'node:fs';
import { Registry } from 'prom-client';
import { ConntrackMetrics } from '../../../src/conntrack/shell/conntrackMetrics.ts';
import { FAMILIES } from '../../../src/net/family.ts';
import { Metrics } from '../../../src/ops/metrics.ts';
import { exampleObservation } from './exampleObservation.ts';
import { familiesIn, type MetricFamily } from './exposition.ts';

const VERSION = { gitVersion: 'v1', gitCommit: '', buildDate: '', nodeVersion: '', platform: '' };

export async function everyMetric(): Promise<readonly MetricFamily[]> {
  const metrics = new Metrics({
    families: FAMILIES,
    version: VERSION,
    observe: exampleObservation,
    conditions: () => new Map([['A', 1]]),
  });
  const { kubeproxy, requests } = metrics;
  kubeproxy.syncFinished(1, 1);
  kubeproxy.endpointProgrammed('IPv4', 1);
  metrics.countProbe('healthz', 200);
  metrics.countProbe('livez', 200);
  const done = [{ op: 'createDummyDevice' }] as const;
  const report = { done, failed: [], draining: [], kernelWrites: 1 };
  metrics.applied({ report, repaired: new Map([['device', 1]]) });
  metrics.rounds.round({
    isFull: true,
    durationMs: 1,
    phasesMs: { compile: 1, compare: 1, apply: 1 },
  });
  metrics.rounds.read(1);
  metrics.watches.heard('services', 'BOOKMARK', 1);
  metrics.watches.listed('services', 1);
  metrics.watches.arrived(1);
  const request = { method: 'GET', host: 'a:1' };
  requests.requested({ ...request, code: '200' });
  requests.admitted({ ...request, waitedMs: 1 });
  requests.exchanged({ ...request, durationMs: 1, sentBytes: 1, receivedBytes: 1 });
  const feature = new Registry();
  metrics.include(feature);
  new ConntrackMetrics(feature, FAMILIES).swept('IPv4', 1, 1);
  const shown = familiesIn(await metrics.render());
  const names = new Set(shown.map(({ name }) => name));
  return [...shown, ...definedByFeatures().filter(({ name }) => !names.has(name))];
}

const DEFINITION =
  /new (Counter|Gauge|Histogram|CountedHistogram)(?:<[^>]*>)?\(\{\s*name: '(\w+)',\s*help:\s*'([^']*)',([^}]*)/g;

function definedByFeatures(): readonly MetricFamily[] {
  return globSync('src/*/shell/*.ts').flatMap((file) =>
    Array.from(readFileSync(file, 'utf8').matchAll(DEFINITION), ([, type, name, help, rest]) => {
      const listed = /labelNames: \[([^\]]*)\]/.exec(rest!)?.[1] ?? '';
      const labels = Array.from(listed.matchAll(/'(\w+)'/g), ([, label]) => label!).toSorted();
      const isHistogram = type!.endsWith('Histogram');
      return {
        name: name!,
        type: isHistogram ? 'histogram' : type!.toLowerCase(),
        help: help!,
        labels,
      };
    }),
  );
}
