/**
 * The node's place in the cluster and the node's health, as `run` sees them on a real kernel: what
 * is wrong with one object or with the Node object never takes the rest with it, and no answer of
 * /livez asks for a restart that would cure nothing.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { eventually } from '../support/e2e/cluster.ts';
import {
  buildProduct,
  type ProductOptions,
  ProductProcess,
} from '../support/e2e/productProcess.ts';
import { freshNamespace, type Namespace } from '../support/lab/namespace.ts';
import { patience } from '../lab/patience.ts';

let folder: string;
let namespace: Namespace;
let product: ProductProcess | undefined;

beforeAll(buildProduct);
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'run-node-'));
  namespace = await freshNamespace();
  await namespace.run('ip', 'link', 'add', 'eth7', 'type', 'dummy');
  await namespace.run('ip', 'address', 'add', '192.0.2.11/24', 'dev', 'eth7');
  await namespace.run('ip', 'link', 'set', 'eth7', 'up');
  await namespace.run('ip', 'link', 'set', 'lo', 'up');
});
afterEach(async () => {
  await product?.end('SIGTERM');
  product = undefined;
  await namespace.remove();
  await rm(folder, { recursive: true });
});

/** Two starts, or several audits, in a kernel that is emulated. */
const PATIENCE_MS = patience(180_000);

/** Audits every second, so twice the sync period is over after a few of them. */
const ALWAYS = ['--hostname-override=node-1', '--ipvs-sync-period=1s', '-v=2'];

async function start(flags: readonly string[], more: Partial<ProductOptions> = {}) {
  const all = [...ALWAYS, `--manifests=${folder}`, ...flags];
  product = new ProductProcess({ namespace: namespace.name, flags: all, ...more });
  await product.says(/first sync done/);
  return product;
}

const write = (name: string, ...objects: readonly object[]) =>
  writeFile(join(folder, name), objects.map((object) => JSON.stringify(object)).join('\n---\n'));

const node = (name: string, spec: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name },
  spec,
  status: { addresses: [{ type: 'InternalIP', address: '192.0.2.11' }] },
});

const service = (name: string, clusterIP: string) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'shop' },
  spec: { clusterIP, ports: [{ port: 80, targetPort: 8080 }] },
});

const slice = (ofService: string, ...addresses: readonly string[]) => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: {
    name: `${ofService}-1`,
    namespace: 'shop',
    labels: { 'kubernetes.io/service-name': ofService },
  },
  addressType: 'IPv4',
  ports: [{ name: '', port: 8080, protocol: 'TCP' }],
  endpoints: addresses.map((address) => ({ addresses: [address] })),
});

/** @returns the HTTP status */
const ask = (path: string) =>
  namespace.run('curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', `127.0.0.1:10256${path}`);

async function metric(name: string): Promise<number> {
  const text = await namespace.run('curl', '-s', '127.0.0.1:10249/metrics');
  return Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1]);
}

