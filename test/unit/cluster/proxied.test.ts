/**
 * Requests through proxies, which are played here: what they are asked for, and what comes back.
 */
import http from 'node:http';
import https from 'node:https';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { ApiClient } from '../../../src/cluster/client.ts';
import { loadClusterAccess } from '../../../src/cluster/kubeconfig.ts';
import { SystemClock } from '../../../src/ops/clock.ts';
import { base64, CERTIFICATE, KEY } from '../../support/objects/certificates.ts';

let folder: string;
let api: https.Server;
let asked: string[];
const ends: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'proxied-'));
  asked = [];
  api = https.createServer({ cert: CERTIFICATE, key: KEY }, (request, response) => {
    response.end(JSON.stringify({ host: request.headers.host }));
  });
  await listening(api);
});

afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  rmSync(folder, { recursive: true });
});

/** @returns the port */
async function listening(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

function clientOf(server: string, cluster: object = {}, env: Record<string, string> = {}) {
  const kubeconfig = path.join(folder, 'config');
  const authority = { 'certificate-authority-data': base64(CERTIFICATE) };
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      clusters: [{ name: 'c', cluster: { server, ...authority, ...cluster } }],
      contexts: [{ name: 'x', context: { cluster: 'c' } }],
      'current-context': 'x',
    }),
  );
  const access = loadClusterAccess({ kubeconfig, env });
  const timing = new SystemClock();
  const client = new ApiClient({ access, userAgent: 'x', qps: -1, burst: 0, timing });
  ends.unshift(() => Promise.resolve(client.close()));
  return client;
}

/** Leads every tunnel to our API server, whatever its name. */
async function tunnelling(status = 200): Promise<string> {
  const proxy = http.createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.end('{"by":"proxy"}');
  });
  proxy.on('connect', (request, socket) => {
    asked.push(`CONNECT ${request.url} ${request.headers['proxy-authorization'] ?? '-'}`);
    if (status !== 200) {
      socket.end(`HTTP/1.1 ${status} No\r\n\r\n`);
      return;
    }
    const { port } = api.address() as AddressInfo;
    const onward = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    for (const each of [onward, socket]) each.on('error', () => onward.destroy());
  });
  return `127.0.0.1:${await listening(proxy)}`;
}

test('HTTPS_PROXY is asked for a tunnel, which is kept; TLS is with the API server', async () => {
  const proxy = await tunnelling();
  const env = { HTTPS_PROXY: `http://me:secret@${proxy}`, NO_PROXY: '10.0.0.0/8' };
  const client = clientOf('https://api.test:6443', {}, env);
  expect(await client.getJson('/api', {})).toEqual({ host: 'api.test:6443' });
  expect(await client.getJson('/api', {})).toEqual({ host: 'api.test:6443' });
  expect(asked).toEqual([`CONNECT api.test:6443 Basic ${base64('me:secret')}`]);
  // The machine that this node must not lose its way to.
  expect(client.peerAddresses).toEqual(new Set(['127.0.0.1']));
});

test('NO_PROXY leads past it', async () => {
  const proxy = await tunnelling();
  const { port } = api.address() as AddressInfo;
  const env = { HTTPS_PROXY: `http://${proxy}`, NO_PROXY: 'localhost' };
  const client = clientOf(`https://localhost:${port}`, {}, env);
  expect(await client.getJson('/api', {})).toEqual({ host: `localhost:${port}` });
  expect(asked).toEqual([]);
});

test('proxy-url of the kubeconfig goes before all of the environment', async () => {
  const proxy = await tunnelling();
  const env = { HTTPS_PROXY: 'http://127.0.0.1:1', NO_PROXY: '*' };
  const client = clientOf('https://127.0.0.1:6443', { 'proxy-url': `http://${proxy}` }, env);
  expect(await client.getJson('/api', {})).toEqual({ host: '127.0.0.1:6443' });
  expect(asked).toEqual(['CONNECT 127.0.0.1:6443 -']);
});

test('a server of plain http is asked for through HTTP_PROXY', async () => {
  const proxy = await tunnelling();
  const client = clientOf('http://api.test:8080', {}, { HTTP_PROXY: proxy });
  expect(await client.getJson('/api', {})).toEqual({ by: 'proxy' });
  expect(asked).toEqual(['GET http://api.test:8080/api']);
});

test('an error on the way names the proxy and where it is written, without its password', async () => {
  const proxy = await tunnelling(407);
  const env = { HTTPS_PROXY: `http://me:secret@${proxy}` };
  await expect(clientOf('https://api.test', {}, env).getJson('/api', {})).rejects.toMatchObject({
    status: 0,
    message: expect.stringMatching(
      new RegExp(`407 No.*, through the proxy http://${proxy} of HTTPS_PROXY$`),
    ),
  });
  const away = clientOf('https://api.test', { 'proxy-url': 'http://127.0.0.1:1' });
  await expect(away.getJson('/api', {})).rejects.toThrow(
    /ECONNREFUSED 127.0.0.1:1, through the proxy http:\/\/127.0.0.1:1 of the kubeconfig$/,
  );
});

test('a certificate that is not accepted is told as such behind a proxy too', async () => {
  const proxy = await tunnelling();
  const client = clientOf('https://other.test', { 'proxy-url': `http://${proxy}` });
  await expect(client.getJson('/api', {})).rejects.toThrow(
    /^the server's certificate is not accepted: it is for another host name/,
  );
});

test('a proxy that speaks SOCKS looks the name up itself', async () => {
  const proxy = createServer((socket) => {
    socket.once('data', () => {
      socket.write(Uint8Array.of(5, 0));
      socket.once('data', (request) => {
        // version, CONNECT, 0, a name: length and text, port
        const name = request.subarray(5, 5 + request[4]!).toString();
        asked.push(`${request[3]} ${name}:${request.readUInt16BE(5 + request[4]!)}`);
        const onward = connect((api.address() as AddressInfo).port, '127.0.0.1', () => {
          socket.write(Uint8Array.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0));
          onward.pipe(socket).pipe(onward);
        });
        for (const each of [onward, socket]) each.on('error', () => onward.destroy());
      });
    });
  });
  const port = await listening(proxy);
  const client = clientOf('https://api.test:6443', { 'proxy-url': `socks5://127.0.0.1:${port}` });
  expect(await client.getJson('/api', {})).toEqual({ host: 'api.test:6443' });
  expect(asked).toEqual(['3 api.test:6443']);
});
