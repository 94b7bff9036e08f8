// A real etcd and kube-apiserver for end-to-end tests: started natively with credentials of their
// own, killed and restarted at will, gone without a trace at the end. On loopback, or in a network
// namespace of this machine that a lab joins (`npm run lab -- --netns NAME`), where the lab reaches
// it at 198.18.0.1:6443.

import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { chooseKernel } from '../../lab/choose.mjs';
import { joinNamespace, machineAddress, uplinkTo } from '../../lab/joint.mjs';
import { runFolder } from '../../lab/session.mjs';
import { findBinary } from '../../tools/kubernetes.mjs';
import { ClusterObjects } from './clusterObjects.ts';
import { ClusterProcess } from './clusterProcess.ts';

export interface ApiServerOptions {
  /**
   * Name of a network namespace of this machine; made if it is not there. Default: loopback of our
   * own.
   */
  readonly namespace?: string;
  /** Added to the command line of kube-apiserver, e.g. `--watch-cache=false`. */
  readonly flags?: readonly string[];
  /** Default dual stack, the ranges of the lab's topology. */
  readonly serviceCidrs?: string;
}

interface Ports {
  readonly api: number;
  readonly etcd: number;
  readonly etcdPeer: number;
}

const startTimeoutMs = 60_000;

export class ApiServer {
  /** Where the tests reach it. */
  readonly url: string;
  /** Where the lab reaches it; the same as `url` on loopback. */
  readonly labUrl: string;
  /** Of user `admin` in `system:masters`. */
  readonly token: string;
  readonly ca: string;
  /**
   * Folder of everything it writes, seen from the lab too; etcd.log and kube-apiserver.log are in
   * it.
   */
  readonly folder: string;
  readonly objects: ClusterObjects;
  readonly #options: ApiServerOptions;
  readonly #run: { readonly folder: string; readonly remove: () => void };
  readonly #ports: Ports;
  readonly #hostAddress: string;
  readonly #joint: { readonly address: string; readonly leave: () => void } | undefined;
  #etcd: ClusterProcess | undefined;
  #api: ClusterProcess | undefined;

  private constructor(options: ApiServerOptions, ports: Ports) {
    this.#options = options;
    this.#ports = ports;
    this.#run = runFolder();
    this.folder = this.#run.folder;
    this.token = randomBytes(16).toString('hex');
    this.#joint = options.namespace === undefined ? undefined : joined(options.namespace);
    this.#hostAddress = this.#joint?.address ?? '127.0.0.1';
    this.url = `https://${this.#hostAddress}:${ports.api}`;
    this.labUrl = this.#joint ? `https://${machineAddress}:${ports.api}` : this.url;
    this.#writeCredentials();
    this.ca = readFileSync(join(this.folder, 'tls.crt'), 'utf8');
    this.objects = new ClusterObjects(this);
  }

  /**
   * Ready to serve when this returns, after about 4 s. @throws with the cure when a binary is
   * missing
   */
  static async start(options: ApiServerOptions = {}): Promise<ApiServer> {
    const inNamespace = { api: 6443, etcd: 2379, etcdPeer: 2380 };
    const server = new ApiServer(
      options,
      options.namespace === undefined ? await freePorts() : inNamespace,
    );
    try {
      await server.startEtcd();
      await server.startApi();
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** A kubeconfig file for the tests' side, or for the lab's. @returns its path */
  writeKubeconfig(side: 'here' | 'lab' = 'here', token = this.token, name: string = side): string {
    const path = join(this.folder, `kubeconfig-${name}`);
    const server = side === 'here' ? this.url : this.labUrl;
    const authority = Buffer.from(this.ca).toString('base64');
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'test',
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
      clusters: [{ name: 'test', cluster: { server, 'certificate-authority-data': authority } }],
      users: [{ name: 'test', user: { token } }],
    };
    writeFileSync(path, JSON.stringify(config)); // JSON is YAML
    return path;
  }

  async startEtcd() {
    const { etcd, etcdPeer } = this.#ports;
    const client = `http://127.0.0.1:${etcd}`;
    const listen = new Set([client, this.#etcdUrl()]);
    this.#etcd = this.#spawn('etcd', [
      `--data-dir=${join(this.folder, 'etcd')}`,
      `--listen-client-urls=${[...listen].join(',')}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=http://127.0.0.1:${etcdPeer}`,
      '--unsafe-no-fsync',
      '--log-level=error',
    ]);
    const isHealthy = async () => (await fetch(`${this.#etcdUrl()}/health`)).ok;
    await this.#etcd.ready(isHealthy, startTimeoutMs);
  }

  async startApi() {
    const file = (name: string) => join(this.folder, name);
    this.#api = this.#spawn('kube-apiserver', [
      `--etcd-servers=http://127.0.0.1:${this.#ports.etcd}`,
      `--bind-address=${this.#options.namespace === undefined ? '127.0.0.1' : '0.0.0.0'}`,
      `--advertise-address=${machineAddress}`,
      `--secure-port=${this.#ports.api}`,
      `--cert-dir=${this.folder}`,
      `--tls-cert-file=${file('tls.crt')}`,
      `--tls-private-key-file=${file('tls.key')}`,
      `--token-auth-file=${file('tokens.csv')}`,
      `--service-account-key-file=${file('accounts.key')}`,
      `--service-account-signing-key-file=${file('accounts.key')}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-cluster-ip-range=${this.#options.serviceCidrs ?? '10.96.0.0/16,fd00:10:96::/112'}`,
      '--authorization-mode=RBAC',
      '--disable-admission-plugins=ServiceAccount',
      '--endpoint-reconciler-type=none',
      ...(this.#options.flags ?? []),
    ]);
    const isReady = async () => (await this.objects.request('GET', '/readyz')).status === 200;
    await this.#api.ready(isReady, startTimeoutMs);
  }

