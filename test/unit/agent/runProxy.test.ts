/**
 * `run` from the configuration to the exit code, on a machine of its own: files, servers and
 * sockets are real, the kernel is not.
 */
import { EventEmitter } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { constants, tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { FeatureRow } from '../../../src/agent/features.ts';
import type { Machine } from '../../../src/agent/machine.ts';
import { EnvironmentError } from '../../../src/node/nodeEnvironment.ts';
import { rivalWatch } from '../../../src/agent/rivalWatch.ts';
import { runProxy } from '../../../src/agent/runProxy.ts';
import { RUN_FLAGS } from '../../../src/config/flags.ts';
import { parseFlags } from '../../../src/config/parseFlags.ts';
import { resolveConfig, type ResolvedConfig } from '../../../src/config/resolve.ts';
import type { Feature } from '../../../src/feature/feature.ts';
import { ExecError, KernelError } from '../../../src/kernel/errors.ts';
import { localServer } from '../../../src/localserver/shell/feature.ts';
import { Verbosity } from '../../../src/ops/verbosity.ts';
import { FakeKernel } from '../../support/kernel/fakeKernel.ts';
import { settingsOf } from '../../support/loadbalancer/balanced.ts';
import { hostNetwork } from '../../support/objects/nodeFixtures.ts';
import { rawService } from '../../support/objects/rawObjects.ts';
import { FakeClock, settle } from '../../support/program/fakeClock.ts';
import { FakeLog } from '../../support/program/fakeLog.ts';
import { httpGet as get } from '../../support/program/httpGet.ts';

/** Nobody else's on this machine. */
const HOST = `127.99.${(process.pid >> 8) & 255}.${process.pid & 255}`;
const HEALTH = `http://${HOST}:10256`;
const METRICS = `http://${HOST}:10249`;

let folder: string;
let clock: FakeClock;
let log: FakeLog;
let signals: EventEmitter;
let kernel: FakeKernel;
/** what the machine was asked, in order */
let asked: string[];
let proxies: { kind: 'kube-proxy'; evidence: string }[];
let signs: NonNullable<Parameters<typeof rivalWatch>[1]>;
let running: Promise<number> | undefined;
let over: AbortController;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'run-proxy-'));
  await writeFile(path.join(folder, 'web.yaml'), JSON.stringify(rawService()));
  clock = new FakeClock();
  log = new FakeLog(1);
  signals = new EventEmitter();
  kernel = new FakeKernel();
  asked = [];
  proxies = [];
  signs = { findProxies: async () => proxies, listNftTables: async () => [] };
  running = undefined;
  over = new AbortController();
});
afterEach(async () => {
  over.abort();
  signals.emit('SIGTERM', 'SIGTERM');
  await running?.catch(() => undefined);
  await rm(folder, { recursive: true });
});

const row = (name: string, make: (config: ResolvedConfig) => Feature): FeatureRow => ({
  name,
  asked: (config) => ({ load: async () => make(config) }),
});

function machine(overrides: Partial<Machine> = {}): Machine {
  const step = async (name: string): Promise<void> => void asked.push(name);
  return {
    clock,
    signals: signals as unknown as NodeJS.Process,
    hostname: () => 'Node-1',
    checkCapabilities: () => step('capabilities'),
    checkOtherProxies: () => step('other proxies'),
    becomeWriter: async () => {
      await step('lock');
      return { release: () => step('unlock') };
    },
    checkEnvironment: async () => {
      await step('environment');
      const families = ['IPv4', 'IPv6'] as const;
      const variants = [] as const;
      return { version: '1.8.9', hasRandomFully: true, families, variants, surveyed: undefined };
    },
    setOomScore: (score) => step(`oom score ${score}`),
    setIpvsTimeouts: ({ tcp }) => step(`timeouts ${tcp}`),
    checkLocalPorts: () => step('local ports'),
    applyConntrackSettings: () => step('conntrack'),
    openObserver: ({ nodeName }) => ({
      read: async () => hostNetwork({ nodeName }),
      watch: async () => async () => undefined,
      close: () => void asked.push(`host of ${nodeName} closed`),
    }),
    leaveAtOnce: (exitCode) => void asked.push(`left at once with ${exitCode}`),
    agent: {
      dataplane: kernel,
      ledgerFile: path.join(folder, 'run', 'ledger.json'),
    },
    features: [
      row('local-server', () => localServer(path.join(folder, 'run', 'agent.sock'))),
      row('rival-watch', (config) => rivalWatch(config, signs)),
    ],
    ...overrides,
  };
}

