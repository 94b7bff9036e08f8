/**
 * The built product on a node beside a real cloud layer (upstream's service controller) that
 * forwards to its NodePorts: what the node holds of the cloud's addresses, and where requests go.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { patience } from '../lab/patience.ts';
import { CloudProcess, cloudToken, type CloudBalancer } from '../support/e2e/cloudProcess.ts';
import { eventually, NODE, NODE_ADDRESS } from '../support/e2e/cluster.ts';
import type { ClusterObject } from '../support/e2e/clusterObjects.ts';
import type * as InLab from '../support/e2e/inLab.ts';
import { endpoint, service, slice } from '../support/e2e/objects.ts';
import { E2eSession, gone } from '../support/e2e/session.ts';

const session = E2eSession.register({ isRunning: true });
const namespace = `e2e${process.pid}`;
const POD = '10.244.1.5';
/** the same pod by another address, for one that takes its place */
const NEXT_POD = '10.244.1.6';
/** the node's towards its pods */
const GATEWAY = '10.244.1.1';
const ADDRESS = '198.51.100.0';
const PREFIX = `${ADDRESS}/28`;
const NODE_PORT = 30080;
const HEALTH_PORT = 30081;
const PORTS = [{ port: 80, targetPort: 8080, nodePort: NODE_PORT }];

/** Answers a request with the address that it comes from. */
const SERVER = `require('http').createServer((request, response) => response.end(request.socket.remoteAddress)).listen(8080, '0.0.0.0')`;

let cloud: CloudProcess;

beforeAll(async () => {
  const { server, lab } = session.cluster;
  // The whole prefix is the cloud's own, and its way from the node leads there.
  await inCloud('ip', 'route', 'add', 'local', PREFIX, 'dev', 'lo');
  for (const line of [
    `ip route add ${PREFIX} via 198.18.0.1`,
    'ip netns add pod',
    'ip link add pod0 type veth peer name eth0 netns pod',
    `ip address add ${GATEWAY}/24 dev pod0`,
    'ip link set pod0 up',
    `ip -n pod address add ${POD}/24 dev eth0`,
    `ip -n pod address add ${NEXT_POD}/24 dev eth0`,
    'ip -n pod link set eth0 up',
    `ip -n pod route add default via ${GATEWAY}`,
  ]) {
    const { status, stderr } = await lab.exec(line.split(' '));
    if (status !== 0) throw new Error(`${line}: ${stderr}`);
  }
  const argv = ['ip', 'netns', 'exec', 'pod', 'node', '-e', SERVER];
  const logFile = `${server.folder}/pod.log`;
  await lab.call<typeof InLab.startProcess>('test/support/e2e/inLab.ts', 'startProcess', 'pod', {
    argv,
    logFile,
  });
  await eventually(async () => {
    const { status, stderr } = await lab.exec(['curl', '-sS', `http://${POD}:8080/`]);
    if (status !== 0) throw new Error(stderr);
  }, patience(60_000));
  const token = await cloudToken(server);
  cloud = await CloudProcess.start({
    plane: server,
    addresses: PREFIX,
    token,
    forwardingIn: namespace,
  });
}, 120_000);

afterAll(() => cloud?.stop());

const run = promisify(execFile);
const inCloud = (...argv: readonly string[]) => run('ip', ['netns', 'exec', namespace, ...argv]);
const curl = (port = 80) => ['curl', '-sS', '--max-time', '60', `http://${ADDRESS}:${port}/`];

/** From somewhere in the world. @returns what the pod says, its address for the client */
const fromOutside = async (port?: number) => (await inCloud(...curl(port))).stdout;

