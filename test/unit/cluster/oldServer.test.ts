/**
 * The source with its real client against an HTTP server that answers as kube-apiserver 1.30.14
 * does, which has no initial events, and whose scheme knows no field `spec.clusterIP` of Services
 * (ConvertFieldLabel there gives exactly this text).
 */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { ApiServerSource } from '../../../src/cluster/apiServerSource.ts';
import { ApiClient } from '../../../src/cluster/client.ts';
import { loadClusterAccess } from '../../../src/cluster/kubeconfig.ts';
import { servicePorts } from '../../../src/model/service.ts';
import { ClusterStore } from '../../../src/model/clusterStore.ts';
import { NO_NEEDS } from '../../../src/model/kinds.ts';
import { SystemClock } from '../../../src/ops/clock.ts';
import { listOf, NO_INITIAL_EVENTS, rawService } from './scriptedTransport.ts';

const REFUSAL = {
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message:
    '"spec.clusterIP" is not a known field selector: only "metadata.name", "metadata.namespace"',
  reason: 'BadRequest',
  code: 400,
};
const WITHOUT_INITIAL_EVENTS = {
  ...REFUSAL,
  message: NO_INITIAL_EVENTS,
  reason: 'Invalid',
  code: 422,
};
const HEADLESS = {
  metadata: { namespace: 'default', name: 'headless', resourceVersion: '2' },
  spec: { clusterIP: 'None', clusterIPs: ['None'], ports: [{ port: 80 }] },
};

const JSON_TYPE = { 'Content-Type': 'application/json' };

let server: http.Server;
let asked: string[];

beforeEach(async () => {
  asked = [];
  server = http.createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://x');
    const kind = pathname.split('/').at(-1);
    const isInitial = searchParams.has('sendInitialEvents');
    const verb = isInitial ? 'read' : searchParams.has('watch') ? 'watch' : 'list';
    const selector = searchParams.get('fieldSelector');
    asked.push(`${verb} ${kind} ${selector ?? '-'}`);
    if (isInitial) {
      response.writeHead(422, JSON_TYPE).end(JSON.stringify(WITHOUT_INITIAL_EVENTS));
    } else if (selector !== null) {
      response.writeHead(400, JSON_TYPE).end(JSON.stringify(REFUSAL));
    } else if (verb === 'watch') {
      response.writeHead(200).flushHeaders();
    } else {
      const items = kind === 'services' ? [rawService('web', '1'), HEADLESS] : [];
      response.end(JSON.stringify(listOf('7', items)));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test('a server before 1.31 is listed and watched, and what is headless is not served', async () => {
  const { port } = server.address() as AddressInfo;
  const access = loadClusterAccess({ master: `http://127.0.0.1:${port}`, env: {} });
  const timing = new SystemClock();
  const transport = new ApiClient({ access, userAgent: 'x', qps: -1, burst: 0, timing });
  const source = new ApiServerSource({
    transport,
    server: access.server,
    timing,
    scope: { nodeName: 'node-1', needs: NO_NEEDS },
    random: Math.random,
  });
  const store = new ClusterStore();
  const failures: string[] = [];
  const watching = Promise.withResolvers<void>();
  try {
    await source.start({
      store,
      onChange: () => undefined,
      onSynced: () => undefined,
      onProblems: (origin) => failures.push(origin),
      onStatus: ({ isConnected, isFailing, detail }) => {
        if (isFailing) failures.push(detail);
        if (isConnected) watching.resolve();
      },
    });
    await watching.promise;
  } finally {
    await source.stop();
    transport.close();
  }
  expect(failures).toEqual([]);
  expect(asked.filter((line) => line.includes('services')).toSorted()).toEqual([
    'list services -',
    'list services spec.clusterIP!=None,spec.type!=ExternalName',
    'read services spec.clusterIP!=None,spec.type!=ExternalName',
    'watch services -',
  ]);
  const served = [...store.services].filter(([, each]) => servicePorts(each).ports.length > 0);
  expect(served.map(([name]) => name)).toEqual(['default/web']);
});
