import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import type { Running } from '../../../src/feature/feature.ts';
import { localhostNodePorts } from '../../../src/localhostports/shell/feature.ts';
import type { ObjectState } from '../../../src/model/clusterStore.ts';
import { slimEndpointSlice } from '../../../src/model/slimEndpointSlice.ts';
import { slimService } from '../../../src/model/slimService.ts';
import { settle } from '../../support/program/fakeClock.ts';
import { FakeFeatureHost } from '../../support/program/featureHost.ts';
import { rawService, rawSlice } from '../../support/objects/rawObjects.ts';

let running: Running | undefined;
const blockers: Server[] = [];
afterEach(async () => {
  await running?.stop();
  await Promise.all(blockers.splice(0).map((each) => new Promise((done) => each.close(done))));
});

/** Something listens there. @returns its port, which is free elsewhere */
async function taken(address: string): Promise<number> {
  const server = createServer();
  blockers.push(server);
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  return (server.address() as AddressInfo).port;
}

/** Sockets take moments that no clock tells. */
async function become(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 10_000; i++) {
    if (await isSo()) return;
    await settle();
  }
  throw new Error('it does not come to be so');
}

async function start(...addresses: readonly string[]) {
  const host = new FakeFeatureHost();
  running = await localhostNodePorts(addresses).start(host);
  const put = (state: ObjectState) => {
    const change = host.cluster.put(state);
    if (change !== undefined) running!.changed!(change);
  };
  const cluster = (nodePort: number) => {
    const ports = [{ name: 'http', port: 80, protocol: 'TCP', nodePort }];
    const { object } = slimService(rawService({ type: 'NodePort', ports }));
    put({ kind: 'Service', key: 'default/web', object });
    const slice = slimEndpointSlice(rawSlice()).object;
    put({ kind: 'EndpointSlice', key: 'default/web-1', object: slice });
    running!.roundDone!();
  };
  const metric = async (name: string) => {
    const text = await host.metrics.metrics();
    return Number(new RegExp(`^kubeipvs_localhost_node_port_${name} (.*)$`, 'm').exec(text)?.[1]);
  };
  const until = (listeners: number) =>
    become(async () => (await metric('listeners')) === listeners);
  return { host, put, cluster, metric, until };
}

/** @returns why not, or nothing */
function reachable(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.once('connect', () => resolve(undefined));
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    socket.once('close', () => undefined);
    socket.once('connect', () => socket.destroy());
  });
}

test('a nodePort is listened on at the asked addresses and no other, as long as it is there', async () => {
  const { cluster, put, until } = await start('127.0.0.1', '127.0.0.7');
  const port = await taken('127.0.0.9');
  cluster(port);
  await until(2);
  expect(await reachable('127.0.0.1', port)).toBeUndefined();
  expect(await reachable('127.0.0.7', port)).toBeUndefined();
  expect(await reachable('127.0.0.2', port)).toBe('ECONNREFUSED');
  put({ kind: 'Service', key: 'default/web', object: undefined });
  running!.roundDone!();
  await until(0);
  expect(await reachable('127.0.0.1', port)).toBe('ECONNREFUSED');
});

test('a place that is taken is a condition, and tried again until it is free', async () => {
  const { host, cluster, until } = await start('127.0.0.1');
  const port = await taken('127.0.0.1');
  cluster(port);
  await become(() => host.log.lines.length > 0);
  expect(host.log.lines[0]).toContain(
    `error nodePort ${port} of default/web:http is not served at 127.0.0.1: it cannot be listened on`,
  );
  await new Promise((done) => blockers.pop()!.close(done));
  await host.clock.advance(5_000);
  await until(1);
  expect(host.log.lines.slice(1)).toEqual([
    'info the nodePort is listened on at the loopback address',
  ]);
});

test('the end closes everything', async () => {
  const { cluster, until } = await start('127.0.0.1');
  const port = await taken('127.0.0.9');
  cluster(port);
  await until(1);
  await running!.stop();
  running = undefined;
  expect(await reachable('127.0.0.1', port)).toBe('ECONNREFUSED');
});
