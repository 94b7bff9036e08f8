/**
 * `--cleanup` on a real kernel: all of ours goes, in both families, what is others' stays, and the
 * node is as it was before the proxy came.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { buildProduct, ProductProcess } from '../support/e2e/productProcess.ts';
import { freshNamespace, type Namespace } from '../support/lab/namespace.ts';

let folder: string;
let namespace: Namespace;
const started: ProductProcess[] = [];

beforeAll(buildProduct, 300_000);
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cleanup-'));
  namespace = await freshNamespace();
  await run('ip link add eth7 type dummy');
  await run('ip address add 192.0.2.11/24 dev eth7');
  await run('ip address add fd00:2::11/64 dev eth7 nodad');
  await run('ip link set eth7 up');
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((each) => each.end('SIGTERM')));
  await namespace.remove();
  await rm(folder, { recursive: true });
});

const run = (command: string) => namespace.run(...command.split(' '));

/** All processes of a test have one /run/kube-ipvs, as on a node. */
function start(...flags: readonly string[]): ProductProcess {
  const all = ['--hostname-override=node-1', `--manifests=${folder}/manifests`, ...flags];
  const product = new ProductProcess({ namespace: namespace.name, flags: all, runFolder: folder });
  started.push(product);
  return product;
}

async function cleanup(...flags: readonly string[]): Promise<{ code: number; text: string }> {
  const product = start('--cleanup', ...flags);
  const code = await product.end();
  return { code, text: product.log };
}

const SYSCTLS = ['net.ipv4.vs.conntrack', 'net.ipv4.vs.expire_nodest_conn', 'net.ipv4.ip_forward'];

/**
 * Without counters and times, and without tables that hold nothing: iptables-nft makes the chains
 * of a table with the first rule in it, and has no word for taking them away again.
 */
async function node(): Promise<Readonly<Record<string, string>>> {
  const rules = async (command: string) =>
    (await run(command))
      .replaceAll(/^#.*\n/gm, '')
      .replaceAll(/\[\d+:\d+\]/g, '')
      .replaceAll(/^\*\w+\n(?::\w+ ACCEPT ?\n)+COMMIT\n/gm, '');
  return {
    servers: await run('ipvsadm -Sn'),
    links: (await run('ip -o link')).replaceAll(/^\d+: /gm, ''),
    sets: await run('ipset save -sorted'),
    ipv4: await rules('iptables-save'),
    ipv6: await rules('ip6tables-save'),
    sysctls: await namespace.run('sysctl', ...SYSCTLS),
  };
}

async function writeCluster(): Promise<void> {
  const service = (name: string, clusterIPs: readonly string[], nodePort: number) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'shop' },
    spec: {
      type: 'LoadBalancer',
      clusterIP: clusterIPs[0],
      clusterIPs,
      ipFamilies: clusterIPs.map((each) => (each.includes(':') ? 'IPv6' : 'IPv4')),
      externalIPs: ['198.51.100.7'],
      ports: [{ port: 80, nodePort }],
    },
  });
  const slice = (addressType: string, address: string) => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `web-${addressType.toLowerCase()}`,
      namespace: 'shop',
      labels: { 'kubernetes.io/service-name': 'web' },
    },
    addressType,
    ports: [{ port: 8080 }],
    endpoints: [{ addresses: [address] }],
  });
  const objects = [
    service('web', ['10.96.0.10', 'fd00:96::10'], 30080),
    slice('IPv4', '10.244.1.5'),
    slice('IPv6', 'fd00:244::5'),
  ];
  await namespace.run('mkdir', '-p', join(folder, 'manifests'));
  const text = objects.map((object) => JSON.stringify(object)).join('\n---\n');
  await writeFile(join(folder, 'manifests', 'web.yaml'), text);
}

