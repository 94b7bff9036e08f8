import { createServer, get as httpGet, type Server } from 'node:http';
import net, { type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { ProxyHealth } from '../../../src/ops/health.ts';
import { ConditionLog } from '../../../src/ops/conditionLog.ts';
import { Conditions, defineCondition } from '../../../src/ops/conditions.ts';
import { ConnectionLimit } from '../../../src/ops/connectionLimit.ts';
import { HttpServer, type HttpServerOptions } from '../../../src/ops/httpServer.ts';
import type { Route } from '../../../src/ops/httpListener.ts';
import type { Logger } from '../../../src/ops/log.ts';
import { Metrics } from '../../../src/ops/metrics.ts';
import { healthRoutes, metricsRoutes } from '../../../src/ops/routes.ts';
import { exampleObservation } from '../../support/program/exampleObservation.ts';
import { FakeClock, settle } from '../../support/program/fakeClock.ts';

let clock: FakeClock;
let metrics: Metrics;
let errors: string[];
let conditions: Conditions;
let causes: unknown[];
let servers: HttpServer[];

const NOT_LISTENING = defineCondition({
  code: 'NotServed',
  severity: 'error',
  affectsHealth: false,
  title: 'a server cannot listen',
});

beforeEach(() => {
  clock = new FakeClock();
  errors = [];
  causes = [];
  const line = (text: string) => void errors.push(text);
  const errorLine = (text: string, cause: unknown) => {
    line(text);
    causes.push(cause);
  };
  const tellers = [
    new ConditionLog({ error: errorLine, info: line, warning: line } as unknown as Logger, clock),
  ];
  conditions = new Conditions({ known: [], tellers, clock });
  servers = [];
  metrics = new Metrics({
    families: ['IPv4'],
    version: { gitVersion: 'v1', gitCommit: '', buildDate: '', nodeVersion: '', platform: '' },
    observe: exampleObservation,
    hasProcessMetrics: false,
  });
});

afterEach(async () => {
  await Promise.all(servers.map((server) => server.close()));
});

function serve(options: Partial<HttpServerOptions>): HttpServer {
  const server = new HttpServer({
    name: 'test',
    at: { address: '127.0.0.1', port: 0 },
    routes: new Map(),
    isHardFail: false,
    clock,
    conditions,
    notListening: NOT_LISTENING,
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
    const server = serve({ routes: healthRoutes(health, metrics, () => conditions.present) });
    await server.start();
    health.roundBegan(clock.monotonicMs());
    health.roundEnded(true, clock.wallMs());
    const now = '2026-11-24T15:04:05.678Z';
    expect(await get(server, '/healthz')).toEqual({
      status: 200,
      type: 'application/json',
      sniff: 'nosniff',
      body:
        `{"lastUpdated":"${now}","currentTime":"${now}","nodeEligible":true,"healthy":true,` +
        `"status":{"IPv4":{"lastUpdated":"${now}","healthy":true}}}`,
    });
    health.setNodeEligible(false);
    expect((await get(server, '/healthz', 'POST')).status).toBe(503);
    expect((await get(server, '/livez')).status).toBe(200);
    expect(await get(server, '/readyz?verbose')).toMatchObject({
      status: 200,
      type: 'text/plain; charset=utf-8',
      body: '[+]first-round ok\nreadyz check passed\n',
    });
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
    expect((await get(server, '/metrics')).body).toContain('kubeipvs_build_info');
    // The answer of /healthz above.
    expect((await get(server, '/metrics/slis')).body).toMatch(
      /^kubernetes_healthchecks_total\{.*status="success"\} 1$/m,
    );
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
    const server = serve({ at: { address: '127.0.0.1', port } });
    await server.start();
    await clock.advance(10_000);
    expect(errors).toEqual([
      `test server cannot listen on 127.0.0.1:${port}: another process listens there; trying again every 5 s`,
    ]);
    expect(causes).toEqual([expect.objectContaining({ code: 'EADDRINUSE' })]);
    expect(server.port).toBeUndefined();
    expect(conditions.standing.map(({ subject }) => subject)).toEqual(['test']);
    await new Promise((resolve) => other.close(resolve));
    await clock.advance(5_000);
    for (let i = 0; i < 100 && conditions.standing.length > 0; i++) await settle();
    expect(server.port).toBe(port);
    expect([conditions.standing, errors.length]).toEqual([[], 1]);
  });

  test('is an error with bindAddressHardFail', async () => {
    const server = serve({ at: { address: '127.0.0.1', port }, isHardFail: true });
    await expect(server.start()).rejects.toThrow('another process listens there');
  });

  test('that comes free while the server closes is not taken any more', async () => {
    const server = serve({ at: { address: '127.0.0.1', port } });
    await server.start();
    await new Promise((resolve) => other.close(resolve));
    const listen = Reflect.get(net.Server.prototype, 'listen');
    const closing = Promise.withResolvers<void>();
    const spy = jest.spyOn(net.Server.prototype, 'listen').mockImplementation(function (
      this: net.Server,
      ...args: unknown[]
    ) {
      spy.mockRestore();
      const listening: unknown = Reflect.apply(listen, this, args);
      closing.resolve(server.close());
      return listening as net.Server;
    });
    await clock.advance(5_000);
    await closing.promise;
    for (let i = 0; i < 20; i++) await settle();
    expect(server.port).toBeUndefined();
    expect(conditions.standing).toEqual([]);
  });

  test('does not keep close() waiting', async () => {
    const server = serve({ at: { address: '127.0.0.1', port } });
    await server.start();
    await server.close();
    expect(clock.sleeps).toEqual([5000]);
  });
});

