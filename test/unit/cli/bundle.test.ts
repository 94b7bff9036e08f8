/**
 * The product as it is shipped: one file away from its sources. What the bundler leaves out of
 * packages would show only when it is called, so the ways through them are gone here.
 */
import { execFile } from 'node:child_process';
import { readFile, symlink } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { VERSION } from '../../../src/cli/packageVersion.ts';
import { Scratch } from '../../support/program/command.ts';

const execute = promisify(execFile);

function node(words: readonly string[], options: { maxBuffer?: number } = {}) {
  return execute(process.execPath, words, { ...options, encoding: 'utf8' });
}

let scratch: Scratch;
let bundle: string;
beforeAll(async () => {
  scratch = await Scratch.make();
  bundle = join(scratch.path, 'kube-ipvs.js');
  // Exit code 1 without a built addon: no command here needs it.
  await node(['packaging/bundle/bundle.ts', '--outdir', scratch.path]).catch(() => undefined);
}, 240_000);
afterAll(() => scratch.remove());

test('it tells its version, under the name kube-proxy too', async () => {
  expect((await node([bundle, '--version'])).stdout).toBe(`kube-ipvs v${VERSION}\n`);
  const link = join(scratch.path, 'kube-proxy');
  await symlink(bundle, link);
  expect((await node([link, '--help'])).stdout).toContain('Usage: kube-ipvs run');
});

test('what a listing does without is not read before it is asked for', async () => {
  const text = await readFile(bundle, 'utf8');
  const [direct = '', ...deferred] = text.split('\n/*deferred:');
  expect(deferred).toHaveLength(1);
  expect(direct).toContain('// src/cli/ipvsadm.ts');
  expect(direct).not.toMatch(
    /^ *\/\/ (?:node_modules\/|src\/(?:agent\/agent|cluster|desired\/builder))/m,
  );
});

test('a log line names its place in the sources, with microseconds', async () => {
  const file = join(scratch.path, 'written.yaml');
  const { stderr } = await node([bundle, `--write-config-to=${file}`]);
  const [, micros, line] =
    /^I\d{4} [\d:]{8}\.\d{3}(\d{3}) +\d+ run\.ts:(\d+)\] "configuration written"/m.exec(stderr) ??
    [];
  const source = await readFile('src/cli/run.ts', 'utf8');
  expect(source.split('\n')[Number(line) - 1]).toContain("'configuration written'");
  expect(micros).toMatch(/^\d{3}$/);
});

test('--vmodule goes by source files in the one file too', async () => {
  const file = join(scratch.path, 'flags.yaml');
  const flagLines = async (pattern: string) => {
    const words = [bundle, `--vmodule=${pattern}`, `--write-config-to=${file}`];
    const { stderr } = await node(words);
    return stderr.split('\n').filter((line) => line.includes('FLAG: '));
  };
  const lines = await flagLines('ru?=1');
  expect(lines.length).toBeGreaterThan(50);
  expect(lines).toContainEqual(expect.stringMatching(/ run\.ts:\d+\] FLAG: --vmodule="ru\?=1"$/));
  expect(await flagLines('kube-ipvs=9')).toEqual([]);
});

test('a long output arrives whole at a reader that takes its time', async () => {
  const { stdout } = await node(
    [bundle, 'plan', '--manifests', await manyServices(), '--host', await host(), '-o', 'json'],
    {
      maxBuffer: 1 << 28,
    },
  );
  expect(stdout.length).toBeGreaterThan(1 << 20);
  expect(() => JSON.parse(stdout) as unknown).not.toThrow();
});

test.each([
  // A pipe that nobody reads: opened both ways for a moment, so that opening it does not wait.
  ['the reader of a pipe is gone', 'mkfifo pipe; exec 3<>pipe 4>pipe 3<&-', '>&4', 141, ''],
  [
    'the disk is full',
    ':',
    '>/dev/full',
    1,
    'error: cannot write to stdout: ENOSPC: no space left on device, write\n',
  ],
])('where %s, it ends so that a script notices', async (_, before, target, code, text) => {
  const script = `${before}; "$@" ${target}`;
  const words = ['-c', script, 'sh', process.execPath, bundle, '--help'];
  const done = execute('sh', words, { cwd: scratch.path, encoding: 'utf8' });
  await expect(done).rejects.toMatchObject({ code, stderr: text });
});

test('bad input ends with exit code 2 and nothing on stdout', async () => {
  await expect(node([bundle, '--proxy-mode=iptables'])).rejects.toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining('KubeProxyConfiguration.Mode'),
  });
});

test('it reads a cluster with the credentials of an exec plug-in', async () => {
  const seen = new Set<string | undefined>();
  const server = http.createServer((request, response) => {
    seen.add(request.headers.authorization);
    if (request.url?.includes('sendInitialEvents=')) response.writeHead(422).end('{}');
    else if (request.url?.includes('watch=')) response.writeHead(200).flushHeaders();
    else response.end('{"metadata":{"resourceVersion":"1"},"items":[]}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const kubeconfig = await scratch.write('kubeconfig', kubeconfigWithPlugin(port));
    const words = ['plan', '--kubeconfig', kubeconfig, '--host', await host(), '-o', 'json'];
    const { stdout } = await node([bundle, ...words]);
    expect(JSON.parse(stdout)).toMatchObject({ desired: { virtualServers: [] } });
    expect([...seen]).toEqual(['Bearer from-plugin']);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

function host(): Promise<string> {
  return scratch.write('host.yaml', 'nodeName: n1\n');
}

function manyServices(): Promise<string> {
  const services = Array.from({ length: 1500 }, (_, i) => {
    const address = `10.96.${i >> 8}.${i & 255}`;
    return `apiVersion: v1\nkind: Service\nmetadata: { name: s${i} }\nspec: { clusterIP: ${address}, clusterIPs: [${address}], ports: [{ port: 80 }] }\n`;
  });
  return scratch.write('many.yaml', services.join('---\n'));
}

function kubeconfigWithPlugin(port: number): string {
  const credential = {
    apiVersion: 'client.authentication.k8s.io/v1',
    kind: 'ExecCredential',
    status: { token: 'from-plugin' },
  };
  const exec = {
    apiVersion: credential.apiVersion,
    command: 'echo',
    args: [JSON.stringify(credential)],
    interactiveMode: 'Never',
  };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}` } }],
    users: [{ name: 'u', user: { exec } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  });
}
