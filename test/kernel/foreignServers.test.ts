/**
 * The product beside other users of IPVS: what is theirs stays as it is, what an earlier proxy left
 * goes.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { eventually } from '../support/e2e/cluster.ts';
import { buildProduct, ProductProcess } from '../support/e2e/productProcess.ts';
import { freshNamespace, type Namespace } from '../support/lab/namespace.ts';
import { patience } from '../lab/patience.ts';

let folder: string;
let namespace: Namespace;
let product: ProductProcess | undefined;

beforeAll(buildProduct);
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'foreign-servers-'));
  namespace = await freshNamespace();
  await run('ip link add eth0 type dummy');
  await run('ip address add 192.168.0.1/24 dev eth0');
  await run('ip link set eth0 up');
});
afterEach(async () => {
  await product?.end('SIGTERM');
  product = undefined;
  await namespace.remove();
  await rm(folder, { recursive: true });
});

const run = (command: string) => namespace.run(...command.split(' '));
const saved = async () => (await run('ipvsadm -Sn')).trimEnd().split('\n').toSorted();

async function cluster(...endpoints: readonly string[]): Promise<void> {
  const web = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'default' },
    spec: { type: 'NodePort', clusterIP: '10.96.0.10', ports: [{ port: 80, nodePort: 30080 }] },
  };
  const slice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: 'web-1',
      namespace: 'default',
      labels: { 'kubernetes.io/service-name': 'web' },
    },
    addressType: 'IPv4',
    ports: [{ port: 8080 }],
    endpoints: endpoints.map((address) => ({ addresses: [address] })),
  };
  const text = [web, slice].map((object) => JSON.stringify(object)).join('\n---\n');
  await writeFile(join(folder, 'web.yaml'), text);
}

function start(): ProductProcess {
  product = new ProductProcess({
    namespace: namespace.name,
    flags: ['--hostname-override=node-1', `--manifests=${folder}`, '--ipvs-sync-period=1s'],
  });
  return product;
}

const holds = (line: string) =>
  eventually(async () => expect(await saved()).toContain(line), patience(120_000));

/** A NodePort's server that somebody removes is back with the next audit. */
async function audited(): Promise<void> {
  await run('ipvsadm -D -t 192.168.0.1:30080');
  await holds('-A -t 192.168.0.1:30080 -s rr');
}

test('servers of others stay, on the port of a NodePort too; what an earlier proxy left goes', async () => {
  await cluster('10.244.1.5');
  const others = ['203.0.113.9:30080', '203.0.113.9:443', '192.168.0.1:443'];
  const left = '192.168.0.1:31000';
  for (const at of [...others, left]) {
    await run(`ipvsadm -A -t ${at} -s wlc`);
    await run(`ipvsadm -a -t ${at} -r 10.1.1.1:8443 -m`);
  }
  await run('ipset create KUBE-NODE-PORT-TCP bitmap:port range 0-65535');
  await run('ipset add KUBE-NODE-PORT-TCP 31000');
  start();
  await holds('-A -t 10.96.0.10:80 -s rr');
  await audited();
  // another one while the product runs
  await run('ipvsadm -A -t 203.0.113.10:30080 -s wlc');
  await audited();
  const servers = (await saved()).filter((line) => line.startsWith('-A'));
  expect(servers).toEqual(
    [
      ...others.map((at) => `-A -t ${at} -s wlc`),
      '-A -t 203.0.113.10:30080 -s wlc',
      '-A -t 10.96.0.10:80 -s rr',
      '-A -t 192.168.0.1:30080 -s rr',
    ].toSorted(),
  );
});

test('a destination that somebody routes does not keep a server from being ours, and is told', async () => {
  await cluster('10.244.1.5');
  start();
  await holds('-A -t 10.96.0.10:80 -s rr');
  await product!.end('SIGTERM');
  await run('ipvsadm -a -t 10.96.0.10:80 -r 192.168.0.77 -g');
  await cluster('10.244.1.6');
  const second = start();
  await holds('-a -t 10.96.0.10:80 -r 10.244.1.6:8080 -m -w 1');
  await second.says(/is not masqueraded, so it is none of ours/);
  expect((await saved()).filter((line) => line.startsWith('-a -t 10.96.0.10:80'))).toEqual([
    '-a -t 10.96.0.10:80 -r 10.244.1.6:8080 -m -w 1',
    '-a -t 10.96.0.10:80 -r 192.168.0.77:80 -g -w 1',
  ]);
});

test("somebody's direct-routing server on an address and port we want is not written onto", async () => {
  await cluster('10.244.1.5');
  await run('ipvsadm -A -t 10.96.0.10:80 -s wlc');
  await run('ipvsadm -a -t 10.96.0.10:80 -r 192.168.0.77 -g');
  await start().says(
    /10\.96\.0\.10:80\/TCP is another program's: none of its destinations is masq/,
  );
  const lines = (await saved()).filter((line) => line.includes(' 10.96.0.10:80'));
  expect(lines).toEqual([
    '-A -t 10.96.0.10:80 -s wlc',
    '-a -t 10.96.0.10:80 -r 192.168.0.77:80 -g -w 1',
  ]);
  await run('ipvsadm -D -t 10.96.0.10:80');
  await holds('-A -t 10.96.0.10:80 -s rr');
});