test('the node is as it was before, and what is others’ was never touched', async () => {
  await namespace.run('sysctl', '-w', 'net.ipv4.ip_forward=0', 'net.ipv4.vs.conntrack=0');
  await run('ipvsadm -A -t 203.0.113.9:443 -s wlc');
  await run('ipvsadm -a -t 203.0.113.9:443 -r 10.1.0.1:443 -m');
  await run('ipvsadm -A -t 192.0.2.11:25 -s rr');
  await run('ipvsadm -A -f 7 -s rr');
  await run('ipset create OTHERS hash:ip');
  await run('ipset add OTHERS 192.0.2.77');
  await run('iptables -N KUBE-FIREWALL');
  await run('iptables -A INPUT -m set --match-set OTHERS src -j KUBE-FIREWALL');
  // An earlier life of the tables, so that they are there before and after.
  await run('iptables -t nat -S');
  await run('ip6tables -t nat -S');
  await run('ip6tables -S');
  const before = await node();
  await writeCluster();

  const proxy = start('--cluster-cidr=10.244.0.0/16,fd00:244::/48');
  await proxy.says(/first sync done/, 150_000);
  const refused = await cleanup();
  expect([refused.code, refused.text]).toEqual([
    1,
    expect.stringContaining('kube-ipvs is running on this node and would program it anew'),
  ]);
  await proxy.end('SIGTERM');
  const programmed = await node();
  expect(programmed['servers']).toContain('[fd00:96::10]:80');
  expect(programmed['servers']).toContain('192.0.2.11:30080');
  expect(programmed['sysctls']).toMatch(/vs.conntrack = 1\n[^]*ip_forward = 1/);

  const dry = await cleanup('--dry-run');
  expect(dry.code).toBe(0);
  expect(dry.text).toContain('- virtual server [fd00:96::10]:80/TCP\n');
  expect(await node()).toEqual(programmed);

  const done = await cleanup();
  expect([done.code, done.text]).toEqual([0, dry.text.replace('would remove', 'removed')]);
  expect(done.text).toContain('~ sysctl net/ipv4/ip_forward 1 -> 0\n');
  expect(done.text).toContain('- ipset KUBE-6-CLUSTER-IP\n');
  expect(await node()).toEqual(before);

  const again = await cleanup();
  expect(again).toEqual({ code: 0, text: 'nothing to remove\n' });
}, 300_000);

test('what a rule of others needs stays, with its reason', async () => {
  await run('ipset create KUBE-CLUSTER-IP hash:ip,port');
  await run('ipset create KUBE-6-IPVS-IPS hash:ip family inet6');
  await run('iptables -A FORWARD -m set --match-set KUBE-CLUSTER-IP dst,dst -j ACCEPT');
  await run('iptables -t nat -N KUBE-MARK-MASQ');
  await run('iptables -t nat -A KUBE-MARK-MASQ -j MARK --or-mark 0x4000');
  await run('iptables -t nat -N CNI-HOSTPORT-SETMARK');
  await run('iptables -t nat -A CNI-HOSTPORT-SETMARK -j KUBE-MARK-MASQ');
  await run('iptables -t nat -N KUBE-SERVICES');
  const { code, text } = await cleanup();
  expect(code).toBe(0);
  expect(text).toMatch(/- ipset KUBE-6-IPVS-IPS\n/);
  expect(text).toMatch(/^- chain IPv4 nat .*KUBE-SERVICES$/m);
  expect(text).toMatch(/^= chain IPv4 nat .*KUBE-MARK-MASQ stays: a rule of CNI-HOSTPORT-SETMARK/m);
  expect(text).toContain('= ipset KUBE-CLUSTER-IP stays: a rule that is not ours refers to it\n');
  const left = await run('iptables-save');
  expect(left).toContain('-A KUBE-MARK-MASQ -j MARK');
  expect(left).toContain('--match-set KUBE-CLUSTER-IP dst,dst');
}, 120_000);

test('without the right to, each thing is told and the exit code is 1', async () => {
  await run('ip link add kube-ipvs0 type dummy');
  await run('ipset create KUBE-CLUSTER-IP hash:ip,port');
  const flags = ['--cleanup', '--hostname-override=node-1'];
  const prefix = ['setpriv', '--bounding-set=-net_admin'];
  const product = new ProductProcess({ namespace: namespace.name, flags, prefix });
  const code = await product.end();
  expect(code).toBe(1);
  expect(product.log).toMatch(/^! device kube-ipvs0: .*EPERM/m);
  expect(product.log).toMatch(/; failed: \d+\n$/);
}, 120_000);