/** More audits than twice the sync period holds, from now on. */
async function afterAudits(run: ProductProcess): Promise<void> {
  const before = run.log.length;
  await eventually(() => {
    const audits = run.log.slice(before).match(/"audit/g) ?? [];
    if (audits.length < 3) throw new Error('still waiting');
  });
}

describe('no Node of this name', () => {
  test(
    'is a problem that names the likely one, until it is there',
    async () => {
      await write('node.yaml', node('node-1.example.com'));
      await write('web.yaml', service('web', '10.96.0.10'), slice('web', '10.244.1.5'));
      const run = await start(['--cluster-cidr=10.244.0.0/16']);
      expect(run.log).toMatch(
        /^W.*Node\/node-1: there is no Node of this name, but Node node-1\.example\.com carries this host's address 192\.0\.2\.11: give --hostname-override=node-1\.example\.com/m,
      );
      expect(await metric('kubeipvs_problems')).toBe(1);
      await write('node.yaml', node('node-1'));
      await eventually(async () => expect(await metric('kubeipvs_problems')).toBe(0));
    },
    PATIENCE_MS,
  );

  test(
    'once it was there takes the node out of load balancers, and restarts nothing',
    async () => {
      await write('node.yaml', node('node-1'), node('node-2'));
      await write('web.yaml', service('web', '10.96.0.10'), slice('web', '10.244.1.5'));
      const run = await start(['--cluster-cidr=10.244.0.0/16']);
      expect(await ask('/healthz')).toBe('200');
      await write('node.yaml', node('node-2'));
      await eventually(async () => expect(await ask('/healthz')).toBe('503'));
      await afterAudits(run);
      expect([await ask('/healthz'), await ask('/livez')]).toEqual(['503', '200']);
      expect(run.log).toMatch(/^W.*Node\/node-1: this Node was deleted/m);
      expect(await namespace.run('ipvsadm', '-Ln')).toContain('10.244.1.5:8080');
      await write('node.yaml', node('node-1'), node('node-2'));
      await eventually(async () => expect(await ask('/healthz')).toBe('200'));
    },
    PATIENCE_MS,
  );
});

describe('a pod CIDR that comes later', () => {
  test.each(['one family', 'two families'])(
    'is waited for with %s',
    async (families) => {
      const isOff = families === 'one family' ? '1' : '0';
      await namespace.run('sysctl', '-w', `net.ipv6.conf.all.disable_ipv6=${isOff}`);
      await write('node.yaml', node('node-1'));
      await write('web.yaml', service('web', '10.96.0.10'), slice('web', '10.244.1.5'));
      const run = await start(['--detect-local-mode=NodeCIDR']);
      expect(run.log).toMatch(/^W.*Node\/node-1\.spec\.podCIDRs.*until it has one/m);
      expect(await namespace.run('ipvsadm', '-Ln')).toContain('10.244.1.5:8080');
      await write('node.yaml', node('node-1', { podCIDRs: ['10.244.1.0/24'] }));
      await eventually(async () =>
        expect(await namespace.run('iptables-save', '-t', 'nat')).toContain('! -s 10.244.1.0/24'),
      );
      expect(await metric('kubeipvs_problems')).toBe(0);
    },
    PATIENCE_MS,
  );
});

describe('what fails for ever', () => {
  test(
    'of one endpoint is the matter of its Service alone',
    async () => {
      await write('node.yaml', node('node-1'));
      await write('good.yaml', service('good', '10.96.0.10'), slice('good', '10.244.1.5'));
      await write('bad.yaml', service('bad', '10.96.0.11'), slice('bad', '192.0.2.255'));
      const run = await start(['--cluster-cidr=10.244.0.0/16']);
      await run.says(
        /^W.*EndpointSlice\/shop\/bad-1\.endpoints\[0\]\.addresses\[0\].*cannot be an endpoint of Service shop\/bad at 10\.96\.0\.11:80\/TCP: .*EINVAL/m,
      );
      expect(run.log).toMatch(
        /^E.*addDestination failed.*service="shop\/bad" endpoint="shop\/bad-1#0"/m,
      );
      await afterAudits(run);
      expect([await ask('/healthz'), await ask('/livez')]).toEqual(['200', '200']);
      expect(await metric('kubeipvs_failing_operations')).toBe(1);
      expect(await metric('kubeipvs_problems')).toBe(1);
      await write('bad.yaml', service('bad', '10.96.0.11'), slice('bad', '10.244.1.6'));
      await eventually(async () => expect(await metric('kubeipvs_problems')).toBe(0));
    },
    PATIENCE_MS,
  );

  test(
    'of a sysctl that cannot be written is told with its cure',
    async () => {
      await write('node.yaml', node('node-1'));
      await start(['--cluster-cidr=10.244.0.0/16']);
      await product!.end('SIGTERM');
      const readOnly =
        'mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys && exec "$@"';
      const run = await start(['--cluster-cidr=10.244.0.0/16'], {
        prefix: ['sh', '-c', readOnly, 'sh'],
      });
      await namespace.run('sysctl', '-w', 'net.ipv4.vs.conntrack=0');
      await run.says(/^W.*sysctl net\/ipv4\/vs\/conntrack.*sysctl -w net\.ipv4\.vs\.conntrack=1/m);
      await afterAudits(run);
      expect([await ask('/healthz'), await ask('/livez')]).toEqual(['200', '200']);
      expect(await metric('kubeipvs_problems')).toBe(1);
    },
    PATIENCE_MS,
  );
});
