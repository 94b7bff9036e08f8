/**
 * What the running product serves over HTTP: health, metrics, mode and configuration, as kube-proxy
 * does.
 */
import { expect, test } from '@jest/globals';
import { eventually } from '../support/e2e/cluster.ts';
import { service, slice } from '../support/e2e/objects.ts';
import { E2eSession } from '../support/e2e/session.ts';

const session = E2eSession.register({ isRunning: true });

/** As Go prints a time. */
const TIME = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? \+0000 UTC`;

test('/healthz and /livez say since when all is well', async () => {
  const healthz = await session.cluster.health('/healthz');
  const times = `"lastUpdated": "${TIME}","currentTime": "${TIME}"`;
  expect(healthz).toEqual({
    status: 200,
    contentType: 'application/json',
    body: expect.stringMatching(new RegExp(`^\\{${times}, "nodeEligible": true\\}$`)),
  });
  const livez = await session.cluster.health('/livez');
  expect(livez).toMatchObject({
    status: 200,
    body: expect.stringMatching(new RegExp(`^\\{${times}\\}$`)),
  });
});

test('/proxyMode, /configz and /healthz of the metrics server', async () => {
  expect(await session.cluster.metricsServer('/proxyMode')).toMatchObject({
    status: 200,
    body: 'ipvs',
  });
  expect(await session.cluster.metricsServer('/healthz')).toMatchObject({
    status: 200,
    body: 'ok',
  });
  const { body } = await session.cluster.metricsServer('/configz');
  expect(JSON.parse(body)).toMatchObject({
    'kubeproxy.config.k8s.io': {
      kind: 'KubeProxyConfiguration',
      mode: 'ipvs',
      clusterCIDR: '10.244.0.0/16,fd00:244::/48',
    },
  });
  expect(await session.cluster.metricsServer('/nothing')).toMatchObject({ status: 404 });
});

test("/metrics has kube-proxy's names and ours", async () => {
  await session.create(service('web', { clusterIP: '10.96.1.1' }), slice('web-1'));
  const { cluster } = session;
  await eventually(async () =>
    expect(await cluster.metric('kubeipvs_destinations{ip_family="IPv4"}')).toBe(1),
  );
  const { body, contentType } = await cluster.metricsServer('/metrics');
  expect(contentType).toMatch(/^text\/plain; version=0\.0\.4/);
  const names = [...body.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(
    ([, name, type]) => `${name} ${type}`,
  );
  expect(names).toEqual(
    expect.arrayContaining([
      'kubeproxy_sync_proxy_rules_duration_seconds histogram',
      'kubeproxy_sync_proxy_rules_last_timestamp_seconds gauge',
      'kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds gauge',
      'kubeproxy_network_programming_duration_seconds histogram',
      'kubeproxy_sync_proxy_rules_service_changes_total counter',
      'kubeproxy_sync_proxy_rules_endpoint_changes_total counter',
      'kubeproxy_sync_proxy_rules_no_local_endpoints_total gauge',
      'kubeproxy_proxy_healthz_total counter',
      'rest_client_requests_total counter',
      'kubernetes_build_info gauge',
      'process_start_time_seconds gauge',
      'kubeipvs_operations_total counter',
      'kubeipvs_kernel_writes_total counter',
      'kubeipvs_source_connected gauge',
    ]),
  );
  expect(await cluster.metric('kubeipvs_virtual_servers{ip_family="IPv4"}')).toBe(2);
  expect(await cluster.metric('kubeipvs_ipset_entries{set="KUBE-CLUSTER-IP"}')).toBe(2);
  expect(await cluster.metric('kubeipvs_failing_operations')).toBe(0);
  expect(await cluster.metric('kubeipvs_source_connected')).toBe(1);
});

test('an endpoint that a pod got is in the kernel soon after the API server has it', async () => {
  await session.create(service('web', { clusterIP: '10.96.1.1' }), slice('web-1'));
  const path = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/web-1';
  const times: number[] = [];
  for (let i = 16; i < 26; i++) {
    const endpoints = [{ addresses: [`10.244.1.${i}`], conditions: { ready: true } }];
    const inProc = `0AF401${i.toString(16).toUpperCase()}:1F90`;
    const { programmedMs } = await session.cluster.timePatch(path, { endpoints }, inProc);
    times.push(Math.round(programmedMs));
  }
  const median = times.toSorted((a, b) => a - b)[times.length >> 1]!;
  process.stdout.write(`PATCH of an EndpointSlice until in the kernel: ${times.join(', ')} ms\n`);
  // In the lab on a busy machine; 15 to 60 ms is usual. kube-proxy takes about a second.
  expect(median).toBeLessThan(500);
});
