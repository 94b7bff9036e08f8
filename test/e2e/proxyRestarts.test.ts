/**
 * The whole product when the API server or the connection to it fails, and when the product itself
 * ends and comes back: what is programmed stays, nothing is removed that is only not known yet, and
 * what changed meanwhile is caught up with.
 */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { chooseKernel } from '../lab/choose.mjs';
import { about, eventually, type ProductRun } from '../support/e2e/cluster.ts';
import { endpoint, service, slice } from '../support/e2e/objects.ts';
import { clusterIpLines, E2eSession, gone } from '../support/e2e/session.ts';

const session = E2eSession.register({ isRunning: false });

const WRITES = 'kubeipvs_kernel_writes_total';
const ip = '10.96.1.1';
const web = service('web', { clusterIP: ip });
const served = (address: string) => [
  `TCP ${ip}:80 rr: | ${address}:8080 Masq 1`,
  ...clusterIpLines(ip),
];

let run: ProductRun | undefined;

beforeEach(() => session.create(web, slice('web-1')));

afterEach(async () => {
  await run?.end('SIGTERM');
  run = undefined;
});

async function start(flags?: readonly string[]): Promise<ProductRun> {
  run = await session.cluster.start(flags);
  return run;
}

async function startSynced(flags?: readonly string[]): Promise<ProductRun> {
  const started = await start(flags);
  await session.cluster.synced(started);
  return started;
}

async function stop(): Promise<number> {
  const code = await run!.end('SIGTERM');
  run = undefined;
  return code;
}

/** Flags that lead through the gate, whose rules are given. */
async function throughGate(...rules: Parameters<typeof session.cluster.gate.set>[0]) {
  const { gate } = session.cluster;
  const server = await gate.open();
  await gate.set(rules);
  return [
    `--kubeconfig=${await writeKubeconfig('gated', server, { token: session.cluster.server.token })}`,
  ];
}

