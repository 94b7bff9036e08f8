/** `plan` from an API server, which stands here as a plain HTTP server on the loopback device. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { runCommand, Scratch } from '../../support/program/command.ts';

const LISTS: Readonly<Record<string, readonly object[]>> = {
  '/api/v1/services': [
    {
      metadata: { name: 'web', namespace: 'default' },
      spec: { clusterIP: '10.96.0.20', clusterIPs: ['10.96.0.20'], ports: [{ port: 80 }] },
    },
    {
      metadata: { name: 'bad', namespace: 'default' },
      spec: { clusterIP: '10.96.0.21', clusterIPs: ['10.96.0.21'], ports: [{ port: 0 }] },
    },
  ],
  '/apis/discovery.k8s.io/v1/endpointslices': [
    {
      metadata: {
        name: 'web-1',
        namespace: 'default',
        labels: { 'kubernetes.io/service-name': 'web' },
      },
      addressType: 'IPv4',
      ports: [{ name: '', port: 8080 }],
      endpoints: [{ addresses: ['10.244.1.5'], conditions: { ready: true } }],
    },
  ],
  '/api/v1/nodes': [{ metadata: { name: 'n1' }, spec: {}, status: { addresses: [] } }],
};

let server: http.Server;
let url: string;
let scratch: Scratch;
let host: string;
beforeAll(async () => {
  server = http.createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
    const items = LISTS[pathname];
    response.setHeader('Content-Type', 'application/json');
    if (items === undefined) response.writeHead(404).end('{}');
    else if (searchParams.has('sendInitialEvents')) response.writeHead(422).end('{}');
    else if (searchParams.has('watch')) response.writeHead(200).flushHeaders();
    else response.end(JSON.stringify({ kind: 'List', metadata: { resourceVersion: '7' }, items }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  scratch = await Scratch.make();
  host = await scratch.write('host.yaml', 'nodeName: n1\n');
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await scratch.remove();
});

test('one complete list is read, with what is wrong in it, and the watches are ended', async () => {
  const { exitCode, stdout } = await runCommand([
    'plan',
    '--master',
    url,
    '--host',
    host,
    '-o',
    'json',
  ]);
  expect(exitCode).toBe(0);
  const { desired, problems } = JSON.parse(stdout) as {
    desired: { virtualServers: readonly { address: string; destinations: readonly unknown[] }[] };
    problems: readonly { path: string }[];
  };
  expect(desired.virtualServers).toEqual([
    expect.objectContaining({
      address: '10.96.0.20',
      destinations: [expect.objectContaining({ address: '10.244.1.5', port: 8080 })],
    }),
  ]);
  expect(problems.map(({ path }) => path)).toEqual(['Service/default/bad.spec.ports[0].port']);
});

test('a kubeconfig with a wrong server is bad input', async () => {
  const { exitCode, stderr } = await runCommand(['plan', '--master', 'not a url', '--host', host]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain('--master');
});
