/**
 * Each family of a real kube-proxy is here as it is there, or has its reason in docs/metrics.md.
 * kubeProxyFamilies.json is made of a scrape of kube-proxy 1.37.2 in ipvs mode, that has synced
 * both families, met an EndpointSlice and answered its probes:
 *
 *     UPDATE_KUBE_PROXY_METRICS=FILE npm run jest -- test/unit/ops/kubeProxyFamilies.test.ts
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { SliMetrics } from '../../../src/ops/sliMetrics.ts';
import { everyMetric } from '../../support/program/everyMetric.ts';
import { familiesIn, type MetricFamily } from '../../support/program/exposition.ts';

const FIXTURE = 'test/unit/ops/kubeProxyFamilies.json';
const PAGE = 'docs/metrics.md';

const SCRAPE = process.env['UPDATE_KUBE_PROXY_METRICS'];
if (SCRAPE !== undefined) {
  const seen = familiesIn(readFileSync(SCRAPE, 'utf8'));
  writeFileSync(FIXTURE, `${JSON.stringify(seen, undefined, 1)}\n`);
}

/** By its source; a scrape shows them once there has been one. */
const NOT_SCRAPED: readonly MetricFamily[] = [
  {
    name: 'kubeproxy_sync_proxy_rules_iptables_restore_failures_total',
    type: 'counter',
    help: '[ALPHA] Cumulative proxy iptables restore failures',
    labels: ['ip_family'],
  },
  {
    name: 'kubeproxy_conntrack_reconciler_deleted_entries_total',
    type: 'counter',
    help: '[ALPHA] Cumulative conntrack flows deleted by conntrack reconciler',
    labels: ['ip_family'],
  },
  {
    name: 'kubeproxy_conntrack_reconciler_sync_duration_seconds',
    type: 'histogram',
    help: '[ALPHA] ReconcileConntrackFlowsLatency latency in seconds',
    labels: ['ip_family'],
    buckets: Array.from({ length: 15 }, (_, i) => 0.001 * 2 ** i),
  },
];

const THEIRS: readonly MetricFamily[] = [
  ...(JSON.parse(readFileSync(FIXTURE, 'utf8')) as MetricFamily[]),
  ...NOT_SCRAPED,
];

/** `| apiserver_* | … |` of the page's table of what is not here. */
const LEFT_OUT = [...readFileSync(PAGE, 'utf8').matchAll(/^\| `(\w+\*?)` +\| not here +\|/gm)].map(
  ([, pattern = '']) => new RegExp(`^${pattern.replace('*', '.*')}$`),
);
const isLeftOut = (name: string) => LEFT_OUT.filter((pattern) => pattern.test(name)).length;

let ours: ReadonlyMap<string, MetricFamily>;
beforeAll(async () => {
  ours = new Map((await everyMetric()).map((family) => [family.name, family]));
});

test.each(THEIRS.map((family) => [family.name, family] as const))('%s', (name, theirs) => {
  const here = ours.get(name);
  expect(here ?? theirs).toEqual(theirs);
  expect(isLeftOut(name)).toBe(here === undefined ? 1 : 0);
});

test('no reason is given for what is here, and none for what kube-proxy has not', () => {
  expect([...ours.keys()].filter(isLeftOut)).toEqual([]);
  for (const pattern of LEFT_OUT)
    expect(THEIRS.filter(({ name }) => pattern.test(name))).not.toEqual([]);
  expect(LEFT_OUT.length).toBeGreaterThan(5);
});

describe('/metrics/slis', () => {
  test('counts the answers of the metrics server', async () => {
    const slis = new SliMetrics();
    slis.pinged();
    slis.pinged();
    const text = await slis.render();
    expect(text).toContain('kubernetes_healthcheck{name="ping",type="healthz"} 1\n');
    expect(text).toMatch(/^kubernetes_healthchecks_total\{.*name="ping".*\} 2$/m);
    expect(familiesIn(text)).toEqual([
      {
        name: 'kubernetes_healthcheck',
        type: 'gauge',
        help: '[STABLE] This metric records the result of a single healthcheck.',
        labels: ['name', 'type'],
      },
      {
        name: 'kubernetes_healthchecks_total',
        type: 'counter',
        help: '[STABLE] This metric records the results of all healthcheck.',
        labels: ['name', 'status', 'type'],
      },
      {
        name: 'process_start_time_seconds',
        type: 'gauge',
        help: '[ALPHA] Start time of the process since unix epoch in seconds.',
        labels: [],
      },
    ]);
  });
});
