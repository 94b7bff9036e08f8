// The whole way of an operator's installation, without a kubelet: the image's own file tree,
// started as the chart's pod template says (arguments, mounts, read-only root, capabilities,
// probes), with a token of the chart's ServiceAccount, beside a real API server, until a Service
// answers.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Image, makeImage } from '../../packaging/image/image.ts';
import { findBinary } from '../tools/kubernetes.mjs';
import { E2eCluster, eventually, NODE, ProductRun } from '../support/e2e/cluster.ts';
import type * as E2eInLab from '../support/e2e/inLab.ts';
import { endpoint, service, slice } from '../support/e2e/objects.ts';
import { accountToken } from './account.ts';
import { Helm, NAMESPACE, objectsIn, RELEASE, CHART, theOnly } from './helm.ts';
import type * as InLab from './inLab.ts';
import { Pod, podSpecOf, type SecurityContext } from './pod.ts';

const CLUSTER_IP = '10.96.0.80';
const NODE_PORT = 30080;

let cluster: E2eCluster;
let image: Image;
let helm: Helm;
let pod: Pod;
let probes: Readonly<Record<'startupProbe' | 'livenessProbe' | 'readinessProbe', Probe>>;

interface Probe {
  readonly httpGet: { readonly host: string; readonly path: string; readonly port: string };
}

beforeAll(async () => {
  image = makeImage();
  cluster = await E2eCluster.start(['--allow-privileged=true']);
  const { server } = cluster;
  helm = new Helm(server.writeKubeconfig('here'));
  const values = [`--set=apiServer.url=${server.labUrl}`, '--set=config.clusterCIDR=10.244.0.0/16'];
  helm.must('install', RELEASE, CHART, `--namespace=${NAMESPACE}`, ...values);
  const objects = objectsIn(helm.must('get', 'manifest', RELEASE, `--namespace=${NAMESPACE}`));
  const spec = podSpecOf(theOnly(objects, 'DaemonSet'));
  probes = spec.containers[0] as unknown as typeof probes;
  const { Entrypoint: entrypoint, Env: env } = image.config;
  pod = new Pod({
    spec,
    configMap: theOnly(objects, 'ConfigMap'),
    nodeName: NODE,
    image: { tree: image.tree, entrypoint, env },
    serviceAccount: { token: await accountToken(server.objects), ca: server.ca },
    folder: join(server.folder, 'pod'),
  });
  await cluster.lab.call<typeof InLab.buildPods>('test/chart/inLab.ts', 'buildPods');
  await cluster.lab.call<typeof InLab.prepareNode>(
    'test/chart/inLab.ts',
    'prepareNode',
    pod.hostPaths,
  );
  await cluster.objects.create(
    service('web', {
      type: 'NodePort',
      clusterIP: CLUSTER_IP,
      ports: [{ port: 80, targetPort: 8080, nodePort: NODE_PORT }],
    }),
  );
  await cluster.objects.create(slice('web-1', { endpoints: [endpoint('10.244.1.5')] }));
}, 600_000);

afterAll(async () => {
  helm?.close();
  await cluster?.stop();
}, 60_000);

/** Runs one container of the pod in the lab. @param run tells apart several of one container */
async function start(
  container: string,
  run = container,
  change: Partial<SecurityContext> = {},
  moreArgs: readonly string[] = [],
) {
  const logFile = join(cluster.server.folder, `${run}.log`);
  rmSync(logFile, { force: true });
  const bundle = pod.bundle({ name: container, bundle: run, change, moreArgs });
  const argv = ['crun', '--cgroup-manager=disabled', 'run', '--bundle', bundle, run];
  await startInLab(run, argv, logFile);
  return new ProductRun(cluster.lab, run, logFile);
}

function startInLab(run: string, argv: readonly string[], logFile: string): Promise<void> {
  const options = { argv, logFile };
  const module = 'test/support/e2e/inLab.ts';
  return cluster.lab.call<typeof E2eInLab.startProcess>(module, 'startProcess', run, options);
}

const ask = (from: string, address: string, port: number) =>
  cluster.lab.call<typeof InLab.ask>('test/chart/inLab.ts', 'ask', from, address, port);

const sysctls = (...names: readonly string[]) =>
  cluster.lab.call<typeof InLab.sysctls>('test/chart/inLab.ts', 'sysctls', names);

/** The lab has one processor, and a process of iptables costs it half a second. */
const synced = (run: ProductRun) =>
  eventually(() => {
    if (!run.log().includes('"first sync done"')) throw new Error(`not synced:\n${run.log()}`);
  }, 100_000);

test('without NET_ADMIN it ends and says what is missing', async () => {
  const run = await start('kube-ipvs', 'no-net-admin', {
    capabilities: { drop: ['ALL'], add: ['NET_RAW'] },
  });
  expect(await run.end()).toBe(1);
  expect(run.log()).toMatch(/CAP_NET_ADMIN/);
});

