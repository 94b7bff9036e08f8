/**
 * `kube-ipvs list` with more than ipvsadm: Services from manifests and from a proxy's socket, JSON,
 * filters, watching; and that without any of it the bytes are ipvsadm's.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { list, type ListIo } from '../../src/cli/list.ts';
import { readManifest } from '../../src/cluster/manifestText.ts';
import { buildDesired } from '../../src/desired/builder.ts';
import { VIRTUAL_SERVERS_PATH } from '../../src/localserver/serverLines.ts';
import { LocalServer } from '../../src/localserver/shell/localServer.ts';
import { virtualServersRoute } from '../../src/localserver/shell/virtualServers.ts';
import { ClusterStore } from '../../src/model/clusterStore.ts';
import { FakeClock } from '../support/program/fakeClock.ts';
import { realAnswers } from '../support/ipvsadm/ipvsadmOracle.ts';
import { requireIpvs } from '../support/lab/kernelProbe.ts';
import { freshNamespace, type Namespace } from '../support/lab/namespace.ts';
import { dataplaneOptions, hostNetwork } from '../support/objects/nodeFixtures.ts';

const describe = await requireIpvs();

const MANIFEST = `
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { clusterIPs: [10.96.0.10], ports: [{ name: http, port: 80 }] }
---
apiVersion: v1
kind: Service
metadata: { name: empty, namespace: shop }
spec: { clusterIPs: [10.96.0.11], ports: [{ port: 80 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: web-x7k2p, namespace: shop, labels: { kubernetes.io/service-name: web } }
addressType: IPv4
ports: [{ name: http, port: 8080, protocol: TCP }]
endpoints:
- addresses: [10.244.1.5]
  nodeName: node1
  targetRef: { kind: Pod, namespace: shop, name: web-1 }
- { addresses: [10.244.2.7], nodeName: node2 }
`;

const RULES = `-A -t 10.96.0.10:80 -s rr
-a -t 10.96.0.10:80 -r 10.244.1.5:8080 -m
-a -t 10.96.0.10:80 -r 10.244.2.7:8080 -m
-a -t 10.96.0.10:80 -r 10.244.3.9:8080 -m -w 0
-A -t 10.96.0.11:80 -s rr
-A -u 10.0.0.1:53 -s rr
-A -f 7 -s rr
`;

describe('list', () => {
  let namespace: Namespace;
  let folder: string;
  let manifest: string;

  beforeAll(async () => {
    namespace = await freshNamespace();
    folder = await mkdtemp(join(tmpdir(), 'list-'));
    manifest = join(folder, 'cluster.yaml');
    await writeFile(manifest, MANIFEST);
    await realAnswers(namespace, [{ argv: ['-R'], stdin: RULES }]);
  });
  afterAll(async () => {
    await namespace.remove();
    await rm(folder, { recursive: true });
  });

  async function run(argv: readonly string[], more: Partial<ListIo> = {}) {
    const output = { stdout: '', stderr: '' };
    const { networkNamespacePath } = namespace;
    const exitCode = await list(argv, {
      stdout: { write: (text: string) => (output.stdout += text) },
      stderr: { write: (text: string) => (output.stderr += text) },
      env: {},
      networkNamespacePath,
      ...more,
    });
    return { ...output, exitCode };
  }

  const rows = ({ stdout }: { stdout: string }) =>
    stdout
      .split('\n')
      .slice(3, -1)
      .map((line) => line.replaceAll(/ +/g, ' '));

  test('without more it is ipvsadm, byte for byte', async () => {
    const lines = [
      ['-Ln'],
      ['-L', '--stats', '-n'],
      ['-Sn'],
      ['-L', '--timeout'],
      ['-L', '-f', '7'],
    ];
    const real = await realAnswers(
      namespace,
      lines.map((argv) => ({ argv })),
    );
    for (const [i, argv] of lines.entries()) expect(await run(argv)).toEqual(real[i]);
    expect(await run(['-n'])).toEqual(real[0]);
  });

  const ANNOTATED = [
    'TCP 10.96.0.10:80 rr # shop/web:http',
    ' -> 10.244.1.5:8080 Masq 1 0 0 # Pod shop/web-1 on node1 (shop/web-x7k2p#0)',
    ' -> 10.244.2.7:8080 Masq 1 0 0 # shop/web-x7k2p#1 on node2',
    ' -> 10.244.3.9:8080 Masq 0 0 0 # no endpoint of the Service now',
    'TCP 10.96.0.11:80 rr # shop/empty',
    'UDP 10.0.0.1:53 rr # no Service',
    'FWM 7 rr # no Service',
  ];

  test('Services from manifests', async () => {
    const found = await run(['-n', '--services', '--manifests', manifest]);
    expect(found).toMatchObject({ exitCode: 0, stderr: '' });
    expect(rows(found)).toEqual(ANNOTATED);
  });

  test('Services from the proxy on this node', async () => {
    const store = new ClusterStore();
    for (const { state } of readManifest(MANIFEST, 'cluster.yaml').objects) {
      if (state !== undefined) store.put(state);
    }
    const { state } = buildDesired(store, hostNetwork(), dataplaneOptions());
    const path = join(folder, 'agent.sock');
    const socket = new LocalServer({
      path,
      routes: new Map([[VIRTUAL_SERVERS_PATH, virtualServersRoute(() => state)]]),
      clock: new FakeClock(),
      onError: () => undefined,
    });
    await socket.start();
    try {
      const argv = ['--agent-socket', path, '-n'];
      expect(rows(await run([...argv, '--services']))).toEqual(ANNOTATED);
      expect(rows(await run([...argv, '--service', 'empty']))).toEqual(ANNOTATED.slice(4, 5));
      const none = await run([...argv, '--namespace', 'bank']);
      expect(none).toMatchObject({
        exitCode: 1,
        stderr: 'no virtual server belongs to a Service in namespace bank\n',
      });
    } finally {
      await socket.close();
    }
  });

  test('nobody knows Services', async () => {
    const found = await run(['-n', '--services', '--agent-socket', join(folder, 'none')]);
    expect(found).toMatchObject({ exitCode: 1, stdout: '' });
    expect(found.stderr).toContain('--manifests');
    const missing = await run(['--services', '--manifests', join(folder, 'missing')]);
    expect(missing).toMatchObject({ exitCode: 2, stdout: '' });
    expect(missing.stderr).toContain('missing');
  });

  test('JSON: empty virtual servers, by Service; a filter; one line each time', async () => {
    const { stdout } = await run(['--services', '-o', 'json', '--manifests', manifest]);
    const { virtualServers, ...head } = JSON.parse(stdout);
    expect(head).toEqual({
      schema: 'kube-ipvs.io/list/v1',
      kind: 'virtualServers',
      ipvs: { version: '1.2.1', connectionTableSize: expect.any(Number) },
      servicesFrom: 'manifests',
    });
    const empty = virtualServers.filter(
      ({ destinations }: { destinations: unknown[] }) => destinations.length === 0,
    );
    expect(empty.map(({ service }: { service: unknown }) => service)).toEqual([
      { namespace: 'shop', name: 'empty', port: '' },
      null,
      null,
    ]);
    expect(stdout).toBe(`${JSON.stringify(JSON.parse(stdout), null, 2)}\n`);
    const yaml = await run(['-o', 'yaml', '-t', '10.96.0.11:80']);
    expect(yaml.stdout).toContain('  - family: IPv4\n    protocol: TCP\n    address: 10.96.0.11\n');
  });

  test.each([
    [['--timeout', '-o', 'json'], { kind: 'timeouts', tcpSec: 900 }],
    [['--daemon', '-o', 'json'], { kind: 'daemons', daemons: [] }],
  ])('%j', async (argv, expected) => {
    expect(JSON.parse((await run(argv)).stdout)).toMatchObject(expected);
  });

  test('watching goes on until it is ended', async () => {
    const controller = new AbortController();
    let stdout = '';
    const write = (text: string) => {
      stdout += text;
      if (stdout.split('\n').length > 3) controller.abort();
    };
    const { signal } = controller;
    const argv = ['-o', 'json', '--watch=0.01'];
    expect(await run(argv, { stdout: { write }, signal })).toMatchObject({ exitCode: 0 });
    const lines = stdout.trimEnd().split('\n');
    expect(lines.length).toBeGreaterThanOrEqual(3);
    for (const line of lines) expect(JSON.parse(line).virtualServers).toHaveLength(4);
  });

  test('on a terminal there is colour, unless that is not wanted', async () => {
    const terminal = (env: Readonly<Record<string, string>>) => {
      let text = '';
      const stdout = {
        isTTY: true,
        write: (piece: string) => {
          text += piece;
        },
      };
      return run(['-n'], { stdout, env }).then(() => text);
    };
    expect(await terminal({})).toContain('\u001B[33m  -> 10.244.3.9:8080');
    expect(await terminal({ NO_COLOR: '1' })).toBe((await run(['-n'])).stdout);
  });

  test.each(['-A -t 1.1.1.1:1', '-C', '-Z', '-R', '--set 1 2 3', '--start-daemon master', '-v'])(
    '%s is not for list',
    async (line) => {
      const before = await run(['-Sn']);
      const found = await run(line.split(' '));
      expect(found).toMatchObject({ exitCode: 2, stdout: '' });
      expect(found.stderr).toContain('kube-ipvs ipvsadm');
      expect(await run(['-Sn'])).toEqual(before);
    },
  );

  test.each([
    [['-S', '-o', 'json'], 2],
    [['-S', '--services'], 2],
    [['-o', 'xml'], 2],
    [['-L', '-o', 'json', '--foo'], 255],
    [['-t', '9.9.9.9:9', '-o', 'json'], 1],
  ])('%j is refused with %i', async (argv, exitCode) => {
    const found = await run(argv);
    expect(found).toMatchObject({ exitCode, stdout: '' });
    expect(found.stderr).not.toBe('');
  });
});
