import { appendFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { METRICS_NOT_SERVED } from '../../../src/agent/conditions.ts';
import { findProxies, placesOf } from '../../../src/node/otherProxy.ts';
import { Conditions } from '../../../src/ops/conditions.ts';
import { HttpServer } from '../../../src/ops/httpServer.ts';
import { FakeClock } from '../../support/program/fakeClock.ts';

const LOOPBACK = '127.0.0.1';
const healthBody =
  '{"lastUpdated": "2026-01-01 10:00:00 UTC","currentTime": "2026-01-01 10:00:00 UTC"}';

let procfs: string;
const closing: (() => unknown)[] = [];

beforeEach(async () => {
  procfs = await mkdtemp(join(tmpdir(), 'procfs-'));
  await link('self/ns/net', 'net:[1]');
});

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  await rm(procfs, { recursive: true });
});

async function link(path: string, target: string) {
  await mkdir(dirname(join(procfs, path)), { recursive: true });
  await symlink(target, join(procfs, path));
}

async function addProcess(pid: number, comm: string, { exe = '/x', net = 'net:[1]' } = {}) {
  await link(`${pid}/ns/net`, net);
  await link(`${pid}/exe`, exe);
  await writeFile(join(procfs, `${pid}/comm`), `${comm}\n`);
}

