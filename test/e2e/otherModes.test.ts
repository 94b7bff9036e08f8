/**
 * What the real kube-proxy leaves of its modes iptables and nftables goes with `--cleanup` and
 * `--cleanup-other-modes`, and nothing of anybody else's. On the machine's own kernel, in a network
 * namespace of its own.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ApiServer } from '../support/e2e/apiServer.ts';
import { eventually } from '../support/e2e/cluster.ts';
import { ClusterProcess } from '../support/e2e/clusterProcess.ts';
import { buildProduct, ProductProcess } from '../support/e2e/productProcess.ts';
import { whereNftables } from '../support/lab/kernelProbe.ts';
import { NODE, nodeObject, nodeStatus, testServices } from '../takeover/objects.ts';
import { findBinary } from '../tools/kubernetes.mjs';

const describe = await whereNftables();

const NAMESPACE = `modes${process.pid}`;
/** One of each kind. */
const SERVICES = 16;

/** Others', some in names like kube-proxy's: what a kubelet has, and a network plug-in. */
const OTHERS = `
set -e
for tables in iptables ip6tables; do
  $tables -t mangle -N KUBE-IPTABLES-HINT
  $tables -t mangle -N KUBE-KUBELET-CANARY
  $tables -N KUBE-FIREWALL
  $tables -A INPUT -j KUBE-FIREWALL
  $tables -A OUTPUT -j KUBE-FIREWALL
  $tables -t nat -N CNI-HOSTPORT
  $tables -t nat -A PREROUTING -m comment --comment "kubernetes service portals" -j CNI-HOSTPORT
done
iptables -A KUBE-FIREWALL -m comment --comment "block incoming localnet connections" -d 127.0.0.0/8 ! -s 127.0.0.0/8 \
  -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP
nft add table inet kube-proxy
nft add table ip cali
ip address add ${NODE.addresses.IPv4}/24 dev lo
ip address add ${NODE.addresses.IPv6}/64 dev lo nodad`;

const READ_ALL = `
iptables-save
ip6tables-save
nft list tables`;

describe('leftovers of the real kube-proxy', () => {
  let api: ApiServer;
  let before: string;

  beforeAll(async () => {
    await buildProduct();
    api = await ApiServer.start({ namespace: NAMESPACE });
    const services = testServices(SERVICES);
    const { objects } = api;
    await objects.create(nodeObject);
    await objects.patch(nodeObject, { status: nodeStatus }, 'status');
    await objects.createAll(services.flatMap((each) => each.objects));
    for (const { objects: of, status } of services) {
      if (status !== undefined) await objects.patch(of[0]!, { status }, 'status');
    }
    await sh(OTHERS);
    before = await rules();
  }, 120_000);

  afterAll(() => api?.stop());

  async function sh(script: string): Promise<string> {
    const argv = ['netns', 'exec', NAMESPACE, 'sh', '-c', script];
    return (await promisify(execFile)('ip', argv)).stdout;
  }

  /** Without counters and times. */
  async function rules(): Promise<string> {
    return (await sh(READ_ALL)).replaceAll(/^#.*\n| ?\[\d+:\d+\]/gm, '');
  }

  /** Until both families have been programmed, then ended in order. */
  async function runKubeProxy(mode: string): Promise<void> {
    const argv = [
      findBinary('kube-proxy')!,
      `--proxy-mode=${mode}`,
      `--kubeconfig=${api.writeKubeconfig('lab')}`,
      `--hostname-override=${NODE.name}`,
      '--cluster-cidr=10.244.0.0/16,fd00:10:244::/48',
      '--conntrack-max-per-core=0',
      '--conntrack-tcp-timeout-established=0',
      '--conntrack-tcp-timeout-close-wait=0',
    ];
    const log = join(api.folder, `${mode}.log`);
    const kubeProxy = new ClusterProcess(`kube-proxy in mode ${mode}`, argv, log, NAMESPACE);
    await eventually(async () => {
      const metrics = await sh('curl -s 127.0.0.1:10249/metrics');
      const stamps = metrics.matchAll(/^kubeproxy_sync_proxy_rules_last_timestamp.* (\S+)$/gm);
      expect([...stamps].filter(([, stamp]) => Number(stamp) > 0)).toHaveLength(2);
    }, 60_000);
    await kubeProxy.end('SIGTERM');
  }

  async function cleanup(...more: readonly string[]): Promise<string> {
    const flags = ['--cleanup', `--hostname-override=${NODE.name}`, ...more];
    const product = new ProductProcess({ namespace: NAMESPACE, flags });
    expect(await product.end()).toBe(0);
    return product.log;
  }

  test('of mode iptables go when told, all of them and nothing else', async () => {
    await runKubeProxy('iptables');
    const left = await rules();
    expect(left.match(/^:KUBE-(?:SVC|SVL|EXT|SEP|FW)-/gm)?.length).toBeGreaterThan(50);
    expect(await cleanup()).not.toMatch(/^- chain .*KUBE-(?:SVC|SEP)-/m);
    expect(await rules()).toMatch(/^:KUBE-SVC-/m);
    const dry = await cleanup('--cleanup-other-modes', '--dry-run');
    const done = await cleanup('--cleanup-other-modes');
    expect(done).toBe(dry.replace('would remove', 'removed'));
    expect(await rules()).toBe(before);
  }, 120_000);

  test('of mode nftables go when told, all of them and nothing else', async () => {
    await runKubeProxy('nftables');
    expect(await cleanup()).toBe('nothing to remove\n');
    expect(await rules()).toMatch(/^table ip6 kube-proxy$/m);
    const done = await cleanup('--cleanup-other-modes');
    expect(done).toContain('- nftables table ip kube-proxy\n- nftables table ip6 kube-proxy\n');
    expect(await rules()).toBe(before);
    expect(await cleanup('--cleanup-other-modes')).toBe('nothing to remove\n');
  }, 120_000);
});
