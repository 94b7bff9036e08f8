import { Counter, Registry } from 'prom-client';
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { ApplyReport, ServerSpec } from '../../../src/dataplane/operations.ts';
import { Metrics } from '../../../src/ops/metrics.ts';
import type { Observation } from '../../../src/ops/stateMetrics.ts';
import { exampleObservation } from '../../support/program/exampleObservation.ts';

const version = {
  gitVersion: 'v1.2.3',
  gitCommit: 'abc',
  buildDate: '2026-11-24T00:00:00Z',
  nodeVersion: 'v24.0.0',
  platform: 'linux/x64',
};

const server: ServerSpec = {
  address: '10.96.0.1',
  port: 80,
  protocol: 'TCP',
  scheduler: 'rr',
  flags: [],
};

let observed: Observation;
let observations: number;
let metrics: Metrics;

beforeEach(() => {
  observations = 0;
  observed = exampleObservation();
  metrics = new Metrics({
    families: ['IPv4', 'IPv6'],
    version,
    observe: () => {
      observations++;
      return observed;
    },
    hasProcessMetrics: false,
  });
});

/** Value of one series, or undefined. */
async function value(series: string): Promise<number | undefined> {
  const line = (await metrics.render()).split('\n').find((each) => each.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

test('metrics of a feature are shown as long as it runs, and once it has any', async () => {
  const registry = new Registry();
  const exclude = metrics.include(registry);
  const before = await metrics.render();
  new Counter({ name: 'feature_total', help: 'x', registers: [registry] }).inc(2);
  const during = await metrics.render();
  expect(during).toContain('\nfeature_total 2\n');
  expect(during.replace(/\n# HELP feature_total[^]*/, '')).toBe(before);
  exclude();
  expect(await metrics.render()).toBe(before);
});

describe('kube-proxy names', () => {
  test('a round counts for both families, in seconds', async () => {
    metrics.kubeproxy.syncFinished(1500, 1_700_000_000_500);
    for (const family of ['IPv4', 'IPv6']) {
      expect(
        await value(`kubeproxy_sync_proxy_rules_duration_seconds_sum{ip_family="${family}"}`),
      ).toBe(1.5);
      expect(
        await value(`kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family="${family}"}`),
      ).toBe(1_700_000_000.5);
    }
  });

  test('buckets are those of kube-proxy', async () => {
    metrics.kubeproxy.syncFinished(1, 0);
    metrics.kubeproxy.endpointProgrammed('IPv4', 20);
    const text = await metrics.render();
    const buckets = (name: string) =>
      [
        ...text.matchAll(new RegExp(`^${name}_bucket\\{.*?le="([^"]+)".*?ip_family="IPv4"`, 'gm')),
      ].map((match) => match[1]);
    const sync = buckets('kubeproxy_sync_proxy_rules_duration_seconds');
    expect(sync).toHaveLength(16);
    expect([sync[0], sync[14], sync[15]]).toEqual(['0.001', '16.384', '+Inf']);
    const programming = buckets('kubeproxy_network_programming_duration_seconds').map(Number);
    expect(programming.slice(0, 4)).toEqual([0, 0.25, 0.5, 1]);
    expect(programming).toContain(59);
    expect(programming.slice(-9)).toEqual([115, 120, 150, 180, 210, 240, 270, 300, Number.NaN]);
    expect(programming).toHaveLength(3 + 59 + 12 + 7 + 1);
  });

  test('changes are pending until a round that took them is done', async () => {
    metrics.kubeproxy.changeQueued('service', 2000);
    metrics.kubeproxy.changeQueued('endpoint', 3000);
    metrics.kubeproxy.changeQueued('endpoint', 4000);
    expect(await value('kubeproxy_sync_proxy_rules_endpoint_changes_pending')).toBe(2);
    expect(
      await value('kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds{ip_family="IPv6"}'),
    ).toBe(4);
    metrics.kubeproxy.roundBegan();
    metrics.kubeproxy.changeQueued('service', 5000);
    expect(await value('kubeproxy_sync_proxy_rules_service_changes_pending')).toBe(2);
    metrics.kubeproxy.changesDone();
    expect(await value('kubeproxy_sync_proxy_rules_endpoint_changes_pending')).toBe(0);
    expect(await value('kubeproxy_sync_proxy_rules_service_changes_pending')).toBe(1);
    expect(await value('kubeproxy_sync_proxy_rules_endpoint_changes_total')).toBe(2);
    expect(await value('kubeproxy_sync_proxy_rules_service_changes_total')).toBe(2);
  });

  test('counters that alerts read are there from the start', async () => {
    expect(
      await value('kubeproxy_sync_proxy_rules_iptables_restore_failures_total{ip_family="IPv4"}'),
    ).toBe(0);
    for (const family of ['IPv4', 'IPv6']) {
      for (const policy of ['internal', 'external']) {
        const labels = `{ip_family="${family}",traffic_policy="${policy}"}`;
        const series = `kubeproxy_sync_proxy_rules_no_local_endpoints_total${labels}`;
        expect(await value(series)).toBe(0);
      }
    }
  });

  test('of a node that has never synced, too', async () => {
    for (const family of ['IPv4', 'IPv6']) {
      for (const which of ['last', 'last_queued']) {
        const series = `kubeproxy_sync_proxy_rules_${which}_timestamp_seconds`;
        expect(await value(`${series}{ip_family="${family}"}`)).toBe(0);
      }
    }
  });

  test('the version has a name of its own: alerts compare those of Kubernetes', async () => {
    const text = await metrics.render();
    expect(text).not.toContain('kubernetes_build_info');
    expect(text).toMatch(/^kubeipvs_build_info\{version="v1\.2\.3",commit="abc".*\} 1$/m);
  });
});

describe('our own', () => {
  test('operations are counted by kind and result, failed rules as failed restores too', async () => {
    const rules = { op: 'writeRules', family: 'IPv6', table: 'nat', chains: new Map() } as const;
    const report: ApplyReport = {
      done: [
        { op: 'addServer', server },
        { op: 'addServer', server },
      ],
      failed: [{ operation: rules, error: new Error('x') }],
      draining: [],
      kernelWrites: 7,
    };
    metrics.applied({ report, repaired: new Map() });
    expect(await value('kubeipvs_operations_total{operation="addServer",result="done"}')).toBe(2);
    expect(await value('kubeipvs_operations_total{operation="writeRules",result="failed"}')).toBe(
      1,
    );
    expect(await value('kubeipvs_kernel_writes_total')).toBe(7);
    expect(
      await value('kubeproxy_sync_proxy_rules_iptables_restore_failures_total{ip_family="IPv6"}'),
    ).toBe(1);
  });

  test('what somebody else had changed is counted by kind, each from 0', async () => {
    const report: ApplyReport = { done: [], failed: [], draining: [], kernelWrites: 0 };
    metrics.applied({ report, repaired: new Map([['server', 1]]) });
    metrics.applied({ report, repaired: new Map([['server', 2]]) });
    expect(await value('kubeipvs_drift_repaired_total{kind="server"}')).toBe(3);
    expect(await value('kubeipvs_drift_repaired_total{kind="jump"}')).toBe(0);
  });

  test('sizes and standing are read when somebody looks, once', async () => {
    await metrics.render();
    expect(observations).toBe(1);
    expect(await value('kubeipvs_virtual_servers{ip_family="IPv4"}')).toBe(2);
    expect(await value('kubeipvs_destinations{ip_family="IPv4"}')).toBe(4);
    expect(await value('kubeipvs_addresses{ip_family="IPv6"}')).toBe(1);
    expect(await value('kubeipvs_ipset_entries{set="KUBE-CLUSTER-IP"}')).toBe(7);
    expect(await value('kubeipvs_ipset_capacity{set="KUBE-CLUSTER-IP"}')).toBe(28);
    expect(await value('kubeipvs_ipset_fill_ratio{set="KUBE-CLUSTER-IP"}')).toBe(0.25);
    expect(await value('kubeipvs_ipset_entries{set="KUBE-FOREIGN"}')).toBe(1);
    expect(await value('kubeipvs_ipset_fill_ratio{set="KUBE-FOREIGN"}')).toBeUndefined();
    expect(await value('kubeipvs_source_connected')).toBe(1);
    expect(await value('kubeipvs_problems')).toBe(3);
    expect(await value('kubeipvs_draining_destinations')).toBe(4);
    expect(await value('kubeipvs_draining_connections')).toBe(12);
    expect(await value('kubeipvs_oldest_drain_seconds')).toBe(61.5);
    expect(await value('kubeipvs_drains_started_total')).toBe(9);
    expect(await value('kubeipvs_drains_ended_total{how="empty"}')).toBe(3);
    expect(await value('kubeipvs_ipvs_connections')).toBe(700);
    expect(await value('kubeipvs_failing_operations')).toBe(5);
    expect(await value('kubeipvs_unread_parts')).toBe(2);
    expect(await value('kubeipvs_last_audit_timestamp_seconds')).toBe(1_700_000_000.5);
    expect(await value('kubeipvs_other_proxy')).toBe(1);
    observed = {
      ...observed,
      sizes: { ...observed.sizes, sets: [] },
      isSourceConnected: false,
      ipvsConnections: undefined,
    };
    expect(await value('kubeipvs_ipvs_connections')).toBeUndefined();
    expect(await value('kubeipvs_source_connected')).toBe(0);
    expect(await value('kubeipvs_ipset_entries{set="KUBE-CLUSTER-IP"}')).toBeUndefined();
  });
});

test('the process is described without waking it all the time', async () => {
  const full = new Metrics({ families: ['IPv4'], version, observe: () => observed });
  const text = await full.render();
  expect(text).toContain('process_cpu_seconds_total');
  expect(text).toContain('process_resident_memory_bytes');
  expect(text).not.toContain('nodejs_eventloop_lag_p99_seconds');
});

test('the CPU time is that of the whole process, whenever it is first asked for', async () => {
  const full = new Metrics({ families: ['IPv4'], version, observe: () => observed });
  for (let times = 0; times < 2; times++) {
    const text = await full.render();
    const total = Number(/^process_cpu_seconds_total (\S+)$/m.exec(text)![1]);
    const { user, system } = process.cpuUsage();
    expect(total).toBeGreaterThan(((user + system) / 1e6) * 0.8);
    expect(total).toBeLessThanOrEqual((user + system) / 1e6);
  }
});

describe('rounds and watches', () => {
  test('a round counts by its scope, and what its time went into', async () => {
    const phasesMs = { compile: 100, compare: 200, apply: 1_000 };
    metrics.rounds.round({ isFull: false, durationMs: 1_500, phasesMs });
    metrics.rounds.round({ isFull: true, durationMs: 1_500, phasesMs });
    metrics.rounds.round({ isFull: true, durationMs: 1_500, phasesMs });
    metrics.rounds.read(250);
    expect(await value('kubeipvs_round_duration_seconds_sum{scope="changes"}')).toBe(1.5);
    expect(await value('kubeipvs_round_duration_seconds_count{scope="all"}')).toBe(2);
    expect(await value('kubeipvs_round_phase_seconds_total{phase="apply"}')).toBe(3);
    expect(await value('kubeipvs_round_phase_seconds_total{phase="compile"}')).toBeCloseTo(0.3);
    expect(await value('kubeipvs_reading_duration_seconds_sum')).toBe(0.25);
  });

  test('each resource is heard by itself', async () => {
    metrics.watches.listed('services', 1_000);
    metrics.watches.heard('services', 'ADDED', 2_000);
    metrics.watches.heard('services', 'ADDED', 3_500);
    metrics.watches.heard('nodes', 'BOOKMARK', 2_000);
    const events = 'kubeipvs_watch_events_total';
    expect(await value(`${events}{resource="services",type="ADDED"}`)).toBe(2);
    expect(await value(`${events}{resource="nodes",type="BOOKMARK"}`)).toBe(1);
    const heard = 'kubeipvs_watch_last_heard_timestamp_seconds';
    expect(await value(`${heard}{resource="services"}`)).toBe(3.5);
    expect(await value('kubeipvs_lists_total{resource="services"}')).toBe(1);
  });

  test('a change that seems to come from the future was heard at once', async () => {
    metrics.watches.arrived(-50);
    metrics.watches.arrived(2_000);
    expect(await value('kubeipvs_watch_lag_seconds_sum')).toBe(2);
    expect(await value('kubeipvs_watch_lag_seconds_count')).toBe(2);
  });
});
