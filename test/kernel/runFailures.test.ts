/**
 * What the product says and does when something that it needs is missing or wrong: each message
 * names it and the way to get it, the exit code tells whose turn it is, and one bad object never
 * takes another with it.
 */
import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { findProgram } from '../../packaging/machine.mjs';
import { eventually } from '../support/e2e/cluster.ts';
import {
  buildProduct,
  BUNDLE,
  type ProductOptions,
  ProductProcess,
} from '../support/e2e/productProcess.ts';
import { freshNamespace, type Namespace } from '../support/lab/namespace.ts';

let folder: string;
let namespace: Namespace;
let product: ProductProcess | undefined;

beforeAll(buildProduct);
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'run-failures-'));
  namespace = await freshNamespace();
});
afterEach(async () => {
  await product?.end('SIGTERM');
  product = undefined;
  await namespace.remove();
  await rm(folder, { recursive: true });
});

function start(flags: readonly string[], more: Partial<ProductOptions> = {}): ProductProcess {
  const always = ['--hostname-override=node-1', '--cluster-cidr=10.244.0.0/16,fd00:244::/48'];
  product = new ProductProcess({
    namespace: namespace.name,
    flags: [...always, ...flags],
    ...more,
  });
  return product;
}

/** It ends by itself. @returns exit code and the last line without its header */
async function failed(run: ProductProcess): Promise<[code: number, lastLine: string]> {
  const code = await run.end();
  const line = run.log.trim().split('\n').at(-1)!;
  return [code, line.replace(/^E.*?\] /, '').replaceAll(String.raw`\"`, '"')];
}

async function manifest(name: string, ...objects: readonly (object | string)[]): Promise<string> {
  const path = join(folder, 'manifests');
  await mkdir(path, { recursive: true });
  const texts = objects.map((object) =>
    typeof object === 'string' ? object : JSON.stringify(object),
  );
  await writeFile(join(path, name), texts.join('\n---\n'));
  return `--manifests=${path}`;
}

const service = (name: string, clusterIP: string, spec: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'default' },
  spec: { clusterIP, ports: [{ port: 80, targetPort: 8080 }], ...spec },
});

const slice = (ofService: string, ...addresses: readonly string[]) => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: {
    name: `${ofService}-1`,
    namespace: 'default',
    labels: { 'kubernetes.io/service-name': ofService },
  },
  addressType: 'IPv4',
  ports: [{ name: '', port: 8080, protocol: 'TCP' }],
  endpoints: addresses.map((address) => ({ addresses: [address] })),
});

const good = [service('good', '10.96.0.10'), slice('good', '10.244.1.5')];
const goodLines = [
  'TCP  10.96.0.10:80 rr',
  '  -> 10.244.1.5:8080              Masq    1      0          0',
];

async function ipvsadm(): Promise<string[]> {
  const lines = (await namespace.run('ipvsadm', '-Ln')).trimEnd().split('\n');
  return lines.slice(3).map((line) => line.trimEnd());
}

/** A folder for PATH with all that is needed but these. */
async function pathWithout(...missing: readonly RegExp[]): Promise<{ readonly PATH: string }> {
  const path = join(folder, 'bin');
  await mkdir(path);
  const tables = ['iptables', 'ip6tables'].flatMap((tool) => [
    tool,
    `${tool}-save`,
    `${tool}-restore`,
  ]);
  for (const name of ['ipset', 'modprobe', ...tables]) {
    if (!missing.some((pattern) => pattern.test(name))) {
      await symlink(findProgram(name)!, join(path, name));
    }
  }
  return { PATH: path };
}

