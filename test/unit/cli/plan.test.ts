import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { parseYamlText } from '../../../src/config/yamlText.ts';
import { runCommand, Scratch } from '../../support/program/command.ts';

const HOST = `
nodeName: n1
interfaces:
  - { name: eth0, up: true, addresses: [192.168.1.10/24, "fd00:1::10/64"] }
defaultGateways: [192.168.1.1]
`;

const WEB = `
apiVersion: v1
kind: Service
metadata: { name: web, namespace: default }
spec:
  type: NodePort
  clusterIP: 10.96.0.20
  clusterIPs: [10.96.0.20]
  ports: [{ name: http, port: 80, targetPort: 8080, nodePort: 30080 }]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: web-1, namespace: default, labels: { kubernetes.io/service-name: web } }
addressType: IPv4
ports: [{ name: http, port: 8080 }]
endpoints:
  - { addresses: [10.244.1.5], conditions: { ready: true }, nodeName: n1 }
`;

const BAD = `
apiVersion: v1
kind: Service
metadata: { name: bad, namespace: default }
spec: { clusterIP: 10.96.0.30, ports: [{ port: 99999 }] }
`;

const NODE = `
apiVersion: v1
kind: Node
metadata: { name: n1 }
spec: { podCIDRs: [10.244.1.0/24] }
status: { addresses: [{ type: InternalIP, address: 192.168.1.10 }] }
`;

interface PlanJson {
  readonly desired: {
    readonly virtualServers: readonly { address: string; port: number; service: string }[];
    readonly addresses: readonly string[];
    readonly ipsets: Record<string, { entries: readonly string[] }>;
    readonly iptables: { ipv4: { nat: Record<string, readonly string[]> } };
  };
  readonly plan: readonly { op: string }[];
  readonly problems: readonly { path: string; value: unknown; problem: string }[];
}

let scratch: Scratch;
let host: string;
let web: string;
let bad: string;
beforeAll(async () => {
  scratch = await Scratch.make();
  host = await scratch.write('host.yaml', HOST);
  web = await scratch.write('web.yaml', WEB);
  bad = await scratch.write('bad.yaml', BAD);
});
afterAll(() => scratch.remove());

async function planJson(...words: readonly string[]): Promise<PlanJson> {
  const { exitCode, stdout } = await runCommand(['plan', '--host', host, '-o', 'json', ...words]);
  expect(exitCode).toBe(0);
  return JSON.parse(stdout) as PlanJson;
}

test('offline, manifests and a host file give the desired state and all of it as a plan', async () => {
  const { desired, plan, problems } = await planJson('--manifests', web);
  expect(desired.virtualServers.map(({ address, port }) => `${address}:${port}`)).toEqual([
    '10.96.0.20:80',
    '192.168.1.10:30080',
  ]);
  expect(desired.addresses).toEqual(['10.96.0.20/32']);
  expect(desired.ipsets['KUBE-CLUSTER-IP']?.entries).toEqual(['10.96.0.20,tcp:80']);
  expect(plan.filter(({ op }) => op === 'addServer')).toHaveLength(2);
  expect(problems).toEqual([]);
});

test('against its own JSON, whole or desired alone, there is nothing to do', async () => {
  const whole = await planJson('--manifests', web);
  const earlier = await scratch.write('earlier.json', JSON.stringify(whole));
  expect((await planJson('--manifests', web, '--against', earlier)).plan).toEqual([]);
  const alone = await scratch.write('alone.json', JSON.stringify(whole.desired));
  expect((await planJson('--manifests', web, '--against', alone)).plan).toEqual([]);
});

test('against an earlier plan with more in it, the rest is removed', async () => {
  const earlier = await scratch.write(
    'more.json',
    JSON.stringify(await planJson('--manifests', web)),
  );
  const { plan } = await planJson('--manifests', bad, '--against', earlier);
  expect(plan.filter(({ op }) => op === 'removeServer')).toHaveLength(2);
  expect(plan.filter(({ op }) => op === 'unbindAddress')).toHaveLength(1);
});

