import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ApiClient, type RequestOutcome } from '../../../src/cluster/client.ts';
import { loadClusterAccess } from '../../../src/cluster/kubeconfig.ts';
import { SystemClock } from '../../../src/ops/clock.ts';

type Handler = (request: http.IncomingMessage, response: http.ServerResponse) => void;

let server: http.Server;
let handler: Handler;
let client: ApiClient;
let outcomes: RequestOutcome[];
let connections: number;

beforeEach(async () => {
  connections = 0;
  outcomes = [];
  server = http.createServer((request, response) => handler(request, response));
  server.on('connection', () => connections++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  client = new ApiClient({
    access: loadClusterAccess({ master: `http://127.0.0.1:${port}/prefix` }),
    userAgent: 'kube-ipvs/test',
    qps: -1,
    burst: 0,
    timing: new SystemClock(),
    answerTimeoutMs: 200,
    streamIdleMs: 200,
    onRequest: (outcome) => outcomes.push(outcome),
  });
});

afterEach(async () => {
  client.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function collect(stream: AsyncIterable<Uint8Array>): Promise<string> {
  let text = '';
  for await (const piece of stream) text += Buffer.from(piece).toString();
  return text;
}

describe('ApiClient', () => {
  test('reads JSON, encodes the query and keeps the connection', async () => {
    const seen: string[] = [];
    handler = (request, response) => {
      seen.push(`${request.url} ${request.headers.accept} ${request.headers['user-agent']}`);
      response.end('{"a":1}');
    };
    expect(await client.getJson('/api', { fieldSelector: 'spec.clusterIP!=None' })).toEqual({
      a: 1,
    });
    await client.getJson('/api', {});
    expect(seen).toEqual([
      '/prefix/api?fieldSelector=spec.clusterIP%21%3DNone application/json kube-ipvs/test',
      '/prefix/api application/json kube-ipvs/test',
    ]);
    expect(connections).toBe(1);
    expect(client.peerAddresses).toEqual(new Set(['127.0.0.1']));
    const outcome = { method: 'GET', code: '200', host: expect.stringContaining('127.0.0.1') };
    expect(outcomes).toEqual([outcome, outcome]);
  });

  test('a Status body becomes an ApiError with the URL and Retry-After', async () => {
    handler = (_, response) => {
      response.writeHead(429, { 'Retry-After': '2' });
      response.end(
        JSON.stringify({
          kind: 'Status',
          code: 429,
          reason: 'TooManyRequests',
          message: 'slow down',
        }),
      );
    };
    await expect(client.getJson('/api', {})).rejects.toMatchObject({
      name: 'ApiError',
      status: 429,
      reason: 'TooManyRequests',
      message: 'slow down',
      retryAfterSec: 2,
      url: expect.stringMatching(/\/prefix\/api$/),
    });
    await expect(client.openStream('/api', {})).rejects.toMatchObject({ status: 429 });
  });

  test('an answer that is not JSON says so', async () => {
    handler = (_, response) => response.end('<html>login</html>');
    await expect(client.getJson('/api', {})).rejects.toThrow(
      'the answer is not JSON (it begins "<html>login</html>")',
    );
  });

  test('posts JSON and patches by merge', async () => {
    const seen: string[] = [];
    handler = (request, response) => {
      request.on('data', (piece) =>
        seen.push(`${request.method} ${request.headers['content-type']} ${piece}`),
      );
      request.on('end', () => response.writeHead(201).end('{}'));
    };
    await client.sendJson('POST', '/api', { é: 1 });
    await client.sendJson('PATCH', '/api', { b: 2 });
    expect(seen).toEqual([
      'POST application/json {"é":1}',
      'PATCH application/merge-patch+json {"b":2}',
    ]);
  });

  test('a server that is away is an error with its code', async () => {
    const away = new ApiClient({
      access: loadClusterAccess({ master: 'http://127.0.0.1:1' }),
      userAgent: 'x',
      qps: -1,
      burst: 0,
      timing: new SystemClock(),
      onRequest: (outcome) => outcomes.push(outcome),
    });
    await expect(away.getJson('/api', {})).rejects.toMatchObject({
      status: 0,
      reason: 'ECONNREFUSED',
    });
    expect(outcomes).toEqual([{ method: 'GET', code: '<error>', host: '127.0.0.1:1' }]);
  });

  test('a server that accepts and then says nothing is given up', async () => {
    handler = () => undefined;
    await expect(client.getJson('/api', {})).rejects.toMatchObject({
      reason: 'Timeout',
      message: 'no answer for 0.2 s',
    });
  });

  test('a connection that the server closed while idle is replaced without an error', async () => {
    handler = (_, response) => response.end('{}');
    await client.getJson('/api', {});
    server.closeAllConnections();
    expect(await client.getJson('/api', {})).toEqual({});
    expect(connections).toBe(2);
  });

  test('a stream gives pieces as they come and ends with the answer', async () => {
    handler = (_, response) => {
      response.write('one');
      setTimeout(() => response.end('two'), 20);
    };
    expect(await collect(await client.openStream('/api', { watch: '1' }))).toBe('onetwo');
  });

  test('a stream that breaks is an error, not an end', async () => {
    handler = (request, response) => {
      response.write('half a li');
      setTimeout(() => request.socket.destroy(), 20);
    };
    await expect(collect(await client.openStream('/api', {}))).rejects.toMatchObject({
      name: 'ApiError',
      status: 0,
      reason: 'ECONNRESET',
    });
  });

  test('a stream that is silent for too long is given up, one that trickles is not', async () => {
    handler = (_, response) => {
      let sent = 0;
      const timer = setInterval(
        () => (++sent <= 5 ? response.write('.') : clearInterval(timer)),
        80,
      );
    };
    let seen = '';
    const reading = (async () => {
      for await (const piece of await client.openStream('/api', {}))
        seen += Buffer.from(piece).toString();
    })();
    await expect(reading).rejects.toMatchObject({
      reason: 'Timeout',
      message: 'no answer for 0.2 s',
    });
    expect(seen).toBe('.....');
  });

  test('aborting ends a stream, and leaving the loop closes the connection', async () => {
    let closed = 0;
    handler = (_, response) => {
      response.write('x');
      response.on('close', () => closed++);
    };
    const abort = new AbortController();
    const reading = collect(await client.openStream('/api', {}, { signal: abort.signal }));
    abort.abort();
    await expect(reading).rejects.toMatchObject({ name: 'ApiError', status: 0 });
    for await (const _ of await client.openStream('/api', {})) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(closed).toBe(2);
  });
});
