import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ProxyHealth } from '../../../src/ops/health.ts';
import { HttpServer, type HttpServerOptions } from '../../../src/ops/httpServer.ts';
import { Metrics } from '../../../src/ops/metrics.ts';
import { healthRoutes, metricsRoutes } from '../../../src/ops/routes.ts';
import { FakeClock, settle } from '../../support/fakeClock.ts';

const none = { IPv4: 0, IPv6: 0 };
const observation = {
  sizes: {
    virtualServers: none,
    destinations: none,
    addresses: none,
    setEntries: new Map<string, number>(),
  },
  isSourceConnected: true,
  problems: 0,
  drainingDestinations: 0,
  failingOperations: 0,
  unreadParts: 0,
  lastAuditAtMs: undefined,
};

let clock: FakeClock;
let metrics: Metrics;
let errors: string[];
let servers: HttpServer[];

beforeEach(() => {
  clock = new FakeClock();
  errors = [];
  servers = [];
  metrics = new Metrics({
    families: ['IPv4'],
    version: { gitVersion: 'v1', gitCommit: '', buildDate: '', nodeVersion: '', platform: '' },
    observe: () => observation,
    hasProcessMetrics: false,
  });
});

afterEach(async () => {
  await Promise.all(servers.map((server) => server.close()));
});

function serve(options: Partial<HttpServerOptions>): HttpServer {
  const server = new HttpServer({
    name: 'test',
    address: { host: '127.0.0.1', port: 0 },
    routes: new Map(),
    isHardFail: false,
    clock,
    onError: (message) => errors.push(message),
    ...options,
  });
  servers.push(server);
  return server;
}

async function get(server: HttpServer, path: string, method = 'GET') {
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { method });
  const { status, headers } = response;
  return {
    status,
    type: headers.get('content-type'),
    sniff: headers.get('x-content-type-options'),
    body: await response.text(),
  };
}

describe('health server', () => {
  test('answers and counts as kube-proxy does', async () => {
    const health = new ProxyHealth({ families: ['IPv4'], timeoutMs: 60_000, clock });
    const server = serve({ routes: healthRoutes(health, metrics) });
    await server.start();
    expect(await get(server, '/healthz')).toEqual({
      status: 200,
      type: 'application/json',
      sniff: 'nosniff',
      body:
        '{"lastUpdated": "2026-11-24 15:04:05.678 +0000 UTC","currentTime": "2026-11-24 15:04:05.678 +0000 UTC", ' +
        '"nodeEligible": true}',
    });
    health.setNodeEligible(false);
    expect((await get(server, '/healthz?verbose', 'POST')).status).toBe(503);
    expect((await get(server, '/livez')).status).toBe(200);
    const text = await metrics.render();
    expect(text).toContain('kubeproxy_proxy_healthz_total{code="200"} 1');
    expect(text).toContain('kubeproxy_proxy_healthz_total{code="503"} 1');
    expect(text).toContain('kubeproxy_proxy_livez_total{code="200"} 1');
  });
});

describe('metrics server', () => {
  test('has the paths of kube-proxy', async () => {
    const server = serve({ routes: metricsRoutes({ metrics, configz: () => ({ Mode: 'ipvs' }) }) });
    await server.start();
    const text = 'text/plain; charset=utf-8';
    expect(await get(server, '/proxyMode')).toEqual({
      status: 200,
      type: text,
      sniff: 'nosniff',
      body: 'ipvs',
    });
    expect(await get(server, '/healthz')).toMatchObject({ status: 200, body: 'ok' });
    expect(await get(server, '/configz')).toMatchObject({
      type: 'application/json',
      body: '{"kubeproxy.config.k8s.io":{"Mode":"ipvs"}}',
    });
    expect((await get(server, '/metrics')).body).toContain('kubernetes_build_info');
    expect(await get(server, '/nothing')).toMatchObject({
      status: 404,
      body: '404 page not found\n',
    });
  });

  test('a route that throws answers 500 and is told', async () => {
    const routes = new Map([['/x', () => Promise.reject(new Error('boom'))]]);
    const server = serve({ routes });
    await server.start();
    expect((await get(server, '/x')).status).toBe(500);
    expect(errors).toEqual(['test server: /x']);
  });
});

describe('a port that is taken', () => {
  let other: Server;
  let port: number;

  beforeEach(async () => {
    other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    ({ port } = other.address() as AddressInfo);
  });
  afterEach(() => new Promise((resolve) => other.close(resolve)));

  test('is tried again every five seconds until it is free, and told once', async () => {
    const server = serve({ address: { host: '127.0.0.1', port } });
    await server.start();
    await clock.advance(10_000);
    expect(errors).toEqual([
      `test server cannot listen on 127.0.0.1:${port}: another process listens there; trying again every 5 s`,
    ]);
    expect(server.port).toBeUndefined();
    await new Promise((resolve) => other.close(resolve));
    await clock.advance(5_000);
    for (let i = 0; i < 100 && server.port === undefined; i++) await settle();
    expect(server.port).toBe(port);
  });

  test('is an error with bindAddressHardFail', async () => {
    const server = serve({ address: { host: '127.0.0.1', port }, isHardFail: true });
    await expect(server.start()).rejects.toThrow('another process listens there');
  });

  test('does not keep close() waiting', async () => {
    const server = serve({ address: { host: '127.0.0.1', port } });
    await server.start();
    await server.close();
    expect(clock.sleeps).toEqual([5000]);
  });
});