test('excludeCIDRs keep servers of an earlier plan', async () => {
  const earlier = await scratch.write(
    'kept.json',
    JSON.stringify(await planJson('--manifests', web)),
  );
  const { plan } = await planJson(
    '--manifests',
    bad,
    '--against',
    earlier,
    '--ipvs-exclude-cidrs=10.96.0.0/16,192.168.0.0/16',
  );
  expect(plan.filter(({ op }) => op === 'removeServer')).toEqual([]);
});

test('YAML says what JSON says', async () => {
  const words = ['plan', '--host', host, '--manifests', web, bad];
  const { stdout } = await runCommand([...words, '-o', 'yaml']);
  expect(parseYamlText(stdout, 'plan').text?.value).toEqual(
    await planJson('--manifests', web, bad),
  );
});

test('text shows the desired state, the plan and what is wrong', async () => {
  const { exitCode, stdout } = await runCommand(['plan', '--host', host, '--manifests', web, bad]);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(
    /^DESIRED\nvirtual servers \(2\)\n {2}10.96.0.20:80\/TCP rr \(default\/web:http\)\n {4}-> 10.244.1.5:8080 weight 1 on n1\n/,
  );
  expect(stdout).toMatch(/\nPLAN\n[^]*\+ 10.96.0.20:80\/TCP rr/);
  expect(stdout).toMatch(
    /\nPROBLEMS \(1\)\n {2}.*Service\/default\/bad.spec.ports\[0\].port \(99999\)/,
  );
});

test('--strict does not count what works all the same', async () => {
  const own = WEB.replace('spec:\n', 'spec:\n  externalIPs: [192.168.1.10]\n');
  const file = await scratch.write('own.yaml', own);
  const words = ['plan', '--host', host, '--manifests', file, '--strict', '-o', 'json'];
  const { exitCode, stdout, stderr } = await runCommand(words);
  const { problems } = JSON.parse(stdout) as PlanJson;
  expect(problems).toEqual([expect.objectContaining({ consequence: 'AddressNotBound' })]);
  expect([exitCode, stderr]).toEqual([0, expect.not.stringContaining('error')]);
});

test('--diff-only leaves the state out; the summary says what was compared with what', async () => {
  const words = ['plan', '--host', host, '--manifests', web];
  const whole = await runCommand(words);
  const short = await runCommand([...words, '--diff-only']);
  expect(whole.stdout).toBe(`${whole.stdout.split('\nPLAN\n')[0]}\n${short.stdout}`);
  expect(short.stdout).toMatch(/^PLAN\n/);
  expect(short.stdout).toMatch(
    /\nSUMMARY\n {2}desired: virtual servers \(2\), addresses \(1\)\n {2}beside an empty kernel \(none was looked at\): \d+ operations: .*\n {2}problems: 0\n$/,
  );

  const { stdout } = await runCommand([...words, '-o', 'json', '--diff-only']);
  expect(JSON.parse(stdout)).toMatchObject({ against: 'empty', problems: [] });
  expect(JSON.parse(stdout)).not.toHaveProperty('desired');
});

test('--exit-code tells a script whether anything would change', async () => {
  const words = ['plan', '--host', host, '--manifests', web];
  const { stdout } = await runCommand([...words, '-o', 'json']);
  const before = await scratch.write('before.json', stdout);
  const against = [...words, '--against', before, '--diff-only'];
  const same = await runCommand([...against, '--exit-code']);
  expect([same.exitCode, same.stdout]).toEqual([
    0,
    `SUMMARY\n  desired: virtual servers (2), addresses (1)\n  beside the plan in ${before}: no difference\n  problems: 0\n`,
  ]);

  const changed = await scratch.write('changed.yaml', WEB.replace('10.244.1.5', '10.244.1.6'));
  const after = [
    'plan',
    '--host',
    host,
    '--manifests',
    changed,
    '--against',
    before,
    '--diff-only',
  ];
  const different = await runCommand([...after, '--exit-code']);
  expect(different.exitCode).toBe(1);
  expect(different.stdout.split('\n').length).toBeLessThan(20);
  expect((await runCommand(after)).exitCode).toBe(0);
});