/** As Go's servers answer: without a Server header. */
async function serve(answers: Record<string, string>): Promise<number> {
  const server = http.createServer((request, response) => {
    const body = answers[request.url ?? ''];
    response.writeHead(body === undefined ? 404 : 200).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
  closing.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

const at = (port: number) => [{ address: LOOPBACK, port }];
/** However busy the machine is: nothing but a test of the limit itself waits for it. */
const PATIENT_MS = 60_000;
const look = ({ metrics = 1, health = 1, answerTimeoutMs = PATIENT_MS }) =>
  findProxies({ metrics: at(metrics), health: at(health), procfs, answerTimeoutMs });

test('an empty node has no other proxy', async () => {
  expect(await look({})).toEqual([]);
});

test.each(['iptables', 'ipvs', 'nftables', 'userspace'])(
  'kube-proxy in mode %s is seen',
  async (mode) => {
    const metrics = await serve({ '/proxyMode': mode });
    expect(await look({ metrics })).toEqual([
      { kind: 'kube-proxy', evidence: `${LOOPBACK}:${metrics} answers /proxyMode with ${mode}` },
    ]);
  },
);

test('a proxy that keeps its metrics elsewhere is seen by its health port', async () => {
  const health = await serve({ '/healthz': healthBody });
  expect(await look({ health })).toMatchObject([{ kind: 'kube-proxy' }]);
});

test('other servers on these ports are no proxies', async () => {
  const port = await serve({ '/proxyMode': '<html>', '/healthz': 'ok' });
  expect(await look({ metrics: port, health: port })).toEqual([]);
});

test('a server that never answers does not hold up the start', async () => {
  const server = http.createServer(() => {});
  await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
  closing.push(() => server.closeAllConnections());
  closing.push(() => server.close());
  const metrics = (server.address() as AddressInfo).port;
  expect(await look({ metrics, answerTimeoutMs: 1 })).toEqual([]);
});

test('an instance of ours is told from kube-proxy', async () => {
  const answer = { status: 200, contentType: 'text/plain', body: 'ipvs' };
  const clock = new FakeClock();
  const server = new HttpServer({
    name: 'metrics',
    at: { address: LOOPBACK, port: 0 },
    routes: new Map([['/proxyMode', () => answer]]),
    isHardFail: true,
    clock,
    conditions: new Conditions({ known: [], tellers: [], clock }),
    notListening: METRICS_NOT_SERVED,
    onError: () => {},
  });
  await server.start();
  closing.push(() => server.close());
  expect(await look({ metrics: server.port! })).toMatchObject([{ kind: 'ours' }]);
});

test('a kube-proxy process counts in this network namespace only', async () => {
  await addProcess(10, 'kubelet');
  await addProcess(11, 'kube-proxy', { net: 'net:[2]' });
  expect(await look({})).toEqual([]);
  await addProcess(12, 'kube-proxy');
  expect(await look({})).toEqual([{ kind: 'kube-proxy', evidence: 'process 12 is kube-proxy' }]);
});

test('a process of another user may have that name and is none', async () => {
  await addProcess(11, 'kube-proxy');
  await writeFile(join(procfs, '11', 'status'), 'Name:\tx\nUid:\t0\t1000\t1000\t1000\n');
  const pretender = { kind: 'pretender', evidence: 'process 11 of user 1000 is named kube-proxy' };
  expect(await look({})).toEqual([pretender]);
  await addProcess(12, 'kube-proxy');
  await writeFile(join(procfs, '12', 'status'), 'Name:\tx\nUid:\t0\t0\t0\t0\n');
  expect(await look({})).toEqual([
    pretender,
    { kind: 'kube-proxy', evidence: 'process 12 is kube-proxy' },
  ]);
});

test('ours, started under the name kube-proxy, is not mistaken for it', async () => {
  await addProcess(12, 'kube-proxy', { exe: '/usr/local/bin/node' });
  expect(await look({})).toEqual([]);
});

test('the default ports are asked beside the configured ones, wildcards on the loopback', () => {
  const { metrics, health } = placesOf({
    metricsAddress: { address: '::', port: 9999 },
    healthAddress: { address: '0.0.0.0', port: 10256 },
  });
  expect(metrics).toEqual([
    { address: LOOPBACK, port: 10249 },
    { address: '::1', port: 9999 },
  ]);
  expect(health).toEqual([{ address: LOOPBACK, port: 10256 }]);
});

/** A line of /proc/net/tcp or tcp6, as a little-endian machine prints it. */
async function addListener(table: 'tcp' | 'tcp6', address: string, port: number, user: number) {
  const place = `${address}:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const file = join(procfs, 'net', table);
  await mkdir(dirname(file), { recursive: true });
  await appendFile(
    file,
    `   0: ${place} ${address.replaceAll(/./g, '0')}:0000 0A 00000000:00000000 00:00000000 00000000 ${String(user).padStart(5)}        0 1061 1 00000000dd781f33 100 0 0 10 0\n`,
  );
}

const V4_LOOPBACK = '0100007F';
const MAPPED_LOOPBACK = '0000000000000000FFFF00000100007F';
const V6_ANY = '0'.repeat(32);

test('who answers like a proxy without being root is none', async () => {
  const port = await serve({ '/proxyMode': 'ipvs', '/healthz': healthBody });
  await addListener('tcp', V4_LOOPBACK, port, 1000);
  await addListener('tcp6', V6_ANY, port, 0);
  expect(await look({ metrics: port, health: port })).toEqual([
    {
      kind: 'pretender',
      evidence: `${LOOPBACK}:${port} answers /proxyMode with ipvs, and belongs to user 1000`,
    },
    {
      kind: 'pretender',
      evidence: `${LOOPBACK}:${port} answers /healthz as a proxy does, and belongs to user 1000`,
    },
  ]);
});

test.each<['tcp' | 'tcp6', string]>([
  ['tcp', V4_LOOPBACK],
  ['tcp6', MAPPED_LOOPBACK],
  ['tcp', '00000000'],
  ['tcp6', V6_ANY],
])('root’s port in %s %s may be kube-proxy’s', async (table, address) => {
  const port = await serve({ '/proxyMode': 'ipvs' });
  await addListener(table, address, port, 0);
  await addListener('tcp', V4_LOOPBACK, port + 1, 1000);
  expect(await look({ metrics: port })).toMatchObject([{ kind: 'kube-proxy' }]);
});

test('a process that ends while it is looked at is no failure', async () => {
  await mkdir(join(procfs, '9'));
  await addProcess(12, 'kube-proxy');
  expect(await look({})).toMatchObject([{ evidence: 'process 12 is kube-proxy' }]);
});