async function writeKubeconfig(name: string, server: string, user: object): Promise<string> {
  const path = `/tmp/${name}`;
  const { ca } = session.cluster.server;
  const authority = Buffer.from(ca).toString('base64');
  const isPlain = server.startsWith('http:');
  const cluster = { server, ...(isPlain ? {} : { 'certificate-authority-data': authority }) };
  const config = {
    clusters: [{ name: 'test', cluster }],
    users: [{ name: 'test', user }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  };
  await session.cluster.writeInLab(path, JSON.stringify(config));
  return path;
}

test('SIGTERM leaves everything, and a run that finds nothing changed writes nothing', async () => {
  const first = await startSynced();
  await session.shows(ip, served('10.244.1.5'));
  const before = await session.cluster.kernel();
  expect(await stop()).toBe(0);
  expect(await session.cluster.kernel()).toEqual(before);
  expect(first.log()).toContain('"stopping; what is programmed stays"');

  await startSynced();
  expect(await session.cluster.metric(WRITES)).toBe(0);
  expect(await session.cluster.kernel()).toEqual(before);
});

test('a second run catches up with what happened while none ran', async () => {
  const other = service('other', { clusterIP: '10.96.1.2' });
  const port = { port: 80, targetPort: 8080, nodePort: 30080 };
  await session.create(other, service('node', { type: 'NodePort', ports: [port] }));
  await startSynced();
  await session.shows('10.96.1.2', [
    'TCP 10.96.1.2:80 rr:',
    'KUBE-IPVS-REJECT 10.96.1.2,tcp:80',
    ...clusterIpLines('10.96.1.2'),
  ]);
  await stop();
  await session.cluster.deleteAll([other, service('node')]);
  await session.cluster.objects.patch(slice('web-1'), { endpoints: [endpoint('10.244.1.6')] });
  // What a person adds to the device and to a Service meanwhile.
  await session.cluster.lab.exec(['ip', 'address', 'add', '10.96.9.9/32', 'dev', 'kube-ipvs0']);
  await session.cluster.lab.exec(['ipvsadm', '-A', '-t', '172.16.0.1:80', '-s', 'rr']);

  await startSynced();
  await session.shows(ip, served('10.244.1.6'));
  const kernel = await session.cluster.kernel();
  for (const what of ['10.96.1.2', '30080', '10.96.9.9']) expect(about(kernel, what)).toEqual(gone);
  expect(about(kernel, '172.16.0.1')).toEqual(['TCP 172.16.0.1:80 rr:']);
  await session.cluster.lab.exec(['ipvsadm', '-D', '-t', '172.16.0.1:80']);
});

test('the API server dies: nothing changes; it comes back: changes arrive again', async () => {
  const running = await startSynced();
  await session.shows(ip, served('10.244.1.5'));
  const before = await session.cluster.kernel();
  await withoutApiServer(async () => {
    await eventually(() =>
      expect(running.log()).toMatch(/source not connected: .*(?:broke off|ECONNREFUSED)/),
    );
    await eventually(async () =>
      expect(await session.cluster.metric('kubeipvs_source_connected')).toBe(0),
    );
    expect((await session.cluster.health('/healthz')).status).toBe(200);
    expect(await session.cluster.kernel()).toEqual(before);
  });
  await session.cluster.objects.patch(slice('web-1'), { endpoints: [endpoint('10.244.1.7')] });
  await session.shows(ip, served('10.244.1.7'));
  await eventually(() => expect(running.log().match(/"source connected"/g)).toHaveLength(2));
  // At its beginning, and when its reason changes: not at every attempt.
  expect(running.log().match(/source not connected/g)!.length).toBeLessThanOrEqual(3);
});

test('an API server that is away at the start is waited for', async () => {
  const waiting = await withoutApiServer(async () => {
    const started = await start();
    await eventually(() => expect(started.log()).toContain('connect ECONNREFUSED 198.18.0.1:6443'));
    // As kube-proxy's: no port is open before this Node has been read.
    expect((await session.cluster.health('/livez')).status).toBe(0);
    return started;
  });
  await session.cluster.synced(waiting);
  expect((await session.cluster.health('/livez')).status).toBe(200);
  await session.shows(ip, served('10.244.1.5'));
});

/** Kills the API server, and starts it again whatever happens meanwhile. */
async function withoutApiServer<T>(act: () => Promise<T>): Promise<T> {
  await session.cluster.server.killApi();
  try {
    return await act();
  } finally {
    await session.cluster.server.startApi();
  }
}

test('a watch that is cut in the middle of a line loses nothing', async () => {
  const flags = await throughGate({ path: '/endpointslices?', cutAfter: '10.244.1.33' });
  const running = await startSynced(flags);
  await session.cluster.objects.patch(slice('web-1'), { endpoints: [endpoint('10.244.1.33')] });
  await session.shows(ip, served('10.244.1.33'));
  expect(await session.cluster.gate.counts()).toEqual({ '/endpointslices?': 1 });
  expect(running.log()).toContain('"source not connected: watch endpointslices');
});

test('after a compaction the lists are read anew, and only what changed is touched', async () => {
  await session.create(service('doomed', { clusterIP: '10.96.1.2' }), slice('doomed-1'));
  const running = await startSynced([...(await throughGate()), '-v=2']);
  await session.shows(ip, served('10.244.1.5'));
  const { cluster } = session;
  await cluster.lab.exec(['curl', '-s', '--max-time', '0.5', `http://${ip}`]);
  // The kernel's counters are snapshots, taken every two seconds.
  await eventually(async () => expect(await connectionsSoFar()).toBeGreaterThan(0));
  await cluster.gate.set([{ path: '/', status: 503 }]);
  await cluster.gate.drop();
  await cluster.deleteAll([service('doomed'), slice('doomed-1')]);
  await session.create(service('born', { clusterIP: '10.96.1.3' }));
  await cluster.server.compactEtcd();
  await cluster.server.restartApi();
  expect(about(await cluster.kernel(), '10.96.1.2')).not.toEqual(gone);

  await cluster.gate.set([]);
  await session.shows('10.96.1.2', gone);
  await session.shows('10.96.1.3', [
    'TCP 10.96.1.3:80 rr:',
    'KUBE-IPVS-REJECT 10.96.1.3,tcp:80',
    ...clusterIpLines('10.96.1.3'),
  ]);
  await session.shows(ip, served('10.244.1.5'));
  expect(running.log()).toContain('too old resource version');
  // A server that had been removed and made again would count anew.
  expect(await connectionsSoFar()).toBeGreaterThan(0);
});

async function connectionsSoFar(): Promise<number> {
  const argv = ['ipvsadm', '-Ln', '--stats', '-t', `${ip}:80`];
  const { stdout } = await session.cluster.lab.exec(argv);
  return Number(/^TCP +\S+ +(\d+)/m.exec(stdout)![1]);
}

test.each([
  ['are refused', { path: '/endpointslices?', status: 500 }],
  ['are slow', { path: '/endpointslices?', delayMs: 4_000 }],
])('nothing of an earlier run is removed while lists %s', async (_, rule) => {
  await startSynced();
  await session.shows(ip, served('10.244.1.5'));
  const before = await session.cluster.kernel();
  await stop();

  const waiting = await start(await throughGate(rule));
  await eventually(async () => expect(await session.cluster.gate.counts()).not.toEqual({}));
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(await session.cluster.kernel()).toEqual(before);
  expect(waiting.log()).not.toContain('first sync done');
  await session.cluster.gate.set([]);
  await session.cluster.synced(waiting);
  expect(await session.cluster.metric(WRITES)).toBe(0);
  expect(await session.cluster.kernel()).toEqual(before);
});

test('a token that is not accepted is named, and a new one in its file is taken', async () => {
  const { server } = session.cluster;
  await session.cluster.writeInLab('/tmp/token', 'wrong');
  const user = { tokenFile: '/tmp/token' };
  const kubeconfig = await writeKubeconfig('unauthorized', server.labUrl, user);
  const waiting = await start([`--kubeconfig=${kubeconfig}`]);
  await eventually(() =>
    expect(waiting.log()).toMatch(/source not connected: list .*: unauthorized: .*token or certif/),
  );
  await session.cluster.writeInLab('/tmp/token', server.token);
  await session.cluster.synced(waiting);
});

test('missing rights are named, and the role of kube-proxy is enough', async () => {
  const { server } = session.cluster;
  const kubeconfig = await writeKubeconfig('anonymous', server.labUrl, {});
  const waiting = await start([`--kubeconfig=${kubeconfig}`]);
  await eventually(() =>
    expect(waiting.log()).toMatch(/forbidden: .*lacks the verb \\"list\\".*system:node-proxier/),
  );
  await session.create({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'anonymous-proxier' },
    roleRef: {
      apiGroup: 'rbac.authorization.k8s.io',
      kind: 'ClusterRole',
      name: 'system:node-proxier',
    },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'system:anonymous' }],
  });
  await session.cluster.synced(waiting);
  await session.shows(ip, served('10.244.1.5'));
});