test('how NodePorts are served is told where there is one', async () => {
  const words = ['plan', '--host', host, '--manifests'];
  const plain = await scratch.write('plain.yaml', WEB.replace(', nodePort: 30080', ''));
  expect((await runCommand([...words, plain])).stderr).not.toContain('NodePorts');
  expect((await runCommand([...words, web])).stderr).toContain('NodePorts are served on every');
});

test('a bad object is listed and skipped; --strict makes that exit code 2', async () => {
  const { problems, desired } = await planJson('--manifests', web, bad);
  expect(problems).toEqual([
    expect.objectContaining({ path: 'Service/default/bad.spec.ports[0].port', value: 99999 }),
  ]);
  expect(desired.virtualServers).toHaveLength(2);
  const words = ['plan', '--host', host, '--manifests', bad, '--strict'];
  const { exitCode, stderr } = await runCommand(words);
  expect(exitCode).toBe(2);
  expect(stderr).toContain('Service/default/bad.spec.ports[0].port');
  const fine = await runCommand(['plan', '--host', host, '--manifests', web, '--strict']);
  expect(fine.exitCode).toBe(0);
});

test('flags and configuration file shape the plan', async () => {
  const config = await scratch.write(
    'config.yaml',
    'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nmode: ipvs\niptables: {masqueradeBit: 5}\n',
  );
  const mark = ({ desired }: PlanJson) => desired.iptables.ipv4.nat['KUBE-MARK-MASQ']?.join();
  expect(mark(await planJson('--manifests', web))).toContain('0x4000');
  expect(mark(await planJson('--manifests', web, '--config', config))).toContain('0x20');
  expect(mark(await planJson('--manifests', web, '--iptables-masquerade-bit=4'))).toContain('0x10');
});

test('NodeCIDR takes the CIDR of this Node, and lists it as a problem where a single-stack Node has none', async () => {
  const node = await scratch.write('node.yaml', NODE);
  const single = await scratch.write('single.yaml', `${HOST}families: [IPv4]\n`);
  const words = ['plan', '--host', single, '-o', 'json', '--detect-local-mode=NodeCIDR'];
  const withNode = await runCommand([...words, '--manifests', web, node]);
  expect(withNode.stdout).toContain('! -s 10.244.1.0/24');
  expect((JSON.parse(withNode.stdout) as PlanJson).problems).toEqual([]);
  const without = await runCommand([...words, '--manifests', web]);
  expect(without.exitCode).toBe(0);
  expect((JSON.parse(without.stdout) as PlanJson).problems).toEqual([
    expect.objectContaining({ path: 'Node/n1.spec.podCIDRs' }),
  ]);
});

test('a name that no Node has is a problem with the likely one, as it is in run', async () => {
  const other = NODE.replace('name: n1', 'name: n1.example.com');
  const nodes = await scratch.write('other-node.yaml', other);
  const words = ['plan', '--manifests', web, nodes, '--host', host, '-o', 'json'];
  const { stdout } = await runCommand(words);
  const [problem] = (JSON.parse(stdout) as PlanJson).problems;
  expect(problem?.path).toBe('Node/n1');
  expect(problem?.problem).toMatch(
    /there is no Node.*n1\.example\.com carries this host's address 192\.168\.1\.10: give --hostname-override=n1\.example\.com/,
  );
});

test('a clusterCIDR that cannot work on the host is bad configuration', async () => {
  const single = await scratch.write('ipv6.yaml', `${HOST}families: [IPv6]\n`);
  const words = ['plan', '--host', single, '--manifests', web, '--cluster-cidr=10.0.0.0/8'];
  const { exitCode, stdout, stderr } = await runCommand(words);
  expect([exitCode, stdout]).toEqual([2, '']);
  expect(stderr).toContain('KubeProxyConfiguration.DetectLocalConfiguration.ClusterCIDRs');
});

