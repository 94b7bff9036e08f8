/**
 * What each case of ../shared/cases says is right, as an assertion on the plan of it. The text
 * beside the input is for people; this table is its translation as far as a plan can tell. The rest
 * needs packets, an API server or a chart: NOT_BY_PLAN says which tests have it.
 */
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { loadClusterAccess } from '../../../src/cluster/kubeconfig.ts';
import { runCommand, Scratch } from '../program/command.ts';

/** @param folder of the case */
type Judge = (folder: string) => Promise<void> | void;

interface PlanJson {
  readonly desired: {
    readonly virtualServers: readonly ServerJson[];
    readonly addresses: readonly string[];
    readonly ipsets: Readonly<Record<string, { readonly entries: readonly string[] }>>;
  };
  readonly plan: readonly {
    readonly op: string;
    readonly server?: unknown;
    readonly destination?: { readonly address: string; readonly port: number };
    readonly set?: string;
    readonly entry?: string;
  }[];
  readonly problems: readonly { path: string; value: unknown; problem: string }[];
}

interface ServerJson {
  readonly address: string;
  readonly port: number;
  readonly protocol: string;
  readonly flags: readonly string[];
  readonly destinations: readonly {
    readonly address: string;
    readonly port: number;
    readonly weight: number;
    readonly node?: string;
    readonly endpoint?: string;
  }[];
}

interface Input {
  readonly cluster?: string;
  readonly flags?: readonly string[];
}

/** The node of all dp cases is described once, beside them. */
async function planOf(folder: string, { cluster = 'cluster.yaml', flags = [] }: Input = {}) {
  const shared = join(folder, '..', 'dp-00-common');
  const manifests = [join(shared, 'nodes.yaml'), join(folder, cluster)];
  const { exitCode, stdout, stderr } = await runCommand([
    'plan',
    ...manifests.flatMap((file) => ['--manifests', file]),
    '--host',
    join(shared, 'host.yaml'),
    '-o',
    'json',
    ...flags,
  ]);
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
  const { desired, plan, problems } = JSON.parse(stdout) as PlanJson;
  const servers = Object.fromEntries(
    desired.virtualServers.map((server) => [
      `${server.address}:${server.port}/${server.protocol}`,
      server.destinations.map(({ address, port }) => `${address}:${port}`),
    ]),
  );
  const set = (name: string) => desired.ipsets[name]?.entries ?? [];
  return { whole: stdout, desired, servers, set, plan, problems };
}

/**
 * What one file after the other changes, each against what the one before it left; without words on
 * rules and sysctls.
 */
async function changesOf(folder: string, clusters: readonly string[]) {
  const scratch = await Scratch.make();
  try {
    const steps: string[][] = [];
    let flags: readonly string[] = [];
    for (const cluster of clusters) {
      const { whole, plan } = await planOf(folder, { cluster, flags });
      steps.push(plan.flatMap(changeLine).toSorted());
      flags = ['--against', await scratch.write(`${cluster}.json`, whole)];
    }
    return steps.slice(1);
  } finally {
    await scratch.remove();
  }
}

function changeLine({ op, server, destination, set, entry }: PlanJson['plan'][number]): string[] {
  const target = destination === undefined ? '' : `${destination.address}:${destination.port}`;
  if (destination !== undefined) return [`${op} ${String(server)} ${target}`];
  return entry === undefined ? [op] : [`${op} ${set} ${entry}`];
}

const access = (kubeconfig: string) => loadClusterAccess({ kubeconfig, env: {} });

/** A kubeconfig that must be read: where it leads, and with what in hand. */
async function isRead(file: string): Promise<void> {
  const read = access(file);
  const { headers } = await read.authenticate();
  read.close();
  expect({ file, server: read.server, headers }).toEqual({
    file,
    server: 'https://127.0.0.1:45005',
    headers: { Authorization: 'Bearer good-token' },
  });
}

async function isRefused(file: string, reason: RegExp): Promise<void> {
  await expect(async () => access(file).authenticate()).rejects.toThrow(reason);
}

