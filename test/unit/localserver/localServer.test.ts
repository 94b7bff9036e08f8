/** What the running proxy tells on its socket, read as `list --services` reads it. */
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type DesiredState, serverKey, type VirtualServer } from '../../../src/dataplane/state.ts';
import { VIRTUAL_SERVERS_PATH } from '../../../src/localserver/serverLines.ts';
import { LocalServer } from '../../../src/localserver/shell/localServer.ts';
import { virtualServersRoute } from '../../../src/localserver/shell/virtualServers.ts';
import { FakeClock } from '../../support/program/fakeClock.ts';

let folder: string;
let path: string;
let state: DesiredState | undefined;
let socket: LocalServer;
const errors: string[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'socket-'));
  path = join(folder, 'below', 'agent.sock');
  state = undefined;
  errors.length = 0;
  socket = localServer();
});
afterEach(async () => {
  await socket.close();
  await rm(folder, { recursive: true });
});

const localServer = () =>
  new LocalServer({
    path,
    routes: new Map([[VIRTUAL_SERVERS_PATH, virtualServersRoute(() => state)]]),
    clock: new FakeClock(),
    onError: (text) => errors.push(text),
  });

function get(url: string, method = 'GET'): Promise<{ status: number | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    const request = http.request({ socketPath: path, path: url, method }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => (body += piece));
      response.on('end', () => resolve({ status: response.statusCode, body }));
    });
    request.on('error', reject);
    request.end();
  });
}

const server = (address: string, service: string): VirtualServer => ({
  address,
  port: 80,
  protocol: 'TCP',
  scheduler: 'rr',
  flags: [],
  service,
  destinations: new Map([
    [
      '10.244.0.1:8080',
      {
        address: '10.244.0.1',
        port: 8080,
        weight: 1,
        endpoint: 'shop/web-abc#0',
        target: 'Pod shop/web-1',
        node: 'node1',
      },
    ],
  ]),
});

function setServers(...servers: readonly VirtualServer[]): void {
  const virtualServers = new Map(servers.map((one) => [serverKey(one), one]));
  state = { virtualServers } as unknown as DesiredState;
}

test('a line of JSON for each virtual server', async () => {
  await socket.start();
  setServers(server('10.96.0.1', 'shop/web:http'), server('fd00::1', 'shop/web'));
  const { status, body } = await get(VIRTUAL_SERVERS_PATH);
  expect(status).toBe(200);
  const [first, second, ...rest] = body.split('\n');
  expect(JSON.parse(first!)).toEqual({
    server: '10.96.0.1:80/TCP',
    service: 'shop/web:http',
    destinations: [
      {
        destination: '10.244.0.1:8080',
        endpoint: 'shop/web-abc#0',
        target: 'Pod shop/web-1',
        node: 'node1',
      },
    ],
  });
  expect(JSON.parse(second!)).toMatchObject({ server: '[fd00::1]:80/TCP', service: 'shop/web' });
  expect(rest).toEqual(['']);
});

test('names select, of namespaces and of Services', async () => {
  await socket.start();
  setServers(
    server('10.96.0.1', 'shop/web:http'),
    server('10.96.0.2', 'shop/web-admin'),
    server('10.96.0.3', 'bank/web'),
  );
  const found = async (query: string) => {
    const { body } = await get(`${VIRTUAL_SERVERS_PATH}?${query}`);
    return [...body.matchAll(/"service":"([^"]+)"/g)].map((match) => match[1]);
  };
  expect(await found('namespace=shop')).toEqual(['shop/web:http', 'shop/web-admin']);
  expect(await found('service=web')).toEqual(['shop/web:http', 'bank/web']);
  expect(await found('namespace=shop&service=web')).toEqual(['shop/web:http']);
  expect(await found('namespace=none')).toEqual([]);
});

test('many virtual servers all arrive', async () => {
  await socket.start();
  const many = Array.from({ length: 2000 }, (_, i) =>
    server(`10.96.${i >> 8}.${i & 255}`, `shop/web-${i}`),
  );
  setServers(...many);
  const { body } = await get(VIRTUAL_SERVERS_PATH);
  expect(body.trimEnd().split('\n')).toHaveLength(2000);
});

test('it says so while the cluster has not been read, and takes nothing but GET', async () => {
  await socket.start();
  expect(await get(VIRTUAL_SERVERS_PATH)).toEqual({
    status: 503,
    body: 'the cluster has not been read yet\n',
  });
  expect((await get('/v1/other')).status).toBe(404);
  expect((await get(VIRTUAL_SERVERS_PATH, 'DELETE')).status).toBe(405);
});

test('only root may ask, and what an earlier process left is replaced', async () => {
  await socket.start();
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  const second = localServer();
  await second.start();
  setServers(server('10.96.0.1', 'shop/web'));
  expect((await get(VIRTUAL_SERVERS_PATH)).status).toBe(200);
  await second.close();
});

test('a path that is none is refused, and the next question is answered', async () => {
  await socket.start();
  setServers(server('10.96.0.1', 'shop/web'));
  expect((await get('//')).status).toBe(404);
  expect((await get('http://[')).status).toBe(404);
  expect((await get(VIRTUAL_SERVERS_PATH)).status).toBe(200);
  expect(errors).toEqual([]);
});

test('an answer that fails is told, and the next question is answered', async () => {
  await socket.start();
  state = { virtualServers: undefined } as unknown as DesiredState;
  expect((await get(VIRTUAL_SERVERS_PATH)).status).toBe(500);
  expect(errors).toEqual([`local server: ${VIRTUAL_SERVERS_PATH}`]);
  state = { virtualServers: new Map([['x', { service: 'a/b' }]]) } as unknown as DesiredState;
  await expect(get(VIRTUAL_SERVERS_PATH)).rejects.toThrow('socket hang up');
  expect(errors).toHaveLength(2);
  setServers(server('10.96.0.1', 'shop/web'));
  expect((await get(VIRTUAL_SERVERS_PATH)).status).toBe(200);
});

test('who leaves in the middle of an answer is nobody’s failure', async () => {
  await socket.start();
  // More than the buffers on the way hold.
  const many = Array.from({ length: 20_000 }, (_, i) =>
    server(`10.96.${i >> 8}.${i & 255}`, `s/${i}`),
  );
  setServers(...many);
  const { promise: left, resolve: leave } = Promise.withResolvers<void>();
  const request = http.get({ socketPath: path, path: VIRTUAL_SERVERS_PATH }, (response) => {
    response.once('data', () => {
      request.destroy();
      leave();
    });
  });
  request.on('error', () => undefined);
  await left;
  expect((await get('/other')).status).toBe(404);
  await socket.close();
  expect(errors).toEqual([]);
});

test('the end of an earlier process leaves the socket of a later one', async () => {
  await socket.start();
  const later = localServer();
  await later.start();
  setServers(server('10.96.0.1', 'shop/web'));
  await socket.close();
  expect((await get(VIRTUAL_SERVERS_PATH)).status).toBe(200);
  await later.close();
  await expect(stat(path)).rejects.toThrow('ENOENT');
  expect(await readdir(dirname(path))).toEqual([]);
  expect(errors).toEqual([]);
});

test('a path where no socket can be fails the start, and works when it can be', async () => {
  await writeFile(join(folder, 'below'), '');
  await expect(socket.start()).rejects.toThrow('EEXIST');
  await rm(join(folder, 'below'));
  await socket.start();
  setServers(server('10.96.0.1', 'shop/web'));
  expect((await get(VIRTUAL_SERVERS_PATH)).status).toBe(200);
  expect(errors).toEqual([]);
});