function configuration(...flags: string[]): ResolvedConfig {
  const all = [
    `--healthz-bind-address=${HOST}:10256`,
    `--metrics-bind-address=${HOST}:10249`,
    '--oom-score-adj=-998',
    '--ipvs-tcp-timeout=900s',
    ...flags,
  ];
  const { values } = parseFlags(all, RUN_FLAGS);
  return resolveConfig({ flags: values, isInCluster: true }).config!;
}

/** @param on what this machine does otherwise */
function run(on: Partial<Machine> = {}, config = configuration(`--manifests=${folder}`)) {
  const told = { log, verbosity: new Verbosity({ verbosity: 1 }), flags: new Map() };
  running = runProxy(config, { version: '1.2.3', ...told, env: {} }, machine(on));
  running.catch(() => undefined);
  return running;
}

const said = (words: string) => log.lines.some((line) => line.includes(words));

async function until(isIt: () => boolean): Promise<void> {
  while (!isIt() && !over.signal.aborted) await new Promise((resolve) => setImmediate(resolve));
}

/** The same while time goes by. */
async function passingUntil(isIt: () => boolean): Promise<void> {
  while (!isIt() && !over.signal.aborted) await clock.advance(1_000);
}

async function started(on: Partial<Machine> = {}): Promise<void> {
  void run(on);
  await until(() => said('first sync done'));
}

test('starts in its order, programs what the source tells, and leaves it in the kernel', async () => {
  await started();
  expect(asked).toEqual([
    'capabilities',
    'other proxies',
    'lock',
    'environment',
    'oom score -998',
    'local ports',
    'timeouts 900',
    'conntrack',
  ]);
  expect(log.lines[0]).toBe('info starting {"version":"v1.2.3","node":"node-1"}');
  asked = [];
  signals.emit('SIGTERM', 'SIGTERM');
  expect(await running).toBe(0);
  expect(asked).toEqual(['host of node-1 closed', 'unlock']);
  expect([...kernel.state.addresses]).toEqual(['10.96.0.10']);
  expect(kernel.isClosed).toBe(true);
  expect(signals.listenerCount('SIGTERM')).toBe(0);
});

test('tells health, metrics, configuration and servers until it ends', async () => {
  await started();
  const socketPath = path.join(folder, 'run', 'agent.sock');
  const servers = { socketPath, path: '/v1/virtual-servers', agent: false };
  const answers = [get(`${HEALTH}/healthz`), get(`${METRICS}/proxyMode`), get(servers)];
  const [health, mode, lines] = await Promise.all(answers);
  expect(health).toMatchObject({ status: 200, body: expect.stringContaining('nodeEligible') });
  expect(mode).toEqual({ status: 200, body: 'ipvs' });
  expect(lines).toMatchObject({ status: 200, body: expect.stringContaining('"default/web') });
  const { body: shown } = await get(`${METRICS}/configz`);
  expect(JSON.parse(shown)).toMatchObject({
    'kubeproxy.config.k8s.io': { mode: 'ipvs', ipvs: { tcpTimeout: '15m0s' } },
  });
  expect((await get(`${METRICS}/statusz`)).body).toContain('1.2.3');
  const { body: metrics } = await get(`${METRICS}/metrics`);
  expect(metrics).toMatch(/^kubeipvs_build_info\{version="v1\.2\.3"/m);
  expect(metrics).toContain(`platform="linux/${process.arch}"`);
  expect(metrics).toMatch(/^kubeproxy_proxy_healthz_total\{code="200"\} 1$/m);
  signals.emit('SIGINT', 'SIGINT');
  await running;
  await expect(get(`${HEALTH}/healthz`)).rejects.toThrow('ECONNREFUSED');
  await expect(get(`${METRICS}/metrics`)).rejects.toThrow('ECONNREFUSED');
  expect(await readdir(path.join(folder, 'run'))).not.toContain('agent.sock');
});

test('listens nowhere until its Node has been read', async () => {
  const ended = run({}, configuration(`--master=http://${HOST}:1`));
  await until(() => said('source not connected'));
  await expect(get(`${HEALTH}/livez`)).rejects.toThrow('ECONNREFUSED');
  await expect(get(`${METRICS}/metrics`)).rejects.toThrow('ECONNREFUSED');
  signals.emit('SIGTERM', 'SIGTERM');
  expect(await ended).toBe(0);
});

test('asks nothing of the machine and listens nowhere while another one writes', async () => {
  const waiting: AbortSignal[] = [];
  const becomeWriter: Machine['becomeWriter'] = (signal) => {
    waiting.push(signal);
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined)));
  };
  const ended = run({ becomeWriter });
  await until(() => waiting.length > 0);
  await settle();
  await expect(get(`${HEALTH}/healthz`)).rejects.toThrow('ECONNREFUSED');
  signals.emit('SIGTERM', 'SIGTERM');
  expect(await ended).toBe(0);
  expect(asked).toEqual(['capabilities', 'other proxies']);
  expect(kernel.reads).toBe(0);
});