export const CASES: Readonly<Record<string, Judge>> = {
  'dp-01-hash-scheduler-drain': async (folder) => {
    const flags = ['--config', join(folder, 'config.yaml')];
    const { desired } = await planOf(folder, { flags });
    expect(desired.virtualServers.map((server) => server.flags)).toEqual([
      ['mh-fallback', 'mh-port'],
    ]);
  },
  'dp-02-pod-address-reused': async (folder) => {
    const { desired, set } = await planOf(folder);
    expect(desired.virtualServers).toMatchObject([
      {
        address: '10.96.0.10',
        destinations: [
          { address: '10.244.7.9', port: 8080, endpoint: 'default/web-1#1', node: 'node-2' },
        ],
      },
    ]);
    expect(set('KUBE-IPVS-REJECT')).toEqual([]);
    expect(set('KUBE-LOOP-BACK')).toEqual([]);
  },
  'dp-03-leading-zeros': async (folder) => {
    const { desired, servers, set } = await planOf(folder);
    const pod = ['10.244.1.5:8080'];
    expect(servers).toEqual({
      '10.96.0.10:80/TCP': pod,
      '203.0.113.7:80/TCP': pod,
      '203.0.113.20:80/TCP': pod,
    });
    expect(desired.addresses).toEqual(['10.96.0.10/32', '203.0.113.7/32', '203.0.113.20/32']);
    expect(set('KUBE-LOAD-BALANCER-SOURCE-CIDR')).toEqual(['203.0.113.20,tcp:80,192.168.10.0/24']);
  },
  'dp-04-older-external-ip': async (folder) => {
    const { servers, problems } = await planOf(folder);
    expect(servers).toEqual({
      '10.96.0.53:53/UDP': ['10.244.1.5:53'],
      '10.96.0.66:53/UDP': ['10.244.1.66:53'],
    });
    expect(problems).toMatchObject([{ path: 'Service/tenant/squatter.spec.externalIPs[0]' }]);
  },
  'dp-06-one-address-many-ports': async (folder) => {
    const { servers, set } = await planOf(folder);
    expect(servers).toEqual({
      '10.96.0.10:5432/TCP': ['192.168.0.1:5433', '192.168.0.1:5434', '192.168.0.2:5434'],
      '192.168.0.1:30432/TCP': ['192.168.0.1:5433', '192.168.0.1:5434'],
    });
    expect([...set('KUBE-IPVS-DROP'), ...set('KUBE-IPVS-REJECT')]).toEqual([]);
  },
  'dp-09-two-policies-one-node-port-number': async (folder) => {
    const { set } = await planOf(folder);
    const holders = ['TCP', 'LOCAL-TCP', 'UDP', 'LOCAL-UDP'].filter((name) =>
      set(`KUBE-NODE-PORT-${name}`).includes('30053'),
    );
    expect(holders).toEqual(['TCP', 'LOCAL-TCP', 'UDP']);
  },
  'dp-15-mapped-addresses': async (folder) => {
    const { desired, servers, set } = await planOf(folder);
    const pod = ['10.244.1.5:8080'];
    expect(servers).toMatchObject({ '203.0.113.7:80/TCP': pod, '203.0.113.20:80/TCP': pod });
    expect(desired.addresses).toEqual(
      expect.arrayContaining(['203.0.113.7/32', '203.0.113.20/32']),
    );
    expect(set('KUBE-LOAD-BALANCER-FW')).toEqual(['203.0.113.20,tcp:80']);
    expect(set('KUBE-LOAD-BALANCER-SOURCE-CIDR')).toEqual(['203.0.113.20,tcp:80,192.168.10.0/24']);
  },
  'dp-17-dual-stack-halves': async (folder) => {
    const { servers, set, problems } = await planOf(folder);
    const [here, elsewhere] = [['fd00:244:1::5:8080'], ['10.244.2.5:8080']];
    expect(servers).toEqual({
      '10.96.0.10:80/TCP': [],
      '192.168.0.1:30080/TCP': elsewhere,
      '203.0.113.20:80/TCP': elsewhere,
      'fd00:96::10:80/TCP': here,
      'fd00:168::1:30080/TCP': here,
      '2001:db8::20:80/TCP': here,
    });
    expect(set('KUBE-IPVS-REJECT')).toEqual(['10.96.0.10,tcp:80']);
    expect(set('KUBE-IPVS-DROP')).toEqual(['192.168.0.1,tcp:30080', '203.0.113.20,tcp:80']);
    expect([...set('KUBE-6-IPVS-DROP'), ...set('KUBE-6-IPVS-REJECT')]).toEqual([]);
    expect(problems).toMatchObject([{ value: 'fe80::5%eth0' }]);
  },
  'dp-22-udp-to-zero-and-back': async (folder) => {
    const steps = await changesOf(folder, ['before.yaml', 'after-1.yaml', 'after-2.yaml']);
    expect(steps).toEqual([
      [
        'addEntry KUBE-IPVS-REJECT 10.96.0.13,udp:53',
        'removeDestination 10.96.0.13:53/UDP 10.244.2.20:8080',
      ],
      [
        'addDestination 10.96.0.13:53/UDP 10.244.1.20:8080',
        'removeEntry KUBE-IPVS-REJECT 10.96.0.13,udp:53',
      ],
    ]);
  },
  'dp-28-port-renamed-or-retargeted': async (folder) => {
    const files = ['before.yaml', 'after-1.yaml', 'after-2.yaml', 'after-3.yaml'];
    const each = (op: string, port: number) =>
      ['10.244.1.20', '10.244.2.20'].map((pod) => `${op} 10.96.0.23:80/TCP ${pod}:${port}`);
    expect(await changesOf(folder, files)).toEqual([
      [...each('addDestination', 8080), ...each('drainDestination', 9090)],
      ['addEntry KUBE-IPVS-REJECT 10.96.0.23,tcp:80', ...each('drainDestination', 8080)],
      [...each('addDestination', 8080), 'removeEntry KUBE-IPVS-REJECT 10.96.0.23,tcp:80'],
    ]);
  },
  'dp-41-external-ip-is-a-pod': async (folder) => {
    const { desired, servers, problems } = await planOf(folder);
    expect(desired.addresses).toEqual(['10.96.0.53/32', '10.96.0.66/32']);
    expect(Object.keys(servers).toSorted()).toEqual(['10.96.0.53:80/TCP', '10.96.0.66:8080/TCP']);
    expect(problems.map(({ path }) => path)).toEqual([
      'Service/tenant/squatter.spec.externalIPs[0]',
      'Service/tenant/squatter.spec.externalIPs[1]',
    ]);
  },
  'dp-42-external-ip-takes-a-node-port': async (folder) => {
    const { servers, problems } = await planOf(folder);
    expect(servers).toMatchObject({ '192.168.0.1:30080/TCP': ['10.244.1.5:53'] });
    expect(problems).toContainEqual(
      expect.objectContaining({
        path: 'Service/tenant/squatter.spec.externalIPs[0]',
        value: '192.168.0.1:30080/TCP',
      }),
    );
  },
  'cf-01-no-node-of-this-name': async (folder) => {
    const host = ['--host', join(folder, 'host.yaml'), '--cluster-cidr', '10.244.0.0/16'];
    const manifests = ['--manifests', join(folder, 'objects.yaml')];
    const { stdout } = await runCommand(['plan', ...manifests, ...host, '-o', 'json']);
    const { problems } = JSON.parse(stdout) as PlanJson;
    expect(problems).toContainEqual(
      expect.objectContaining({
        path: 'Node/ip-192-168-1-1',
        problem: expect.stringContaining('--hostname-override=ip-192-168-1-1.ec2.internal'),
      }),
    );
  },
  'cf-05-kubeconfig-yaml': async (folder) => {
    const files = ['insecure-yes', 'duplicate-key', 'merge-key', 'binary-tag', 'trailing-marker'];
    for (const file of [...files, 'utf-16', 'upper-case-scheme'])
      await isRead(join(folder, `${file}.yaml`));
  },
  'cf-12-certificate-data-garbage': async (folder) => {
    await isRefused(join(folder, 'garbage.yaml'), /certificate-authority-data.*base64/);
    await isRefused(join(folder, 'der.yaml'), /certificate-authority-data.*PEM/);
    await isRefused(join(folder, 'other-key.yaml'), /client-key.*client-certificate/);
  },
  'cf-13-config-trailing-marker': async (folder) => {
    const config = ['--config', join(folder, 'config.yaml')];
    const { exitCode } = await runCommand(['run', ...config, '--write-config-to', '/dev/null']);
    expect(exitCode).toBe(0);
  },
  'cf-14-server-without-scheme': () => {
    const { server } = loadClusterAccess({ master: '127.0.0.1:8080', env: {} });
    expect(server).toBe('http://127.0.0.1:8080');
  },
};