describe('the machine lacks something', () => {
  test.each([
    ['ipset', /^ipset/, /ipset was not found in PATH: install the package ipset/],
    ['iptables', /^iptables/, /iptables was not found in PATH: install the package iptables/],
  ])('%s is not installed', async (_, missing, message) => {
    const env = await pathWithout(missing);
    const [code, line] = await failed(start([await manifest('good.yaml', ...good)], { env }));
    expect(line).toMatch(message);
    expect(line).toMatch(/^"kube-ipvs cannot run here: /);
    expect(code).toBe(1);
  });

  test('without ip6tables the IPv4 half works, with a warning', async () => {
    const env = await pathWithout(/^ip6/);
    const run = start([await manifest('good.yaml', ...good)], { env });
    await run.says(/first sync done.*failed=0/);
    expect(run.log).toMatch(/^W.*ip6tables was not found in PATH: nothing is proxied over IPv6/m);
    expect(await ipvsadm()).toEqual(goodLines);
  });

  test('without CAP_NET_ADMIN it says which right it needs', async () => {
    const prefix = ['setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin'];
    const [code, line] = await failed(start([await manifest('good.yaml', ...good)], { prefix }));
    expect(line).toMatch(/lacks CAP_NET_ADMIN .*: run as root, or add/);
    expect(code).toBe(1);
  });

  test('without the addon it says where it looked', async () => {
    const bundle = join(folder, 'dist', 'kube-ipvs.js');
    await cp(BUNDLE, bundle);
    const [code, line] = await failed(start([await manifest('good.yaml', ...good)], { bundle }));
    expect(line).toMatch(/load the native addon.*looked for .*dist\/kube_ipvs\.node/);
    expect(code).toBe(1);
  });

  test('a scheduler that the kernel does not have is named, and tried again', async () => {
    const flags = [await manifest('good.yaml', ...good), '--ipvs-scheduler=foo'];
    const run = start(flags);
    await run.says(/first sync done.*failed=2/);
    expect(run.log).toMatch(/^W.*scheduler foo is not known here/m);
    expect(run.log).toMatch(/^E.*scheduler foo is unknown: load its module ip_vs_foo/m);
    expect(run.log.match(/^E/gm)).toHaveLength(1);
    expect(await run.end('SIGTERM')).toBe(0);
  });

  test('a taken health port is tried again, and with bindAddressHardFail the end', async () => {
    const listen = ['node', '-e', 'net.createServer().listen(10256)'];
    const holder = spawn('ip', ['netns', 'exec', namespace.name, ...listen], { stdio: 'ignore' });
    const ended = new Promise((resolve) => holder.once('exit', resolve));
    await eventually(async () => expect(await namespace.run('ss', '-ltn')).toContain(':10256'));
    const flag = await manifest('good.yaml', ...good);
    const [code, line] = await failed(start([flag, '--bind-address-hard-fail']));
    expect(line).toMatch(
      /healthz server cannot listen on 0\.0\.0\.0:10256: another process listens/,
    );
    expect(code).toBe(1);

    const patient = start([flag]);
    await patient.says(/another process listens there; trying again every 5 s/);
    await patient.says(/first sync done/);
    holder.kill();
    await ended;
    await eventually(async () =>
      expect(await namespace.run('curl', '-s', '127.0.0.1:10256/livez')).toContain('lastUpdated'),
    );
  });
});

describe('the configuration names what is not there', () => {
  test('a kubeconfig that is missing', async () => {
    const [code, line] = await failed(start(['--kubeconfig=/nowhere/config']));
    expect(line).toMatch(/kubeconfig \/nowhere\/config cannot be read .*give --kubeconfig FILE/);
    expect(code).toBe(2);
  });

  test('a kubeconfig that is no YAML', async () => {
    const path = join(folder, 'kubeconfig');
    await writeFile(path, 'clusters: [\n');
    const [code, line] = await failed(start([`--kubeconfig=${path}`]));
    expect(line).toMatch(/kubeconfig .*:2:1: YAML is not valid: /);
    expect(code).toBe(2);
  });

  test('manifests that are missing', async () => {
    const [code, line] = await failed(start(['--manifests=/nowhere']));
    expect(line).toContain('manifest path /nowhere does not exist; name a file or a folder');
    expect(code).toBe(2);
  });

  test('an API server that is not there is waited for', async () => {
    const path = join(folder, 'kubeconfig');
    await writeFile(
      path,
      JSON.stringify({
        clusters: [{ name: 'a', cluster: { server: 'https://127.0.0.1:1' } }],
        contexts: [{ name: 'a', context: { cluster: 'a' } }],
        'current-context': 'a',
      }),
    );
    const run = start([`--kubeconfig=${path}`]);
    await run.says(/^E.*source not connected: .*ECONNREFUSED 127\.0\.0\.1:1; retry in /m);
    expect(await run.end('SIGTERM')).toBe(0);
    expect(await ipvsadm()).toEqual([]);
  });
});

describe('SIGTERM', () => {
  const ledger = '/run/kube-ipvs/ledger.json';
  /**
   * The process stands still where it reads its ledger, the cluster being read and nothing
   * programmed yet.
   */
  const stuck = (more: string) => ['sh', '-c', `mkfifo ${ledger}; ${more} exec "$@"`, 'sh'];

  test('in the middle of the start is not forgotten', async () => {
    const go = join(folder, 'go');
    const release = `(while ! [ -e ${go} ]; do sleep 0.05; done; echo '{}' > ${ledger}) &`;
    const run = start([await manifest('good.yaml', ...good)], { prefix: stuck(release) });
    await run.says(/all objects listed/);
    const ended = run.end('SIGTERM');
    await run.says(/stopping; what is programmed stays/);
    await writeFile(go, '');
    expect(await ended).toBe(0);
    expect(run.log).not.toContain('first sync done');
  });

  test('is heeded although a system call never returns', async () => {
    const run = start([await manifest('good.yaml', ...good)], { prefix: stuck('') });
    await run.says(/all objects listed/);
    expect(await run.end('SIGTERM')).toBe(0);
    expect(run.log).toMatch(/^W.*not everything ended in time/m);
  });

  test('a second time ends it at once', async () => {
    const run = start([await manifest('good.yaml', ...good)], { prefix: stuck('') });
    await run.says(/all objects listed/);
    void run.end('SIGTERM');
    await run.says(/stopping; what is programmed stays/);
    expect(await run.end('SIGTERM')).toBe(0);
    expect(run.log).toMatch(/^W.*ending at once/m);
  });
});

describe('objects that are wrong', () => {
  test('are skipped alone, each with one line, and everything else is programmed', async () => {
    const lb = service('lb', '10.96.0.13', {
      type: 'LoadBalancer',
      loadBalancerSourceRanges: ['10.0.0.0/33'],
    });
    const ports = [
      { name: 'a', port: 70_000 },
      { name: 'b', port: 81 },
    ];
    const flag = await manifest(
      'objects.yaml',
      ...good,
      service('ports', '10.96.0.11', { ports }),
      service('address', '10.96.0.300'),
      {
        ...service('odd', '10.96.0.12'),
        metadata: { name: 'odd\n\u0007$(id)', namespace: 'default' },
      },
      service('same', '10.96.0.10'),
      { ...lb, status: { loadBalancer: { ingress: [{ ip: '203.0.113.5' }] } } },
      slice('lb', '10.96.0.13', 'nonsense', '10.244.1.6'),
      { kind: 'Service', spec: {} },
    );
    await manifest('broken.yaml', 'kind: Service\nspec: [');
    const run = start([flag]);
    await run.says(/first sync done.*failed=0/);
    const told = [
      /ports\[0\]\.port \(70000\): must be a whole number from 1 to 65535; this port is skipped/,
      /clusterIPs\[0\] \("10\.96\.0\.300"\): is not an IP address/,
      /Service\/default\/same.*10\.96\.0\.10:80\/TCP.*belongs to Service default\/good/,
      /loadBalancerSourceRanges\[0\] \("10\.0\.0\.0\/33"\): is not a range/,
      /endpoints\[0\].*"10\.96\.0\.13"\): is an address of its own Service default\/lb/,
      /endpoints\[1\].*"nonsense"\): is not an IP address; this endpoint is skipped/,
      /broken\.yaml:\d+:\d+.*is not well formed/,
    ].map((pattern) => new RegExp(`^W.*${pattern.source}`, 'gm'));
    const unquoted = () => run.log.replaceAll(String.raw`\"`, '"');
    await eventually(() => {
      for (const pattern of told) expect(unquoted().match(pattern)).toHaveLength(1);
    });
    expect(unquoted()).not.toContain('\u0007');
    expect((await ipvsadm()).filter((line) => !line.startsWith(' ')).toSorted()).toEqual([
      'TCP  10.96.0.10:80 rr',
      'TCP  10.96.0.11:81 rr',
      'TCP  10.96.0.12:80 rr',
      'TCP  10.96.0.13:80 rr',
      'TCP  203.0.113.5:80 rr',
    ]);
  });

  test('a file that breaks while it runs keeps its last good state until it is mended', async () => {
    const run = start([await manifest('good.yaml', ...good)]);
    await run.says(/first sync done/);
    await manifest('good.yaml', 'kind: [');
    await run.says(/good\.yaml:\d+:\d+ .*is not well formed.*last good state stays in force/);
    expect(await ipvsadm()).toEqual(goodLines);
    await manifest('good.yaml', service('good', '10.96.0.20'), slice('good', '10.244.1.5'));
    await eventually(async () =>
      expect(await ipvsadm()).toEqual(['TCP  10.96.0.20:80 rr', goodLines[1]]),
    );
  });
});