test('bindAddress stands in for the address of the Node object', async () => {
  const node = await scratch.write('other.yaml', NODE.replace('192.168.1.10', '172.16.0.1'));
  const nodePorts = async (...words: string[]) =>
    (
      await planJson('--manifests', web, node, '--nodeport-addresses=primary', ...words)
    ).desired.virtualServers
      .filter(({ port }) => port === 30080)
      .map(({ address }) => address);
  expect(await nodePorts()).toEqual([]);
  expect(await nodePorts('--bind-address=192.168.1.10')).toEqual(['192.168.1.10']);
});

test('an address of the API servers is no Service’s to have, by their own slice', async () => {
  const address = '203.0.113.20';
  const asking = WEB.replace('spec:\n', `spec:\n  externalIPs: [${address}]\n`);
  const slice = (name: string) => `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}, namespace: default, labels: { kubernetes.io/service-name: kubernetes } }
addressType: IPv4
endpoints: [{ addresses: [${address}] }]
`;
  const addresses = async (name: string) => {
    const file = await scratch.write(`${name}.yaml`, `${asking}---${slice(name)}`);
    return (await planJson('--manifests', file)).desired.addresses;
  };
  expect(await addresses('of-a-tenant')).toContain(`${address}/32`);
  expect(await addresses('kubernetes')).not.toContain(`${address}/32`);
});

test('bad flags, configuration and host file are told together, and nothing is printed', async () => {
  const badHost = await scratch.write(
    'bad-host.yaml',
    'nodeName: n\ninterfaces:\n- name: a\n  addresses: [10.0.0.1]\ngateway: 10.0.0.1\n',
  );
  const { exitCode, stdout, stderr } = await runCommand([
    'plan',
    '--manifests',
    web,
    '--host',
    badHost,
    '--proxy-mode=iptables',
    '-o',
    'xml',
    '--agianst=empty',
  ]);
  expect([exitCode, stdout]).toEqual([2, '']);
  expect(stderr).toContain(`${badHost}:4:15: interfaces[0].addresses[0] ("10.0.0.1")`);
  expect(stderr).toContain(`${badHost}:5:1: gateway`);
  expect(stderr).toContain('KubeProxyConfiguration.Mode ("iptables")');
  expect(stderr).toContain('--output ("xml")');
  expect(stderr).toContain('did you mean --against?');
});

test('a host file holds one document', async () => {
  const two = await scratch.write('two-hosts.yaml', `${HOST}---\n${HOST}`);
  const { exitCode, stderr } = await runCommand(['plan', '--manifests', web, '--host', two]);
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(/two-hosts.yaml:\d+:1: YAML: a second document begins here/);
});

test.each([
  ['a manifest that does not exist', ['--manifests', '/nonexistent/x.yaml'], '--manifests'],
  ['a kubeconfig that does not exist', ['--kubeconfig', '/nonexistent/k'], '--kubeconfig'],
  ['no source at all', [], '--manifests'],
])('%s is bad input', async (_, words, path) => {
  const { exitCode, stdout, stderr } = await runCommand(['plan', '--host', host, ...words]);
  expect([exitCode, stdout]).toEqual([2, '']);
  expect(stderr).toContain(`error: ${path} (`);
});

test.each([
  ['{', 'must be kernel, empty or a file'],
  ['{"a": 1}', 'this is not the output of plan -o json'],
  ['{"virtualServers": [{"address": 3}]}', 'virtualServers[0].address'],
])('%s is nothing to compare with', async (content, message) => {
  const file = await scratch.write('against.json', content);
  const words = ['plan', '--host', host, '--manifests', web, '--against', file];
  const { exitCode, stdout, stderr } = await runCommand(words);
  expect([exitCode, stdout]).toEqual([2, '']);
  expect(stderr).toContain(message);
  const missing = [...words.slice(0, -1), join(scratch.path, 'none.json')];
  expect((await runCommand(missing)).exitCode).toBe(2);
});

test('flags that do not describe a proxy are not flags of plan', async () => {
  const { exitCode, stderr } = await runCommand(['plan', '--cleanup', '--write-config-to=x']);
  expect(exitCode).toBe(2);
  expect(stderr).toContain('--cleanup: unknown flag');
});