/** Where the rest of the cases is judged. */
export const NOT_BY_PLAN: Readonly<Record<string, string>> = {
  'dp-00-common': 'the node of all of them',
  'dp-34-ping': 'docs/differences.md',
  'dp-35-source-port-is-a-node-port': 'docs/differences.md, test/unit/node/localPorts.test.ts',
  'dp-38-large-datagrams': 'packets: test/kernel/desiredTraffic.test.ts',
  'dp-39-drain-deadline': 'time: test/unit/plan/drain.test.ts',
  'dp-40-service-deleted': 'docs/differences.md',
  'dp-43-one-client-port-two-addresses': 'docs/differences.md',
  'cf-02-exec-answer-without-status': 'test/unit/cluster',
  'cf-03-exec-plugin-that-asks': 'test/unit/cluster',
  'cf-04-chart-as-dependency': 'test/chart/render.test.ts',
  'cf-06-retry-after': 'test/unit/cluster',
  'cf-07-selinux': 'test/chart/render.test.ts',
  'cf-08-proxy-environment': 'test/unit/cluster',
  'cf-09-exec-cluster-info': 'test/unit/cluster',
  'cf-10-node-cidr-later': 'test/unit/agent',
  'cf-11-iptables-variant': 'test/unit/kernel/iptables.test.ts',
  'cf-15-watch-of-all-nodes': 'of the scale issue',
  'cf-17-command-lines': 'of the drop-in issue',
  'cf-19-token-rotation': 'test/e2e/reflectorCredentials.test.ts',
  'cf-21-nulls': 'test/property/model/doors.test.ts',
  'cf-25-servers-in-ipv6': 'test/unit/ops/httpServer.test.ts',
  'cf-26-nodes-with-a-difference': 'test/kernel/runFailures.test.ts',
  'cf-27-out-of-files': 'test/unit/kernel/startFailures.test.ts',
  'cf-29-api-server-before-1.31': 'test/unit/cluster',
  'cf-30-stop-waits-for-events': 'test/unit/cluster/events.test.ts',
};