test('the init container loads the modules and sets the sysctls', async () => {
  const run = await start('init');
  expect({ code: await run.end(), log: run.log() }).toMatchObject({ code: 0 });
  expect(run.log()).toContain('the kernel has IPVS');
  expect(await sysctls('net/ipv4/ip_forward', 'net/ipv4/vs/conntrack')).toEqual({
    'net/ipv4/ip_forward': '1',
    'net/ipv4/vs/conntrack': '1',
  });
});

test('without NET_RAW it ends and says what is missing', async () => {
  const run = await start('kube-ipvs', 'no-net-raw', {
    capabilities: { drop: ['ALL'], add: ['NET_ADMIN'] },
  });
  expect(await run.end()).toBe(1);
  expect(run.log()).toMatch(/CAP_NET_RAW/);
});

test('with the two capabilities and a read-only root it runs, and its Services answer', async () => {
  const run = await start('kube-ipvs');
  await synced(run);
  expect(await ask('client', CLUSTER_IP, 80)).toEqual({
    kind: 'answered',
    by: 'server',
    client: '10.244.1.4',
  });
  expect(await ask('-', CLUSTER_IP, 80)).toMatchObject({ kind: 'answered', by: 'server' });
  expect(await ask('client', '198.18.0.2', NODE_PORT)).toMatchObject({ kind: 'answered' });
  expect(run.log()).not.toMatch(/^E\d{4} /m);
}, 150_000);

test.each(['startupProbe', 'livenessProbe', 'readinessProbe'] as const)(
  'the %s finds it well',
  async (name) => {
    const { host, path, port } = probes[name].httpGet;
    expect(port).toBe('healthz');
    const url = `http://${host}:10256${path}`;
    const { status } = await cluster.lab.call<typeof E2eInLab.httpGet>(
      'test/support/e2e/inLab.ts',
      'httpGet',
      url,
    );
    expect(status).toBe(200);
  },
);

test('a change of the Service arrives while it runs', async () => {
  await cluster.objects.patch(slice('web-1'), { endpoints: [] });
  await eventually(async () => {
    expect(await ask('client', CLUSTER_IP, 80)).toEqual({ kind: 'refused' });
  });
  await cluster.objects.patch(slice('web-1'), { endpoints: [endpoint('10.244.1.5')] });
  await eventually(async () => {
    expect(await ask('client', CLUSTER_IP, 80)).toMatchObject({ kind: 'answered' });
  });
});

test('a person in the container lists what is programmed', async () => {
  const { status, stdout } = await cluster.lab.exec([
    'crun',
    'exec',
    'kube-ipvs',
    '/usr/local/bin/ipvsadm',
    '-Ln',
  ]);
  expect(status).toBe(0);
  expect(stdout).toContain(`TCP  ${CLUSTER_IP}:80 rr`);
});

test('what is programmed stays when the pod is replaced', async () => {
  const before = await cluster.kernel();
  expect(await new ProductRun(cluster.lab, 'kube-ipvs', '').end('SIGTERM')).toBe(0);
  expect(await cluster.kernel()).toEqual(before);
  expect(await ask('client', CLUSTER_IP, 80)).toMatchObject({ kind: 'answered' });
  const next = await start('kube-ipvs', 'next');
  await synced(next);
  expect(await cluster.kernel()).toEqual(before);
  expect(await next.end('SIGTERM')).toBe(0);
}, 150_000);

test('it does not start beside the real kube-proxy, whose process it cannot see, unless it takes over', async () => {
  const binary = findBinary('kube-proxy');
  if (binary === undefined) throw new Error('no kube-proxy: run npm test -- chart, which gets it');
  const argv = [binary, '--proxy-mode=ipvs', `--hostname-override=${NODE}`, ...cluster.apiFlags()];
  const logFile = join(cluster.server.folder, 'kube-proxy.log');
  await startInLab('kube-proxy', argv, logFile);
  await eventually(async () => {
    expect((await cluster.metricsServer('/proxyMode')).body).toBe('ipvs');
  });
  const refused = await start('kube-ipvs', 'refused');
  expect(await refused.end()).toBe(1);
  expect(refused.log()).toMatch(/127\.0\.0\.1:10249 answers \/proxyMode with ipvs.*--takeover/);
  const taking = await start('kube-ipvs', 'taking', {}, ['--takeover']);
  await eventually(() =>
    expect(taking.log()).toContain('waiting for another Service proxy to end'),
  );
  await new ProductRun(cluster.lab, 'kube-proxy', logFile).end('SIGTERM');
  await synced(taking);
  expect(taking.log()).toContain('taking over what it left');
  await taking.end('SIGTERM');
}, 400_000);
