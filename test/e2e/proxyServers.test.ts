/**
 * What the running product serves over HTTP, as kube-proxy does: health, metrics, mode and
 * configuration, and health-check node ports as a cloud's load balancer sees them.
 */
import { afterEach, describe, expect, test } from '@jest/globals';
import { eventually, NODE, NODE_ADDRESS } from '../support/e2e/cluster.ts';
import type * as InLab from '../support/e2e/inLab.ts';
import { endpoint, service, slice } from '../support/e2e/objects.ts';
import { E2eSession } from '../support/e2e/session.ts';

const session = E2eSession.register({ isRunning: true });

/** As Go writes a time in JSON. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;

test('/healthz, /livez and /readyz say since when all is well', async () => {
  const lastUpdated = expect.stringMatching(TIME);
  const ofFamily = { lastUpdated, healthy: true };
  const status = { IPv4: ofFamily, IPv6: ofFamily };
  const times = { lastUpdated, currentTime: lastUpdated };
  const healthz = await session.cluster.health('/healthz');
  expect(healthz).toMatchObject({ status: 200, contentType: 'application/json' });
  expect(JSON.parse(healthz.body)).toEqual({ ...times, nodeEligible: true, healthy: true, status });
  for (const path of ['/livez', '/readyz'] as const) {
    const answer = await session.cluster.health(path);
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toEqual({ ...times, healthy: true, status });
  }
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
      'rest_client_request_duration_seconds histogram',
      'kubeipvs_build_info gauge',
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

/** Upstream's e2e tests of Services with externalTrafficPolicy Local ask the same. */
describe('a health-check node port', () => {
  const IN_LAB = 'test/support/e2e/inLab.ts';
  const PORT = 31_070;
  const here = (more: object = {}) => endpoint('10.244.1.5', { nodeName: NODE, ...more });
  const elsewhere = endpoint('10.244.2.5', { nodeName: 'other-node' });
  const TERMINATING = { conditions: { ready: false, serving: true, terminating: true } };

  const balanced = (port: number, more: object = {}) =>
    service('web', {
      type: 'LoadBalancer',
      externalTrafficPolicy: 'Local',
      healthCheckNodePort: port,
      ...more,
    });

  /** `200 1`: the status and the weight, or why nobody answers. */
  async function asked(host = NODE_ADDRESS, port = PORT): Promise<string> {
    const url = `http://${host}:${port}/`;
    const { stdout, stderr } = await session.cluster.lab.exec(['curl', '-gsSi', url]);
    const status = /^HTTP\S* (\d+)/.exec(stdout)?.[1];
    const weight = /^X-Load-Balancing-Endpoint-Weight: (\d+)\r$/m.exec(stdout)?.[1];
    return status === undefined ? stderr : `${status} ${weight}`;
  }

  const says = (answer: string | RegExp, host?: string, port?: number) =>
    eventually(async () => expect(await asked(host, port)).toMatch(answer));

  const REFUSED = /Connection refused|Couldn't connect/;

  let isOccupied = false;
  afterEach(async () => {
    if (isOccupied)
      await session.cluster.lab.call<typeof InLab.endOf>(IN_LAB, 'endOf', 'occupant', 'SIGKILL');
    isOccupied = false;
  });

  test('is 200 while an endpoint is ready here, in each family by itself', async () => {
    const families = { ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv4', 'IPv6'] };
    const six = { addressType: 'IPv6', endpoints: [endpoint('fd00:244:2::5')] } as const;
    await session.create(
      balanced(PORT, families),
      slice('web-1', { endpoints: [here(), elsewhere] }),
      slice('web-6', six),
    );
    await says('200 1');
    await says('503 0', '[::1]');
    await session.cluster.objects.patch(slice('web-1'), { endpoints: [elsewhere] });
    await says('503 0');
  });

  test('is 503 when there are only terminating endpoints, which are served on', async () => {
    const spec = { clusterIP: '10.96.1.1', ports: [{ port: 80, nodePort: 30_080 }] };
    await session.create(balanced(PORT, spec), slice('web-1', { endpoints: [here()] }));
    await says('200 1');
    await session.cluster.objects.patch(slice('web-1'), { endpoints: [here(TERMINATING)] });
    await says('503 0');
    await session.shows(`${NODE_ADDRESS}:30080`, [
      `TCP ${NODE_ADDRESS}:30080 rr: | 10.244.1.5:8080 Masq 1`,
    ]);
  });

  test('follows a Service that is made anew with another port', async () => {
    await session.create(balanced(PORT), slice('web-1', { endpoints: [here()] }));
    await says('200 1');
    await session.cluster.objects.delete(balanced(PORT));
    await session.create(balanced(PORT + 1));
    await says('200 1', NODE_ADDRESS, PORT + 1);
    await says(REFUSED);
  });

  test('that another process has is told, and served when that is gone', async () => {
    const listen = `require('node:net').createServer().listen(${PORT}, '0.0.0.0')`;
    const logFile = `${session.cluster.server.folder}/occupant.log`;
    await session.cluster.lab.call<typeof InLab.startProcess>(IN_LAB, 'startProcess', 'occupant', {
      argv: ['node', '-e', listen],
      logFile,
    });
    isOccupied = true;
    await eventually(async () => {
      const { stdout } = await session.cluster.lab.exec(['ss', '-ltnH']);
      expect(stdout).toContain(`0.0.0.0:${PORT}`);
    });
    await session.create(balanced(PORT), slice('web-1', { endpoints: [here()] }));
    const failed = `node ${NODE} failed to start healthcheck "default/web" on port ${PORT}`;
    await session.warns('web', new RegExp(failed));
    const condition = 'kubeipvs_condition{code="HealthCheckPortNotServed"}';
    expect(await session.cluster.metric(condition)).toBe(1);
    await session.cluster.lab.call<typeof InLab.endOf>(IN_LAB, 'endOf', 'occupant', 'SIGKILL');
    isOccupied = false;
    await says('200 1');
    expect(await session.cluster.metric(condition)).toBe(0);
  });
});
