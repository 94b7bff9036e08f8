/**
 * The product where a part of the kernel cannot be read, and two of it on one node: what is served
 * goes on.
 */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { findProgram } from '../../packaging/machine.mjs';
import { eventually } from '../support/e2e/cluster.ts';
import {
  buildProduct,
  type ProductOptions,
  ProductProcess,
} from '../support/e2e/productProcess.ts';
import { freshNamespace, type Namespace } from '../support/lab/namespace.ts';
import { patience } from '../lab/patience.ts';

/** Two that start at once share the one CPU of the lab. */
const PATIENCE_MS = patience(120_000);

let folder: string;
let namespace: Namespace;
let running: ProductProcess[];

beforeAll(buildProduct);
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'run-troubles-'));
  namespace = await freshNamespace();
  running = [];
});
afterEach(async () => {
  await Promise.all(running.map((each) => each.end('SIGKILL')));
  await namespace.remove();
  await rm(folder, { recursive: true });
});

function start(more: Partial<ProductOptions> = {}): ProductProcess {
  const flags = [
    '--hostname-override=node-1',
    '--cluster-cidr=10.244.0.0/16,fd00:244::/48',
    `--manifests=${join(folder, 'manifests')}`,
    '--ipvs-sync-period=1s',
    '--healthz-port=0',
    '--metrics-port=0',
  ];
  const product = new ProductProcess({ namespace: namespace.name, flags, ...more });
  running.push(product);
  return product;
}

/** Services of these addresses, each with one endpoint. */
async function cluster(endpoints: Readonly<Record<string, string>>): Promise<void> {
  const objects = Object.entries(endpoints).flatMap(([clusterIP, endpoint], i) => [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: `s${i}`, namespace: 'default' },
      spec: { clusterIP, ports: [{ port: 80, targetPort: 8080 }] },
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        name: `s${i}-1`,
        namespace: 'default',
        labels: { 'kubernetes.io/service-name': `s${i}` },
      },
      addressType: 'IPv4',
      ports: [{ name: '', port: 8080, protocol: 'TCP' }],
      endpoints: [{ addresses: [endpoint] }],
    },
  ]);
  await mkdir(join(folder, 'manifests'), { recursive: true });
  const text = objects.map((object) => JSON.stringify(object)).join('\n---\n');
  await writeFile(join(folder, 'manifests', 'cluster.yaml'), text);
}

/** `10.96.0.10:80 10.244.1.5:8080` */
async function programmed(): Promise<string[]> {
  const saved = await namespace.run('ipvsadm', '-Sn');
  return [...saved.matchAll(/^-a -t (\S+) -r (\S+) .* -w 1/gm)].map(
    ([, server, real]) => `${server} ${real}`,
  );
}

const bound = async () =>
  [
    ...(await namespace.run('ip', '-4', 'addr', 'show', 'kube-ipvs0')).matchAll(/inet (\S+)\/32/g),
  ].map(([, address]) => address);

/** iptables-save of either variant that fails as long as a file is there. */
async function breakableSave(): Promise<{
  readonly env: { readonly PATH: string };
  readonly flag: string;
}> {
  const flag = join(folder, 'broken');
  const bin = join(folder, 'bin');
  await mkdir(bin);
  const variants = ['iptables-legacy', 'iptables-nft', 'ip6tables-legacy', 'ip6tables-nft'];
  for (const name of variants.map((variant) => `${variant}-save`)) {
    const lines = [
      '#!/bin/sh',
      `[ -e ${flag} ] && { echo "fork: Resource temporarily unavailable" >&2; exit 1; }`,
      `exec ${findProgram(name)!} "$@"`,
    ];
    await writeFile(join(bin, name), `${lines.join('\n')}\n`);
    await chmod(join(bin, name), 0o755);
  }
  return { env: { PATH: `${bin}:${process.env['PATH']}` }, flag };
}

test('while iptables-save fails, endpoints and Services are programmed, and the audit comes back', async () => {
  const { env, flag } = await breakableSave();
  await cluster({ '10.96.0.10': '10.244.1.5' });
  const product = start({ env });
  await product.says(/first sync done.*failed=0/);
  await writeFile(flag, '');
  await product.says(/rules IPv4 nat.*Resource temporarily unavailable/s);
  await cluster({ '10.96.0.10': '10.244.1.6', '10.96.0.11': '10.244.1.7' });
  await eventually(async () =>
    expect((await programmed()).toSorted()).toEqual([
      '10.96.0.10:80 10.244.1.6:8080',
      '10.96.0.11:80 10.244.1.7:8080',
    ]),
  );
  await eventually(async () => expect(await bound()).toContain('10.96.0.11'));
  await namespace.run('iptables', '-t', 'nat', '-F', 'KUBE-POSTROUTING');
  await rm(flag);
  await product.says(/audit corrected the kernel/);
  const rules = await namespace.run('iptables', '-t', 'nat', '-S', 'KUBE-POSTROUTING');
  expect(rules).toContain('MASQUERADE');
});

test('of two instances one writes and the other waits; it takes over when the first one crashes', async () => {
  await cluster({ '10.96.0.10': '10.244.1.5' });
  const runFolder = join(folder, 'run');
  await mkdir(runFolder);
  const both = [start({ runFolder }), start({ runFolder })];
  await Promise.any(both.map((each) => each.says(/first sync done.*failed=0/, PATIENCE_MS)));
  const [first, second] = both[0]!.log.includes('first sync done') ? both : both.toReversed();
  await second!.says(/another kube-ipvs programs this node: waiting until/, PATIENCE_MS);
  expect(second!.log).not.toContain('first sync done');
  await first!.end('SIGKILL');
  await second!.says(/first sync done.*operations=0 failed=0/, PATIENCE_MS);
  const prerouting = async () =>
    (await namespace.run('iptables', '-t', 'nat', '-S', 'PREROUTING')).match(/-j KUBE-SERVICES/g);
  expect(await prerouting()).toHaveLength(1);
  const comment = 'kubernetes service portals';
  const jump = ['-m', 'comment', '--comment', comment, '-j', 'KUBE-SERVICES'];
  await namespace.run('iptables', '-t', 'nat', '-A', 'PREROUTING', '-p', 'udp', '-j', 'ACCEPT');
  await namespace.run('iptables', '-t', 'nat', '-A', 'PREROUTING', ...jump);
  await second!.says(/audit corrected the kernel/);
  expect(await prerouting()).toHaveLength(1);
});

test('instances in different network namespaces do not wait for each other', async () => {
  await cluster({ '10.96.0.10': '10.244.1.5' });
  const runFolder = join(folder, 'run');
  await mkdir(runFolder);
  const other = await freshNamespace();
  const first = start({ runFolder });
  await first.says(/first sync done/, PATIENCE_MS);
  const second = start({ runFolder, namespace: other.name });
  await second.says(/all objects listed/, PATIENCE_MS);
  expect(second.log).not.toContain('waiting');
  await second.end('SIGKILL');
  await other.remove();
});