test('listens and programs only after the connection table has been set up', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  let isAsked = false;
  const applyConntrackSettings = () => {
    isAsked = true;
    return promise;
  };
  void run({ applyConntrackSettings });
  await until(() => isAsked);
  await settle();
  await expect(get(`${HEALTH}/healthz`)).rejects.toThrow('ECONNREFUSED');
  expect(kernel.reads).toBe(0);
  resolve();
  await until(() => said('first sync done'));
  expect((await get(`${HEALTH}/healthz`)).status).toBe(200);
});

test('a kube-proxy that comes while it runs is told', async () => {
  await started();
  proxies = [{ kind: 'kube-proxy', evidence: 'process 12 is kube-proxy' }];
  await clock.advance(120_000);
  expect(said('process 12 is kube-proxy')).toBe(true);
});

test('a kube-proxy that shows by its nftables table is told, other tables are not', async () => {
  let tables: string[] = [];
  signs.listNftTables = async () => tables.map((name) => ({ addressFamily: 2, name }));
  await started();
  tables = ['filter', 'kube-proxy-like'];
  await clock.advance(120_000);
  expect(said('another Service proxy')).toBe(false);
  tables = ['filter', 'kube-proxy'];
  await clock.advance(120_000);
  expect(said('its nftables table kube-proxy has appeared')).toBe(true);
});

test('a bad state of --features is a condition, another good one ends with 1 to be started anew', async () => {
  const head = 'apiVersion: kube-ipvs.io/v1alpha1\nkind: FeaturesConfiguration\n';
  const file = path.join(folder, 'features.conf');
  await writeFile(file, head);
  const { announcer, ...settings } = settingsOf([]);
  const features = {
    settings: { takeover: false, cleanupOtherModes: false },
    loadBalancer: { ...settings, announcer: { ...announcer, enabled: false } },
  };
  void run({}, { ...configuration(`--manifests=${folder}`, `--features=${file}`), features });
  // Its second look: the first has seen the file as it was at the start.
  await until(() => said('first sync done') && clock.sleeps.includes(1_000));
  expect((await get(`${METRICS}/metrics`)).body).toContain('kubeipvs_lb_config_ok 1\n');
  await writeFile(file, `${head}takeovr: true\n`);
  await passingUntil(() => said(`is refused, and its last good state stays in force: ${file}:3:1`));
  const { body } = await get(`${METRICS}/metrics`);
  expect(body).toContain('kubeipvs_condition{code="FeaturesRefused"} 1');
  expect(body).toContain('kubeipvs_lb_config_ok 0\n');
  await writeFile(file, `${head}takeover: true\n`);
  await passingUntil(() => said('what --features names changed: ending'));
  expect(await running).toBe(1);
});

