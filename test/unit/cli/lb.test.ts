import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Scratch, runCommand } from '../../support/program/command.ts';

let scratch: Scratch;
beforeAll(async () => {
  scratch = await Scratch.make();
});
afterAll(() => scratch.remove());

const OURS = 'apiVersion: kube-ipvs.io/v1alpha1\nkind: LoadBalancerConfiguration\n';

/** As kubectl prints them. */
const LIST = `apiVersion: v1
kind: List
metadata:
  resourceVersion: ""
items:
- apiVersion: metallb.io/v1beta1
  kind: IPAddressPool
  metadata:
    generation: 2
    name: office
    namespace: metallb-system
    uid: 3d0f
  spec:
    addresses:
    - 192.168.10.0/24
    - fc00:f853:ccd:e799::10-fc00:f853:ccd:e799::20
    autoAssign: true
    avoidBuggyIPs: true
    serviceAllocation:
      priority: 50
      namespaceSelectors:
      - matchLabels:
          tenant: "on"
  status:
    assignedIPv4: 1
- apiVersion: metallb.io/v1beta1
  kind: IPAddressPool
  metadata: { name: bgp, namespace: metallb-system }
  spec: { addresses: [192.168.20.1-192.168.20.9], autoAssign: false, avoidBuggyIPs: false }
- apiVersion: metallb.io/v1beta1
  kind: L2Advertisement
  metadata: { name: office, namespace: metallb-system }
  spec: { ipAddressPools: [office], interfaces: [eth0] }
- apiVersion: metallb.io/v1beta2
  kind: BGPPeer
  metadata: { name: router, namespace: metallb-system }
  spec: { myASN: 64500, peerASN: 64501, peerAddress: 10.0.0.1 }
`;

const IMPORTED = `apiVersion: kube-ipvs.io/v1alpha1
kind: LoadBalancerConfiguration
pools:
  - name: bgp
    addresses:
      - 192.168.20.1-192.168.20.9
    autoAssign: false
    announce: []
  - name: office
    addresses:
      - 192.168.10.0/24
      - fc00:f853:ccd:e799::10-fc00:f853:ccd:e799::20
    skipZeroAnd255: true
    namespaceSelectors:
      - matchLabels:
          tenant: "on"
    priority: 50
    announce:
      - interfaces:
          - eth0
`;

test('what kubectl prints becomes our document, and what has no counterpart is told', async () => {
  const { exitCode, stdout, stderr } = await runCommand(['lb', 'import', '-'], { stdin: LIST });
  expect([exitCode, stdout]).toEqual([0, IMPORTED]);
  expect(stderr.trim().split('\n')).toEqual([
    expect.stringMatching(
      /^warning: stdin:26:3: IPAddressPool\/metallb-system\/bgp: no L2Advertisement here names or selects it/,
    ),
    'warning: stdin:34:3: BGPPeer/metallb-system/router: is not carried: addresses are announced by ARP and Neighbor Discovery alone',
  ]);
});

test('files and folders are read with what stands between them, and -o json prints JSON', async () => {
  await mkdir(join(scratch.path, 'pools'));
  await scratch.write('pools/metallb.yaml', LIST);
  const own = await scratch.write(
    'own.yaml',
    `${OURS}serveUnclassed: true\nannouncer: { holdDown: 90s, heartbeat: { insecure: true } }\n`,
  );
  const { exitCode, stdout } = await runCommand([
    'lb',
    'import',
    own,
    '-o',
    'json',
    join(scratch.path, 'pools'),
  ]);
  expect(exitCode).toBe(0);
  const { pools, ...rest } = JSON.parse(stdout) as { readonly pools: readonly { name: string }[] };
  expect(pools.map(({ name }) => name)).toEqual(['bgp', 'office']);
  expect(rest).toEqual({
    apiVersion: 'kube-ipvs.io/v1alpha1',
    kind: 'LoadBalancerConfiguration',
    serveUnclassed: true,
    announcer: { holdDown: '1m30s', heartbeat: { insecure: true } },
  });
});

test('the output is what config check calls right, and imported again it is the same', async () => {
  const file = await scratch.write('imported.yaml', IMPORTED);
  expect(await runCommand(['config', 'check', file])).toMatchObject({ exitCode: 0, stderr: '' });
  expect(await runCommand(['lb', 'import', file])).toEqual({
    exitCode: 0,
    stdout: IMPORTED,
    stderr: '',
  });
});

test('of nothing an empty configuration is made', async () => {
  const stdin = 'apiVersion: v1\nkind: List\nitems: []\n';
  const { exitCode, stdout } = await runCommand(['lb', 'import', '-'], { stdin });
  expect([exitCode, stdout]).toEqual([0, `${OURS}pools: []\n`]);
});

test('everything wrong is told, exit code 2, and nothing is printed', async () => {
  const overlapping = LIST.replace('192.168.20.1-', '192.168.10.9-');
  const bad = await scratch.write('bad.yaml', overlapping);
  const none = await scratch.write('none.yaml', '{');
  const gone = join(scratch.path, 'gone.yaml');
  const { exitCode, stdout, stderr } = await runCommand(['lb', 'import', bad, none, gone]);
  expect([exitCode, stdout]).toEqual([2, '']);
  const lines = stderr.trim().split('\n');
  expect(lines).toHaveLength(3);
  expect(lines[0]).toBe(`error: ${gone}: does not exist`);
  expect(lines[1]).toContain(`error: ${none}:1:2: YAML: is not valid`);
  expect(lines[2]).toBe(
    `error: ${bad}:15:7: IPAddressPool/metallb-system/office.spec.addresses[0] ("192.168.10.0/24"): has addresses of ` +
      `192.168.10.9-192.168.20.9 at ${bad}:29:23 (IPAddressPool/metallb-system/bgp.spec.addresses[0]); each may be in one place only`,
  );
});

test.each([
  [['lb'], 'error: lb needs a command; there are import, plan, status, check, release\n'],
  [
    ['lb', 'imprt', '-'],
    'error: unknown command lb imprt (did you mean lb import?); there are import, plan, status, check, release\n',
  ],
  [
    ['lb', 'frobnicate'],
    'error: unknown command lb frobnicate; there are import, plan, status, check, release\n',
  ],
  [['lb', 'import'], 'error: lb import: needs the path of a file, or - for standard input\n'],
  [
    ['lb', 'import', '-', '-o', 'jsn'],
    'error: --output ("jsn"): must be yaml or json (did you mean json?)\n',
  ],
  [
    ['lb', 'import', '-', '--otput=json'],
    'error: --otput: unknown flag (did you mean --output?); --help lists all\n',
  ],
  [['lb', 'import', '-', '-o'], 'error: --output: needs a value (string)\n'],
])('%j is refused: %s', async (words, told) => {
  expect(await runCommand(words)).toEqual({ exitCode: 2, stdout: '', stderr: told });
});

test('help of the group and of its commands is found in every way', async () => {
  const group = await runCommand(['lb', '--help']);
  expect(group).toMatchObject({ exitCode: 0, stderr: '' });
  expect(group.stdout).toContain('  import    makes a LoadBalancerConfiguration');
  expect(await runCommand(['help', 'lb'])).toEqual(group);
  expect(await runCommand(['lb', '-h'])).toEqual(group);
  const own = await runCommand(['lb', 'import', '--help']);
  expect(own.stdout).toContain('Usage: kube-ipvs lb import FILE… [flags]');
  expect(await runCommand(['help', 'lb', 'import'])).toEqual(own);
});
