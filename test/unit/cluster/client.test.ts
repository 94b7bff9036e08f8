import http from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { ApiError } from '../../../src/cluster/apiError.ts';
import { ApiClient, type ApiClientOptions } from '../../../src/cluster/client.ts';
import { loadClusterAccess } from '../../../src/cluster/kubeconfig.ts';
import type {
  Admission,
  ExchangeOutcome,
  RequestOutcome,
} from '../../../src/cluster/requestObserver.ts';
import { SystemClock } from '../../../src/ops/clock.ts';
import { FakeClock, settle } from '../../support/program/fakeClock.ts';

type Handler = (request: http.IncomingMessage, response: http.ServerResponse) => void;

let server: http.Server;
let handler: Handler;
let client: ApiClient;
let outcomes: RequestOutcome[];
let exchanges: ExchangeOutcome[];
let admissions: Admission[];
let connections: number;

beforeEach(async () => {
  connections = 0;
  outcomes = [];
  exchanges = [];
  admissions = [];
  server = http.createServer((request, response) => handler(request, response));
  server.on('connection', () => connections++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  client = clientFor(`http://127.0.0.1:${port}/prefix`);
});

function clientFor(master: string, options: Partial<ApiClientOptions> = {}): ApiClient {
  return new ApiClient({
    access: loadClusterAccess({ master }),
    userAgent: 'kube-ipvs/test',
    qps: -1,
    burst: 0,
    timing: new SystemClock(),
    observer: {
      requested: (outcome) => outcomes.push(outcome),
      exchanged: (outcome) => exchanges.push(outcome),
      admitted: (admission) => admissions.push(admission),
    },
    ...options,
  });
}

afterEach(async () => {
  jest.useRealTimers();
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
  test('a POST that is never answered ends when it is called off', async () => {
    const asked = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<void>();
    handler = (request) => {
      request.socket.once('close', closed.resolve);
      asked.resolve();
    };
    const end = new AbortController();
    const posted = client.sendJson('POST', '/events', { a: 1 }, { signal: end.signal });
    await asked.promise;
    end.abort();
    await expect(posted).rejects.toThrow(ApiError);
    await closed.promise;
  });

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

  test.each([
    [300, 'Multiple Choices'],
    [302, 'Found'],
    [502, 'Bad Gateway'],
  ])('an answer of status %s is a failure with the words of who gave it', async (status, words) => {
    handler = (_, response) => response.writeHead(status, { 'Retry-After': 'soon' }).end(words);
    await expect(client.getJson('/api', {})).rejects.toMatchObject({
      status,
      message: `HTTP status ${status}: ${words}`,
      retryAfterSec: undefined,
    });
    await expect(client.openStream('/api', {})).rejects.toMatchObject({ status });
  });

  test('closing it closes the connections that are kept', async () => {
    const closed = Promise.withResolvers<void>();
    // The server would keep it for ever.
    server.keepAliveTimeout = 0;
    handler = (request, response) => {
      request.socket.once('close', closed.resolve);
      response.end('{}');
    };
    await client.getJson('/api', {});
    client.close();
    await closed.promise;
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
        seen.push(
          `${request.method} ${request.headers['content-type']} ${request.headers['content-length']} ${piece}`,
        ),
      );
      request.on('end', () => response.writeHead(201).end('{}'));
    };
    await client.sendJson('POST', '/api', { é: 1 });
    await client.sendJson('PATCH', '/api', { b: 2 });
    expect(seen).toEqual([
      'POST application/json 8 {"é":1}',
      'PATCH application/merge-patch+json 7 {"b":2}',
    ]);
  });

  test('a server that is away is an error with its code', async () => {
    const away = clientFor('http://127.0.0.1:1');
    await expect(away.getJson('/api', {})).rejects.toMatchObject({
      status: 0,
      reason: 'ECONNREFUSED',
    });
    expect(outcomes).toEqual([{ method: 'GET', code: '<error>', host: '127.0.0.1:1' }]);
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

  test('aborting ends a stream, and leaving the loop closes the connection', async () => {
    let closed = 0;
    const bothClosed = Promise.withResolvers<void>();
    handler = (_, response) => {
      response.write('x');
      response.on('close', () => ++closed === 2 && bothClosed.resolve());
    };
    const abort = new AbortController();
    const reading = collect(await client.openStream('/api', {}, { signal: abort.signal }));
    abort.abort();
    await expect(reading).rejects.toMatchObject({ name: 'ApiError', status: 0 });
    for await (const _ of await client.openStream('/api', {})) break;
    await bothClosed.promise;
  });
});

/** Timers of the client are moved by hand; those of Node's own sockets are others and go on. */
describe('a peer that goes silent', () => {
  beforeEach(() => {
    jest.useFakeTimers({
      doNotFake: [
        'Date',
        'hrtime',
        'nextTick',
        'performance',
        'queueMicrotask',
        'setImmediate',
        'clearImmediate',
        'setInterval',
        'clearInterval',
      ],
    });
  });

  test('before its answer is given up after 65 s, longer than a busy API server lets requests queue', async () => {
    const asked = new Promise<void>((resolve) => {
      handler = () => resolve();
    });
    const reading = rejection(client.getJson('/api', {}));
    await asked;
    await jest.advanceTimersByTimeAsync(64_999);
    await settle();
    expect(outcomes).toEqual([]);
    await jest.advanceTimersByTimeAsync(1);
    expect(await reading).toMatchObject({
      name: 'ApiError',
      status: 0,
      reason: 'Timeout',
      message: 'no answer for 65 s',
    });
    expect(outcomes).toHaveLength(1);
  });

  test('in the middle of a body is given up', async () => {
    handler = (_, response) => void response.write('{"a":');
    const reading = rejection(client.getJson('/api', {}));
    await headersCame();
    await jest.advanceTimersByTimeAsync(65_000);
    expect(await reading).toMatchObject({ reason: 'Timeout', message: 'no answer for 65 s' });
  });

  test('in the body of an error leaves the status that it has said', async () => {
    handler = (_, response) => {
      response.writeHead(410);
      response.write('{"kind":');
    };
    const reading = rejection(client.openStream('/api', {}));
    await headersCame();
    await jest.advanceTimersByTimeAsync(65_000);
    expect(await reading).toMatchObject({ status: 410, message: 'HTTP status 410' });
  });

  test('in a stream is given up after 180 s without a byte; one that trickles is not', async () => {
    let answer: http.ServerResponse | undefined;
    handler = (_, response) => {
      answer = response;
      response.write('.');
    };
    const stream = (await client.openStream('/api', {}))[Symbol.asyncIterator]();
    for (let i = 0; i < 3; i++) {
      expect((await stream.next()).done).toBe(false);
      await jest.advanceTimersByTimeAsync(179_999);
      answer?.write('.');
    }
    await stream.next();
    const reading = rejection(stream.next());
    await jest.advanceTimersByTimeAsync(180_000);
    expect(await reading).toMatchObject({ reason: 'Timeout', message: 'no answer for 180 s' });
  });

  test('before TLS is agreed on is given up after 30 s', async () => {
    const accepted = Promise.withResolvers<void>();
    const mute = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => accepted.resolve());
    });
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    const { port } = mute.address() as AddressInfo;
    const reading = rejection(clientFor(`https://127.0.0.1:${port}`).getJson('/api', {}));
    await accepted.promise;
    await jest.advanceTimersByTimeAsync(30_000);
    expect(await reading).toMatchObject({ reason: 'Timeout', message: 'no connection for 30 s' });
    await new Promise((resolve) => mute.close(resolve));
  });

  /** The client has the status line and waits for the body. */
  async function headersCame(): Promise<void> {
    while (outcomes.length === 0) await settle();
  }
});