describe('what cannot go on', () => {
  const fails = (error: Error) => () => Promise.reject(error);

  test.each<[string, Error]>([
    ['the machine', new EnvironmentError('ipset is missing')],
    ['the kernel', new KernelError({ op: 'read addresses', errno: constants.errno.EPERM })],
    ['a program', new ExecError({ argv: ['iptables'], exitCode: 3, stderr: 'no such option' })],
  ])('for a reason in %s ends with 1, the reason and the lock given back', async (_, error) => {
    expect(await run({ checkEnvironment: fails(error) })).toBe(1);
    expect(log.lines.at(-1)).toBe(`error kube-ipvs cannot run here: ${error.message}`);
    expect(asked.at(-1)).toBe('unlock');
    expect(signals.listenerCount('SIGTERM')).toBe(0);
  });

  test('for a bug is not explained away', async () => {
    const bug = new TypeError('undefined is not a function');
    await expect(run({ checkEnvironment: fails(bug) })).rejects.toBe(bug);
    expect(said('cannot run here')).toBe(false);
    expect(asked.at(-1)).toBe('unlock');
  });

  test('without capabilities, or beside another proxy, it does not wait for a lock', async () => {
    const error = new EnvironmentError('this process lacks CAP_NET_ADMIN');
    expect(await run({ checkCapabilities: fails(error) })).toBe(1);
    expect(asked).toEqual([]);
    expect(await run({ checkOtherProxies: fails(new EnvironmentError('kube-proxy')) })).toBe(1);
    expect(asked).toEqual(['capabilities']);
  });

  test('on a host without a name says how to give one', async () => {
    expect(await run({ hostname: () => ' ' })).toBe(1);
    expect(log.lines).toEqual([
      'error kube-ipvs cannot run here: this host has no name; give --hostname-override',
    ]);
    const named = configuration(`--manifests=${folder}`, '--hostname-override=worker-7');
    void run({ hostname: () => ' ' }, named);
    await until(() => said('"node":"worker-7"'));
  });

  test.each([
    ['a kubeconfig that is not there', () => ['--kubeconfig=/nowhere/config']],
    ['a manifest that is not there', () => ['--manifests=/nowhere/web.yaml']],
    [
      'a configuration that does not fit the node',
      () => [`--manifests=${folder}`, '--cluster-cidr=fd00::/8'],
    ],
  ])('for %s ends with 2', async (_, flags) => {
    const openObserver: Machine['openObserver'] = () => ({
      read: async () => hostNetwork({ families: ['IPv4'] }),
      watch: async () => async () => undefined,
      close: () => undefined,
    });
    expect(await run({ openObserver }, configuration(...flags()))).toBe(2);
    expect(log.lines.at(-1)).toMatch(/^error kube-ipvs cannot run here: /);
    expect(asked.at(-1)).toBe('unlock');
  });

  test('for a port that is taken ends with 1 where the configuration wants that, else goes on', async () => {
    const other = http.createServer();
    await new Promise<void>((resolve) => other.listen(10256, HOST, resolve));
    try {
      const config = configuration(`--manifests=${folder}`, '--bind-address-hard-fail');
      expect(await run({}, config)).toBe(1);
      expect(log.lines.at(-1)).toMatch(/cannot run here: .*healthz.*10256/);
      expect(kernel.state.virtualServers.size).toBe(0);
      await started();
      expect(said('trying again every 5 s')).toBe(true);
    } finally {
      await new Promise((resolve) => other.close(resolve));
    }
  });
});

describe('an end that hangs', () => {
  let answer: () => void;
  let stuck: Partial<Machine>;
  beforeEach(() => {
    const { promise, resolve } = Promise.withResolvers<void>();
    answer = resolve;
    // As a netlink socket that no longer answers.
    const openObserver: Machine['openObserver'] = () => ({
      read: async () => hostNetwork(),
      watch: async () => () => promise,
      close: () => undefined,
    });
    stuck = { openObserver };
  });
  // There the process would be gone.
  afterEach(async () => {
    answer();
    await until(() => asked.includes('unlock'));
  });

  test('is left after less than two seconds', async () => {
    await started(stuck);
    asked = [];
    signals.emit('SIGTERM', 'SIGTERM');
    await clock.advance(1_799);
    expect(asked).toEqual([]);
    await clock.advance(1);
    expect(await running).toBe(0);
    expect(asked).toEqual(['left at once with 0']);
  });

  test('is left at once at a second signal', async () => {
    await started(stuck);
    asked = [];
    signals.emit('SIGTERM', 'SIGTERM');
    signals.emit('SIGTERM', 'SIGTERM');
    expect(await running).toBe(0);
    expect(asked).toEqual(['left at once with 0']);
  });
});

test('an orderly end leaves nothing to leave at once', async () => {
  await started();
  signals.emit('SIGTERM', 'SIGTERM');
  await running;
  await clock.advance(5_000);
  expect(asked).not.toContain('left at once with 0');
});
