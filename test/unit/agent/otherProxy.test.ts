import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { checkOtherProxies, findProxies, placesOf } from '../../../src/agent/otherProxy.ts';
import type { ResolvedConfig } from '../../../src/config/resolve.ts';
import { HttpServer } from '../../../src/ops/httpServer.ts';

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
const look = ({ metrics = 1, health = 1 }) =>
  findProxies({ metrics: at(metrics), health: at(health), procfs });

test('an empty node has no other proxy', async () => {
  expect(await look({})).toEqual([]);
});

test.each(['iptables', 'ipvs', 'nftables'])('kube-proxy in mode %s is seen', async (mode) => {
  const metrics = await serve({ '/proxyMode': mode });
  expect(await look({ metrics })).toEqual([
    { isOurs: false, evidence: `${LOOPBACK}:${metrics} answers /proxyMode with ${mode}` },
  ]);
});

test('a proxy that keeps its metrics elsewhere is seen by its health port', async () => {
  const health = await serve({ '/healthz': healthBody });
  expect(await look({ health })).toMatchObject([{ isOurs: false }]);
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
  const began = performance.now();
  expect(await look({ metrics: (server.address() as AddressInfo).port })).toEqual([]);
  expect(performance.now() - began).toBeLessThan(3_000);
});

test('an instance of ours is told from kube-proxy', async () => {
  const answer = { status: 200, contentType: 'text/plain', body: 'ipvs' };
  const server = new HttpServer({
    name: 'metrics',
    address: { host: LOOPBACK, port: 0 },
    routes: new Map([['/proxyMode', () => answer]]),
    isHardFail: true,
    clock: { sleep: async () => {}, monotonicMs: () => 0 },
    onError: () => {},
  });
  await server.start();
  closing.push(() => server.close());
  expect(await look({ metrics: server.port! })).toMatchObject([{ isOurs: true }]);
});

test('a kube-proxy process counts in this network namespace only', async () => {
  await addProcess(10, 'kubelet');
  await addProcess(11, 'kube-proxy', { net: 'net:[2]' });
  expect(await look({})).toEqual([]);
  await addProcess(12, 'kube-proxy');
  expect(await look({})).toEqual([{ isOurs: false, evidence: 'process 12 is kube-proxy' }]);
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

function check(port: number, isTakeover: boolean) {
  const warnings: string[] = [];
  const log = { warning: (message: string) => warnings.push(message) };
  const config = { metricsAddress: { address: LOOPBACK, port }, isTakeover } as ResolvedConfig;
  return { warnings, done: checkOtherProxies(config, log as never) };
}

test('the start is refused with what to do, unless --takeover', async () => {
  const port = await serve({ '/proxyMode': 'iptables' });
  await expect(check(port, false).done).rejects.toThrow(
    /answers \/proxyMode with iptables.*delete daemonset kube-proxy.*--takeover/,
  );
  const { warnings, done } = check(port, true);
  await done;
  expect(warnings).toEqual(['starting beside another Service proxy, as --takeover asks']);
});