test('qps and burst count lists by their first page, and what is sent; watches are free', async () => {
  const clock = new FakeClock();
  const { port } = server.address() as AddressInfo;
  const limited = clientFor(`http://127.0.0.1:${port}`, { qps: 1, burst: 1, timing: clock });
  handler = (_, response) => response.end('{}');
  await limited.getJson('/first', {});
  await limited.getJson('/second-page', {}, { isContinuation: true });
  await collect(await limited.openStream('/watch', {}));
  expect(clock.sleeps).toEqual([]);
  const waiting = limited.sendJson('POST', '/event', {});
  await clock.advance(999);
  expect(outcomes).toHaveLength(3);
  await clock.advance(1);
  await waiting;
  expect(outcomes.map(({ method }) => method)).toEqual(['GET', 'GET', 'GET', 'POST']);
  limited.close();
});

test('what is done for the cluster is counted by itself, and neither waits for the other', async () => {
  const clock = new FakeClock();
  const { port } = server.address() as AddressInfo;
  const limited = clientFor(`http://127.0.0.1:${port}`, { qps: 1, burst: 1, timing: clock });
  handler = (_, response) => response.end('{}');
  const patch = () => limited.sendJson('PATCH', '/status', {}, { isForCluster: true });
  await limited.sendJson('POST', '/event', {});
  for (let i = 0; i < 30; i++) await patch();
  expect(clock.sleeps).toEqual([]);
  const waiting = [patch(), patch(), limited.sendJson('PUT', '/lease', {})];
  expect(clock.sleeps).toEqual([50, 100, 1_000]);
  await clock.advance(1_000);
  await Promise.all(waiting);
  limited.close();
});

test('an exchange is told with its wait and its sizes; a watch is none, a refusal brings nothing', async () => {
  const clock = new FakeClock();
  const { port } = server.address() as AddressInfo;
  const host = `127.0.0.1:${port}`;
  const limited = clientFor(`http://${host}`, { qps: 1, burst: 1, timing: clock });
  handler = (request, response) => {
    if (request.url === '/no') response.statusCode = 403;
    response.end('"ä"');
  };
  await limited.getJson('/list', {});
  await limited.getJson('/second-page', {}, { isContinuation: true });
  await collect(await limited.openStream('/watch', {}));
  const posted = limited.sendJson('POST', '/event', 'ü');
  await clock.advance(1_000);
  await posted;
  const refused = rejection(limited.getJson('/no', {}));
  await clock.advance(1_000);
  await refused;
  expect(admissions).toEqual([
    { method: 'GET', host, waitedMs: 0 },
    { method: 'POST', host, waitedMs: 1_000 },
    { method: 'GET', host, waitedMs: 1_000 },
  ]);
  const list = { method: 'GET', host, durationMs: 0, sentBytes: 0, receivedBytes: 4 };
  expect(exchanges).toEqual([
    list,
    list,
    { method: 'POST', host, durationMs: 1_000, sentBytes: 4, receivedBytes: 4 },
    { ...list, durationMs: 1_000, receivedBytes: undefined },
  ]);
  limited.close();
});

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => new Error(`not rejected: ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
}