/** From the node itself, as from its pods. */
async function fromNode(): Promise<string> {
  const { status, stdout, stderr } = await session.cluster.lab.exec(curl());
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

const local = (nodeName: string) => ({ endpoints: [endpoint(POD, { nodeName })] });

async function create(says: Record<string, string>, spec: object = {}): Promise<ClusterObject> {
  const annotations = Object.fromEntries(
    Object.entries(says).map(([key, value]) => [`cloud.example/${key}`, value]),
  );
  const whole = { type: 'LoadBalancer', ports: PORTS, ...spec };
  const web = service('web', whole, { annotations });
  await session.create(web, slice('web-1', local(NODE)));
  return web;
}

const balancer = async (): Promise<CloudBalancer | undefined> =>
  (await cloud.balancers())['default/web'];

async function isHealthy(nodes: readonly string[]): Promise<void> {
  await eventually(async () => {
    expect(await balancer()).toMatchObject({ address: ADDRESS, nodes: [NODE], healthy: nodes });
  }, patience(60_000));
}

const atNodePort = [
  ...[NODE_ADDRESS, GATEWAY].map((own) => `TCP ${own}:${NODE_PORT} rr: | ${POD}:8080 Masq 1`),
  `KUBE-NODE-PORT-TCP ${NODE_PORT}`,
];
const bound = [
  `TCP ${ADDRESS}:80 rr: | ${POD}:8080 Masq 1`,
  `KUBE-LOAD-BALANCER ${ADDRESS},tcp:80`,
  `KUBE-IPVS-IPS ${ADDRESS}`,
  `bound ${ADDRESS}`,
];

test('an address of mode VIP is bound: the cloud forwards from outside, the node answers itself', async () => {
  await create({ 'ip-mode': 'VIP' });
  await session.shows(ADDRESS, bound);
  await isHealthy([NODE]);
  expect(await fromOutside()).not.toBe('');
  expect((await balancer())?.connections).toBe(1);
  expect(await fromNode()).not.toBe('');
  expect((await balancer())?.connections).toBe(1);
});

test('one of mode Proxy is not: whoever asks for it goes by way of the cloud', async () => {
  const web = await create({ 'ip-mode': 'Proxy' });
  await session.shows(`${NODE_PORT}`, atNodePort);
  await isHealthy([NODE]);
  await eventually(async () => {
    const { status } = await session.cluster.objects.get(web);
    expect(status).toMatchObject({
      loadBalancer: { ingress: [{ ip: ADDRESS, ipMode: 'Proxy' }] },
    });
  });
  expect(await fromOutside()).not.toBe('');
  expect(await fromNode()).not.toBe('');
  expect((await balancer())?.connections).toBe(2);
  await session.shows(ADDRESS, gone);

  // The annotation makes the cloud write another mode, and the node follows.
  const annotations = { 'cloud.example/ip-mode': 'VIP' };
  await session.cluster.objects.patch(web, { metadata: { annotations } });
  await session.shows(ADDRESS, bound);
  expect(await fromNode()).not.toBe('');
  expect((await balancer())?.connections).toBe(2);
});

test('with policy Local the cloud goes by the health check port, as the endpoints do', async () => {
  const spec = { externalTrafficPolicy: 'Local', healthCheckNodePort: HEALTH_PORT };
  const web = await create({ 'ip-mode': 'Proxy' }, spec);
  await isHealthy([NODE]);
  expect(await fromOutside()).toMatch(/198\.18\.0\.1$/); // the cloud's own, not the node's
  await session.cluster.objects.patch(slice('web-1'), local('elsewhere'));
  await isHealthy([]);
  await expect(fromOutside()).rejects.toThrow(/curl/);
  await session.cluster.objects.patch(slice('web-1'), local(NODE));
  await isHealthy([NODE]);
  expect(await fromOutside()).toMatch(/198\.18\.0\.1$/);

  await session.cluster.objects.patch(web, { spec: { type: 'ClusterIP' } });
  await session.shows(`${NODE_PORT}`, gone);
  await eventually(async () => expect(await cloud.balancers()).toEqual({}));
});

test('type and ports may change while requests come, as upstream has it in its e2e tests', async () => {
  const { objects } = session.cluster;
  const ports = [{ port: 80, targetPort: 8080 }];
  const web = await create({ 'ip-mode': 'Proxy' }, { type: 'ClusterIP', ports });
  await objects.patch(web, { spec: { type: 'NodePort' } });
  expect(await balancer()).toBeUndefined();
  await objects.patch(web, { spec: { type: 'LoadBalancer' } });
  await isHealthy([NODE]);
  const answers = (port?: number) =>
    eventually(async () => expect(await fromOutside(port)).not.toBe(''), patience(60_000));
  const refuses = (port?: number) =>
    eventually(() => expect(fromOutside(port)).rejects.toThrow(/curl/), patience(60_000));
  await answers();

  await objects.patch(web, { spec: { ports: PORTS } });
  await session.shows(`${NODE_PORT}`, atNodePort);
  await answers();
  await objects.patch(web, { spec: { ports: [{ ...PORTS[0], port: 81 }] } });
  await answers(81);
  await refuses(80);

  await objects.patch(slice('web-1'), { endpoints: [] });
  await refuses(81);
  await objects.patch(slice('web-1'), local(NODE));
  await answers(81);

  await objects.patch(web, { spec: { type: 'ClusterIP' } });
  await refuses(81);
  await eventually(async () => expect(await cloud.balancers()).toEqual({}), patience(60_000));
  await session.shows(`${NODE_PORT}`, gone);
  const { status } = await objects.get(web);
  expect(status).toEqual({ loadBalancer: {} });
});

const CONDITIONS = {
  ready: { ready: true, serving: true, terminating: false },
  ends: { ready: false, serving: true, terminating: true },
};
const pod = (address: string, how: keyof typeof CONDITIONS) =>
  endpoint(address, { nodeName: NODE, conditions: CONDITIONS[how] });

/** With what takes new connections at the NodePort then. */
const ROLLS = [
  { endpoints: [pod(POD, 'ready'), pod(NEXT_POD, 'ready')], shown: [POD, NEXT_POD] },
  { endpoints: [pod(POD, 'ends'), pod(NEXT_POD, 'ready')], shown: [NEXT_POD] },
  { endpoints: [pod(NEXT_POD, 'ready')], shown: [NEXT_POD] },
];

/** Three that ask all the time. @returns what became of the requests */
async function whileAsked(perform: (asked: () => number) => Promise<void>) {
  const failures: string[] = [];
  let answered = 0;
  const over = new AbortController();
  const ask = async () => {
    while (!over.signal.aborted) {
      try {
        await fromOutside();
        answered++;
      } catch (error) {
        failures.push(String(error));
      }
    }
  };
  const asking = [ask(), ask(), ask()];
  try {
    await perform(() => answered + failures.length);
  } finally {
    over.abort();
    await Promise.all(asking);
  }
  return failures;
}

test.each(['Cluster', 'Local'])(
  'pods are replaced and nobody is refused, policy %s',
  async (policy) => {
    const port = policy === 'Local' ? { healthCheckNodePort: HEALTH_PORT } : {};
    await create({ 'ip-mode': 'Proxy' }, { externalTrafficPolicy: policy, ...port });
    await isHealthy([NODE]);
    const failures = await whileAsked(async (asked) => {
      for (const { endpoints, shown } of ROLLS) {
        const before = asked();
        await session.cluster.objects.patch(slice('web-1'), { endpoints });
        await eventually(async () => {
          const { servers } = await session.cluster.kernel();
          const found = servers[`TCP ${NODE_ADDRESS}:${NODE_PORT} rr`] ?? [];
          const inUse = found.filter((line) => !line.endsWith(' 0'));
          expect(inUse.toSorted()).toEqual(shown.map((address) => `${address}:8080 Masq 1`));
          expect(asked()).toBeGreaterThan(before + 10);
        }, patience(60_000));
      }
    });
    expect(failures).toEqual([]);
  },
);

test('a host name is nothing for the node, and works', async () => {
  await create({ 'host-name': 'lb.example' });
  await session.shows(`${NODE_PORT}`, atNodePort);
  await isHealthy([NODE]);
  expect(await fromOutside()).not.toBe('');
  await session.shows(ADDRESS, gone);
});
