/**
 * What a start asks of the API server, in requests and bytes of answers, by way of reading: N
 * Services with an EndpointSlice each and one Node at a real kube-apiserver, read by our own source
 * through a counter that makes requests look as they were, or refuses what older servers lack.
 * kube-proxy's requests are sent as its client-go does: protobuf, packed where the server packs,
 * for Go's transport asks for that by itself. Writes a table as docs/api-server.md has it.
 *
 *     node_modules/.bin/node test/bench/guest.ts [--services N]
 */
import http from 'node:http';
import type { Readable } from 'node:stream';
import { parseArgs } from 'node:util';
import { createGunzip } from 'node:zlib';
import { ApiServerSource } from '../../src/cluster/apiServerSource.ts';
import { ApiClient } from '../../src/cluster/client.ts';
import { loadClusterAccess } from '../../src/cluster/kubeconfig.ts';
import { ClusterStore } from '../../src/model/clusterStore.ts';
import { NO_NEEDS } from '../../src/model/kinds.ts';
import { SystemClock } from '../../src/ops/clock.ts';
import { ApiServer } from '../support/e2e/apiServer.ts';
import { CountingGate, type Disguise } from './countingGate.ts';
import { benchNode, benchService, benchSlice, NODE_NAME } from './objects.ts';

const { values } = parseArgs({ options: { services: { type: 'string', default: '1000' } } });
const services = Number(values.services);
const clock = new SystemClock();

const asIs: Disguise = (asked) => asked;
const withoutInitialEvents: Disguise = (asked) =>
  asked.url.searchParams.has('sendInitialEvents') ? undefined : asked;
const fromEtcd: Disguise = ({ url, headers }) => {
  if (url.searchParams.get('resourceVersion') === '0') url.searchParams.delete('resourceVersion');
  return withoutInitialEvents({ url, headers });
};
const unpacked =
  (disguise: Disguise): Disguise =>
  ({ url, headers }) =>
    disguise({ url, headers: { ...headers, 'accept-encoding': 'identity' } });

const STARTS: readonly (readonly [string, Disguise])[] = [
  ['pages of 500, not packed', unpacked(fromEtcd)],
  ['pages of 500, packed', fromEtcd],
  ['lists from the cache, packed', withoutInitialEvents],
  ['beginning watches, not packed', unpacked(asIs)],
  ['beginning watches, packed', asIs],
];

/** As kube-proxy 1.37 asks for the same kinds. */
const PATHS = [
  '/api/v1/services?labelSelector=!service.kubernetes.io/headless,!service.kubernetes.io/service-proxy-name&',
  '/apis/discovery.k8s.io/v1/endpointslices?labelSelector=!service.kubernetes.io/headless,!service.kubernetes.io/service-proxy-name&',
  `/api/v1/nodes?fieldSelector=metadata.name=${NODE_NAME}&`,
];
const INITIAL =
  'allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan&sendInitialEvents=true&timeoutSeconds=300&watch=true';
const PROTOBUF = 'application/vnd.kubernetes.protobuf;stream=watch';

const plane = await ApiServer.start();
const gate = new CountingGate(plane);
try {
  console.error(`creating ${services} Services`);
  const indexes = Array.from({ length: services }, (_, index) => index);
  await plane.objects.create(benchNode);
  await plane.objects.createAll(indexes.map((index) => benchService(index)));
  await plane.objects.createAll(
    indexes.map((index) => benchSlice(index, { services, endpoints: 2 })),
  );
  const master = await gate.start();
  console.log(
    '| way | requests | of these refused | bytes of answers | ms |\n| --- | --- | --- | --- | --- |',
  );
  for (const [name, disguise] of STARTS) await measure(name, disguise, () => readAll(master));
  await measure("kube-proxy's, protobuf", asIs, () => askAsKubeProxy(master));
} finally {
  gate.stop();
  await plane.stop();
}

async function measure(name: string, disguise: Disguise, start: () => Promise<void>) {
  gate.reset(disguise);
  const beginMs = performance.now();
  await start();
  const ms = Math.round(performance.now() - beginMs);
  const { requests, refusals, bytes } = gate;
  console.log(`| ${name} | ${requests} | ${refusals} | ${bytes.toLocaleString('en')} | ${ms} |`);
}

/** Until everything is known and watched. */
async function readAll(master: string): Promise<void> {
  const access = loadClusterAccess({ master, env: {} });
  const client = new ApiClient({
    access,
    userAgent: 'kube-ipvs/bench',
    qps: -1,
    burst: 0,
    timing: clock,
  });
  const source = new ApiServerSource({
    transport: client,
    server: access.server,
    timing: clock,
    scope: { nodeName: NODE_NAME, needs: NO_NEEDS },
    random: Math.random,
    log: (message) => console.error(message),
  });
  const store = new ClusterStore();
  const isWatching = Promise.withResolvers<void>();
  await source.start({
    store,
    onChange: () => undefined,
    onSynced: () => undefined,
    onProblems: () => undefined,
    onStatus: ({ isConnected, isFailing, detail }) => {
      if (isFailing) isWatching.reject(new Error(detail));
      if (isConnected) isWatching.resolve();
    },
  });
  await isWatching.promise;
  if (store.services.size < services || store.slices.size < services)
    throw new Error(`only ${store.services.size} Services were read`);
  await source.stop();
  client.close();
}

async function askAsKubeProxy(master: string): Promise<void> {
  await Promise.all(PATHS.map((path) => untilTheEnd(`${master}${path}${INITIAL}`)));
}

/** Protobuf spells the annotation of the last bookmark as it is. */
function untilTheEnd(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { accept: PROTOBUF, 'accept-encoding': 'gzip' };
    const request = http.get(url, { headers }, (response) => {
      const isPacked = response.headers['content-encoding'] === 'gzip';
      const body: Readable = isPacked ? response.pipe(createGunzip()) : response;
      let last = '';
      response.on('error', () => undefined);
      body.on('error', () => undefined);
      body.on('end', () => reject(new Error(`ended early: ${last}`)));
      body.on('data', (bytes: Buffer) => {
        last = (last + bytes.toString('latin1')).slice(-bytes.length - 200);
        if (!last.includes('k8s.io/initial-events-end')) return;
        request.destroy();
        resolve();
      });
    });
    request.on('error', reject);
  });
}