describe('an unspecified address', () => {
  const status = (host: string, port: number | undefined) =>
    new Promise<number | undefined>((resolve, reject) => {
      httpGet({ host, port, path: '/x', agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).on('error', reject);
    });

  test.each(['0.0.0.0', '::'])('%s answers in both families', async (host) => {
    const server = serve({ at: { address: host, port: 0 } });
    await server.start();
    expect(await status('127.0.0.1', server.port)).toBe(404);
    expect(await status('::1', server.port)).toBe(404);
  });

  test.each(['127.0.0.1', '::1'])(
    'an address of one family such as %s is no more',
    async (host) => {
      const server = serve({ at: { address: host, port: 0 } });
      await server.start();
      expect(await status(host, server.port)).toBe(404);
      const other = host === '::1' ? '127.0.0.1' : '::1';
      await expect(status(other, server.port)).rejects.toThrow('ECONNREFUSED');
    },
  );

  test('is IPv4 alone on a kernel without IPv6', async () => {
    const listen = Reflect.get(net.Server.prototype, 'listen');
    const asked: unknown[] = [];
    const spy = jest.spyOn(net.Server.prototype, 'listen').mockImplementation(function (
      this: net.Server,
      ...argv: unknown[]
    ) {
      const { host } = argv[0] as { host: string };
      asked.push(host);
      if (host !== '::') return Reflect.apply(listen, this, argv);
      const error = Object.assign(new Error('listen EAFNOSUPPORT'), { code: 'EAFNOSUPPORT' });
      process.nextTick(() => this.emit('error', error));
      return this;
    });
    try {
      const server = serve({ at: { address: '::', port: 0 } });
      await server.start();
      expect(asked).toEqual(['::', '0.0.0.0']);
      expect(await status('127.0.0.1', server.port)).toBe(404);
      expect(errors).toEqual([]);
    } finally {
      spy.mockRestore();
    }
  });
});

describe('a request', () => {
  async function asked(init: RequestInit, use: Route): Promise<Response> {
    const server = serve({ routes: new Map([['/x', use]]) });
    await server.start();
    return fetch(`http://127.0.0.1:${server.port}/x`, init);
  }
  const told = (body: unknown) => ({ ...ANSWER, body: JSON.stringify(body) });

  test('has what came with it, unless that is long', async () => {
    const use: Route = async (request) => told((await request.text(5)) ?? 'long');
    expect(await (await asked({ method: 'PUT', body: '12345' }, use)).json()).toBe('12345');
    expect(await (await asked({ method: 'PUT', body: '123456' }, use)).json()).toBe('long');
    expect(await (await asked({}, use)).json()).toBe('');
  });

  test('has its path, method and what is accepted', async () => {
    const use: Route = ({ path, method, accept }) => told([path, method, accept]);
    const init = { method: 'POST', headers: { Accept: 'text/plain' } };
    expect(await (await asked(init, use)).json()).toEqual(['/x', 'POST', 'text/plain']);
  });

  test('tells when whoever asked has gone', async () => {
    const leaving = new AbortController();
    const seen = Promise.withResolvers<Event>();
    const answer = asked({ signal: leaving.signal }, ({ gone }) => {
      gone.addEventListener('abort', seen.resolve);
      leaving.abort();
      return seen.promise.then(() => ANSWER);
    });
    await expect(answer).rejects.toThrow('aborted');
    expect((await seen.promise).type).toBe('abort');
  });

  test('may be answered slowly, then its connection ends', async () => {
    const setTimeout = jest.spyOn(net.Socket.prototype, 'setTimeout');
    const headers = { 'X-Own': 'yes' };
    const answer = await asked({}, () => ({ ...ANSWER, headers, patienceMs: 123_456 }));
    expect(setTimeout).toHaveBeenCalledWith(123_456);
    setTimeout.mockRestore();
    expect(answer.headers.get('x-own')).toBe('yes');
    expect(answer.headers.get('connection')).toBe('close');
  });
});

describe('connections', () => {
  let open: Socket[];
  beforeEach(() => {
    open = [];
  });
  afterEach(() => {
    for (const socket of open) socket.destroy();
  });

  async function connect(server: HttpServer, localAddress = '127.0.0.1'): Promise<Socket> {
    const socket = net.connect({ port: server.port!, host: '127.0.0.1', localAddress });
    open.push(socket);
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.once('connect', resolve));
    return socket;
  }

  test('of hundreds that say nothing the newest 64 are kept, and a probe is answered', async () => {
    const server = serve({ routes: new Map([['/x', () => ({ ...ANSWER })]]) });
    await server.start();
    for (let i = 0; i < 300; i++) await connect(server);
    expect((await get(server, '/x')).status).toBe(200);
    expect(server.connections).toBeLessThanOrEqual(64);
    await Promise.all(open.slice(0, 300 - 64).map((socket) => closed(socket)));
    expect((await get(server, '/x')).status).toBe(200);
    expect(errors).toEqual([]);
  });

  test('who opens many ends its own connections, not those of others', async () => {
    const routes = new Map([['/x', () => ({ ...ANSWER })]]);
    // However long the others take to connect, the one that waits is not to be ended for that.
    const times = { headersTimeout: 0, requestTimeout: 0 };
    const server = serve({ routes, times, connections: new ConnectionLimit(4) });
    await server.start();
    const quiet = await connect(server, '127.0.0.2');
    for (let i = 0; i < 20; i++) await connect(server);
    const answer = new Promise<string>((resolve) =>
      quiet.once('data', (data) => resolve(String(data))),
    );
    quiet.write('GET /x HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(await answer).toContain('200 OK');
  });

  test('one that says nothing, or half a request, is ended by the server', async () => {
    const server = serve({ times: { headersTimeout: 100, connectionsCheckingInterval: 20 } });
    await server.start();
    const silent = await connect(server);
    const slow = await connect(server);
    slow.write('GET /x HTTP/1.1\r\nHost: ');
    slow.resume();
    silent.resume();
    await Promise.all([closed(silent), closed(slow)]);
    expect(server.connections).toBe(0);
  });

  test('failures to accept are told once a minute', async () => {
    const listen = jest.spyOn(net.Server.prototype, 'listen');
    await serve({}).start();
    const [listener] = listen.mock.contexts as net.Server[];
    listen.mockRestore();
    const emit = () => listener!.emit('error', new Error('accept EMFILE'));
    emit();
    emit();
    await clock.advance(59_000);
    emit();
    expect(errors).toEqual(['test server cannot accept connections']);
    await clock.advance(1_000);
    emit();
    expect(errors).toHaveLength(2);
  });
});

const ANSWER = { status: 200, contentType: 'text/plain', body: 'well' };

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve();
    else socket.once('close', () => resolve());
  });
}