/** Modules can be taken away only from a kernel that is ours alone. */
if (chooseKernel().kernel === 'uml') {
  test('without the module ip_vs it waits for it, and programs everything when it is there', async () => {
    const sh = (script: string) => session.cluster.lab.exec(['sh', '-c', script]);
    const unload = 'rmmod xt_ipvs ip_vs_rr ip_vs_wrr ip_vs_lc ip_vs_wlc ip_vs_sh ip_vs_mh ip_vs';
    const { stderr } = await sh(
      `ipvsadm -C; echo /bin/false >/proc/sys/kernel/modprobe; ${unload}`,
    );
    expect(stderr).toBe('');
    const waiting = await start();
    await eventually(() => expect(waiting.log()).toContain('trying again in'));
    expect(waiting.log()).toMatch(/^E.*the kernel has no IPVS yet; load it with .*modprobe ip_vs/m);
    await sh('echo /sbin/modprobe >/proc/sys/kernel/modprobe; modprobe ip_vs');
    await eventually(() =>
      expect(waiting.log()).toContain('"everything can be read from the kernel again"'),
    );
    await session.shows(ip, served('10.244.1.5'));
  });
}

test('a changed configuration file ends the run with exit code 1', async () => {
  const kubeconfig = session.cluster.server.writeKubeconfig('lab');
  const config = (scheduler: string) =>
    JSON.stringify({
      apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
      kind: 'KubeProxyConfiguration',
      mode: 'ipvs',
      clientConnection: { kubeconfig },
      ipvs: { scheduler },
    });
  await session.cluster.writeInLab('/tmp/config.conf', config('rr'));
  const ending = await startSynced(['--config=/tmp/config.conf']);
  const before = await session.cluster.kernel();
  await session.cluster.writeInLab('/tmp/config.conf', config('lc'));
  run = undefined;
  expect(await ending.end()).toBe(1);
  expect(ending.log()).toContain('/tmp/config.conf changed');
  expect(await session.cluster.kernel()).toEqual(before);

  await startSynced(['--config=/tmp/config.conf']);
  await session.shows(ip, [`TCP ${ip}:80 lc: | 10.244.1.5:8080 Masq 1`, ...clusterIpLines(ip)]);
});