  /**
   * Ends kube-apiserver at once, as a crash would: watches break in the middle of whatever they
   * were sending.
   */
  async killApi() {
    await this.#api?.end('SIGKILL');
  }

  /** Kills it and starts it again at the same address, with the same objects. */
  async restartApi() {
    await this.killApi();
    await this.startApi();
  }

  /** SIGSTOP: connections stay open and nothing answers, until `thawApi`. */
  freezeApi() {
    this.#api?.signal('SIGSTOP');
  }

  thawApi() {
    this.#api?.signal('SIGCONT');
  }

  /**
   * Compacts etcd to its newest revision: older resource versions are gone (410) for what the API
   * server has to ask it.
   */
  async compactEtcd() {
    const ask = async (path: string, body: unknown) => {
      const init = { method: 'POST', body: JSON.stringify(body) };
      const response = await fetch(`${this.#etcdUrl()}${path}`, init);
      if (!response.ok) throw new Error(`etcd ${path}: ${await response.text()}`);
      return (await response.json()) as { readonly header: { readonly revision: string } };
    };
    const anyKey = Buffer.from('/').toString('base64');
    const { header } = await ask('/v3/kv/range', { key: anyKey, limit: '1' });
    await ask('/v3/kv/compaction', { revision: header.revision, physical: true });
  }

  /** Ends both servers and removes all they wrote. */
  async stop() {
    this.objects.close();
    await this.#api?.end();
    await this.#etcd?.end();
    this.#joint?.leave();
    this.#run.remove();
  }

  #etcdUrl() {
    return `http://${this.#hostAddress}:${this.#ports.etcd}`;
  }

  #spawn(name: string, flags: readonly string[]) {
    const binary = findBinary(name);
    if (binary === undefined) {
      throw new Error(
        `no ${name} in $KUBEBUILDER_ASSETS or PATH: run npm test -- e2e, which gets it`,
      );
    }
    const log = join(this.folder, `${name}.log`);
    return new ClusterProcess(name, [binary, ...flags], log, this.#options.namespace);
  }

  #writeCredentials() {
    const file = (name: string) => join(this.folder, name);
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    writeFileSync(file('accounts.key'), privateKey.export({ type: 'sec1', format: 'pem' }));
    writeFileSync(file('tokens.csv'), `${this.token},admin,admin,system:masters\n`);
    const names = ['127.0.0.1', machineAddress, this.#hostAddress].map((name) => `IP:${name}`);
    const request =
      'req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -days 2 -subj /CN=kube-apiserver';
    execFileSync(
      'openssl',
      [
        ...request.split(' '),
        '-addext',
        `subjectAltName=${[...new Set(names)].join(',')}`,
        '-keyout',
        file('tls.key'),
        '-out',
        file('tls.crt'),
      ],
      { stdio: 'pipe' },
    );
  }
}

/** Makes the namespace with its way into the lab and its way to us. */
function joined(namespace: string) {
  const leaveNamespace = joinNamespace(namespace, chooseKernel().kernel);
  const { address, remove } = uplinkTo(namespace);
  const leave = () => {
    remove();
    leaveNamespace();
  };
  return { address, leave };
}

/** Free a moment ago; the kernel hands out others for a while. */
async function freePorts(): Promise<Ports> {
  const servers = Array.from({ length: 3 }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) =>
          server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
        ),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  const [api = 0, etcd = 0, etcdPeer = 0] = ports;
  return { api, etcd, etcdPeer };
}
