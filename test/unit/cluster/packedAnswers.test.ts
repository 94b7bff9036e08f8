/** Answers that the server packed: lists and beginning watches, whole and broken. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { ApiClient } from '../../../src/cluster/client.ts';
import { loadClusterAccess } from '../../../src/cluster/kubeconfig.ts';
import { Reflector, type ReflectorState } from '../../../src/cluster/reflector.ts';
import { ClusterStore } from '../../../src/model/clusterStore.ts';
import { KINDS, NO_NEEDS } from '../../../src/model/kinds.ts';
import { SystemClock } from '../../../src/ops/clock.ts';
import { listOf, rawService } from './scriptedTransport.ts';

type Handler = (request: http.IncomingMessage, response: http.ServerResponse) => void;

const PACKED = { 'Content-Encoding': 'gzip' };

let server: http.Server;
let handler: Handler;
let client: ApiClient;
let connections: number;

beforeEach(async () => {
  connections = 0;
  server = http.createServer((request, response) => handler(request, response));
  server.on('connection', () => connections++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  client = new ApiClient({
    access: loadClusterAccess({ master: `http://127.0.0.1:${port}` }),
    userAgent: 'kube-ipvs/test',
    qps: -1,
    burst: 0,
    timing: new SystemClock(),
  });
});

afterEach(async () => {
  client.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test('a packed list is read whole, and its connection is kept', async () => {
  const list = listOf('7', [rawService('a', '1')]);
  handler = (request, response) => {
    expect(request.headers['accept-encoding']).toBe('gzip');
    response.writeHead(200, PACKED).end(gzipSync(JSON.stringify(list)));
  };
  expect(await client.getJson('/api/v1/services', {})).toEqual(list);
  expect(await client.getJson('/api/v1/services', {})).toEqual(list);
  expect(connections).toBe(1);
});

test('what is posted, and a watch from a version, are asked for as they are', async () => {
  const asked: unknown[] = [];
  handler = (request, response) => {
    asked.push(request.headers['accept-encoding']);
    response.end('{}');
  };
  await client.sendJson('POST', '/events', {});
  const stream = await client.openStream('/api/v1/services', { watch: '1' });
  for await (const piece of stream) expect(String(piece)).toBe('{}');
  expect(asked).toEqual([undefined, undefined]);
});

test('a refusal may come packed too', async () => {
  const status = { kind: 'Status', code: 403, reason: 'Forbidden', message: 'not you' };
  handler = (_, response) => {
    response.writeHead(403, PACKED).end(gzipSync(JSON.stringify(status)));
  };
  await expect(client.getJson('/x', {})).rejects.toMatchObject({ status: 403, message: 'not you' });
});

const whole = gzipSync(JSON.stringify(listOf('7', [])));

test.each([
  ['is no gzip', 'gzip', Buffer.from('{"items":[]}'), 'incorrect header check'],
  ['ends too early', 'gzip', whole.subarray(0, -10), 'unexpected end of file'],
  ['is damaged', 'gzip', Buffer.from(whole).fill(0xff, 12, 30), 'invalid'],
  ['came with what nobody asked for', 'br', whole, 'packed with "br"'],
])('a body that %s is an error that says so', async (_, encoding, body, reason) => {
  handler = (_request, response) => {
    response.writeHead(200, { 'Content-Encoding': encoding }).end(body);
  };
  const failure = client.getJson('/api/v1/services', {});
  await expect(failure).rejects.toMatchObject({
    name: 'ApiError',
    reason: 'Protocol',
    message: expect.stringContaining(reason),
  });
});

test('a connection that breaks in the middle of a packed body is told as that', async () => {
  handler = (_, response) => {
    response.writeHead(200, PACKED).write(whole.subarray(0, 20), () => response.destroy());
  };
  await expect(client.getJson('/x', {})).rejects.toMatchObject({ reason: 'ECONNRESET' });
});

test('a damaged list is asked for again, and a packed beginning of a watch is told as it comes', async () => {
  let isDamaged = true;
  const next = Promise.withResolvers<void>();
  const packed = (...events: readonly object[]) =>
    gzipSync(events.map((event) => `${JSON.stringify(event)}\n`).join(''));
  handler = (request, response) => {
    if (!request.url?.includes('sendInitialEvents')) return response.writeHead(500).end('{}');
    response.writeHead(200, PACKED);
    if (isDamaged) {
      isDamaged = false;
      return response.end('{"type":');
    }
    response.write(packed({ type: 'ADDED', object: rawService('a', '1') }));
    // Until then it is not over: what was flushed has to be there before.
    void next.promise.then(() => {
      const annotations = { 'k8s.io/initial-events-end': 'true' };
      const object = { metadata: { resourceVersion: '7', annotations } };
      response.write(packed({ type: 'BOOKMARK', object }));
    });
    return undefined;
  };
  const states: ReflectorState[] = [];
  const told: string[] = [];
  const isListed = Promise.withResolvers<void>();
  const reflector = new Reflector({
    kind: KINDS.Service,
    selectors: KINDS.Service.selectors({ nodeName: 'node-1', needs: NO_NEEDS }),
    transport: client,
    timing: new SystemClock(),
    random: () => 0,
    listener: {
      store: new ClusterStore(),
      onChange: ({ key }) => {
        told.push(key);
        next.resolve();
      },
      onProblems: () => undefined,
      onListed: () => isListed.resolve(),
      onState: (state) => states.push(state),
    },
  });
  reflector.start();
  await isListed.promise;
  await reflector.stop();
  expect(told).toEqual(['default/a']);
  expect(states).toEqual([
    expect.objectContaining({
      phase: 'failing',
      detail: expect.stringMatching(/^list services: .*no gzip.*; retry in 0\.1 s$/),
    }),
    { phase: 'watching' },
  ]);
});

test('a list in another form is asked for as one, and taken as it comes', async () => {
  const accepted: (string | undefined)[] = [];
  handler = ({ headers }, response) => {
    accepted.push(headers.accept);
    response.end(JSON.stringify(listOf('1', [])));
  };
  await client.getJson('/api/v1/nodes', {}, { form: 'MetadataOnly' });
  await client.getJson('/api/v1/nodes', {}, { form: 'Table' });
  await client.getJson('/api/v1/nodes', {});
  expect(accepted).toEqual([
    'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json',
    'application/json;as=Table;g=meta.k8s.io;v=v1,application/json',
    'application/json',
  ]);
});
