import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { VERSION } from '../../../src/cli/packageVersion.ts';
import { runCommand, Scratch } from '../../support/program/command.ts';

let scratch: Scratch;
beforeAll(async () => {
  scratch = await Scratch.make();
});
afterAll(() => scratch.remove());

const HEAD = 'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n';

test('--version prints one line, --version=raw a structure', async () => {
  expect(await runCommand(['--version'])).toEqual({
    exitCode: 0,
    stdout: `kube-ipvs v${VERSION}\n`,
    stderr: '',
  });
  const { stdout } = await runCommand(['--version=raw']);
  expect(JSON.parse(stdout)).toMatchObject({ version: VERSION, node: process.versions.node });
});

test('called as kube-proxy it tells the version that it stands in for', async () => {
  const ask = (word: string) => runCommand([word], { program: 'kube-proxy' });
  expect(await ask('--version')).toEqual({
    exitCode: 0,
    stdout: 'Kubernetes v1.37.2\n',
    stderr: '',
  });
  const { stdout } = await ask('--version=raw');
  expect(stdout).toMatch(/^version\.Info\{Major:"1", Minor:"37", .*GitVersion:"v1\.37\.2", /);
  expect(stdout).toContain(`kube-ipvs v${VERSION}`);
});

test('called as kube-proxy it ends with 1 at bad input, as kube-proxy does', async () => {
  const words = ['--proxy-mode=iptables'];
  expect((await runCommand(words)).exitCode).toBe(2);
  expect((await runCommand(words, { program: 'kube-proxy' })).exitCode).toBe(1);
});

test('every bad flag and value is told at once, with exit code 2', async () => {
  const { exitCode, stdout, stderr } = await runCommand([
    '--ipvs-schedular=rr',
    '--proxy-mode=nftables',
    '--bind-address=nowhere',
    '--conntrack-min=x',
  ]);
  expect([exitCode, stdout]).toEqual([2, '']);
  expect(stderr.trim().split('\n')).toHaveLength(4);
  expect(stderr).toContain('--ipvs-schedular: unknown flag (did you mean --ipvs-scheduler?)');
  expect(stderr).toContain('KubeProxyConfiguration.Mode ("nftables")');
  expect(stderr).toContain('KubeProxyConfiguration.BindAddress ("nowhere")');
  expect(stderr).toContain('--conntrack-min ("x")');
});

test('without any source of Services it says what to give', async () => {
  const { exitCode, stderr } = await runCommand([]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain('--kubeconfig FILE or --manifests PATH');
});

test('errors in a configuration file name its line', async () => {
  const file = await scratch.write('bad.yaml', `${HEAD}mode: iptables\nipvs:\n  syncPeriod: -1s\n`);
  const { exitCode, stderr } = await runCommand(['--config', file]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(`${file}:3:1: KubeProxyConfiguration.Mode`);
  expect(stderr).toContain(`${file}:5:3: KubeProxyConfiguration.SyncPeriod ("-1s")`);
});

test('wrong types in a configuration file name their field and line', async () => {
  const file = await scratch.write(
    'types.yaml',
    `${HEAD}ipvs:\n  syncPeriod: 30\n  strictARP: 1\n`,
  );
  const { exitCode, stderr } = await runCommand(['--config', file]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(`${file}:4:3: ipvs.syncPeriod (30): must be a duration`);
  expect(stderr).toContain(`${file}:5:3: ipvs.strictARP (1): must be true or false`);
});

test.each([
  ['broken.yaml', 'a: [', /broken.yaml:1:\d+: YAML: is not valid/],
  ['empty.yaml', '', /KubeProxyConfiguration \(null\): must be an object/],
  ['kind.yaml', 'kind: Pod\n', /kind.yaml:1:1: kind \("Pod"\): must be KubeProxyConfiguration/],
])('%s is refused', async (name, content, message) => {
  const file = await scratch.write(name, content);
  const { exitCode, stderr } = await runCommand(['--config', file]);
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(message);
});

test('a configuration file that is not there is bad input', async () => {
  const { exitCode, stderr } = await runCommand(['--config', join(scratch.path, 'none')]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain('--config');
  expect(stderr).toContain('ENOENT');
});

test('a typo in a file is one warning, as in kube-proxy, and the rest counts', async () => {
  const file = await scratch.write(
    'typo.yaml',
    `${HEAD}ipvs:\n  schedular: rr\n  strictARP: false\n  strictARP: yes\nclusterCIDDR: x\n`,
  );
  const out = join(scratch.path, 'typo-out.yaml');
  const { exitCode, stderr } = await runCommand(['--config', file, '--write-config-to', out]);
  expect(exitCode).toBe(0);
  const warnings = stderr.split('\n').filter((line) => line.startsWith('W'));
  expect(warnings).toHaveLength(1);
  for (const name of [
    'ipvs.schedular (did you mean scheduler?)',
    'ipvs.strictARP',
    'clusterCIDDR',
  ]) {
    expect(warnings[0]).toContain(name);
  }
  expect(await readFile(out, 'utf8')).toContain('strictARP: true');
});

test.each([
  ['a marker at the end', '---\n', []],
  ['a second document', '---\nkind: ClusterConfiguration\n', ['more.yaml:5:1: a second document']],
])('of a file with %s the first document counts, as in kube-proxy', async (_, rest, expected) => {
  const file = await scratch.write('more.yaml', `${HEAD}clusterCIDR: 10.1.0.0/16\n${rest}`);
  const out = join(scratch.path, 'more-out.yaml');
  const { exitCode, stderr } = await runCommand(['--config', file, '--write-config-to', out]);
  expect(exitCode).toBe(0);
  const warnings = stderr.split('\n').filter((line) => line.startsWith('W'));
  expect(warnings).toEqual(expected.map((text) => expect.stringContaining(text)));
  expect(await readFile(out, 'utf8')).toContain('clusterCIDR: 10.1.0.0/16');
});

test('a configuration file in UTF-16 is read', async () => {
  const text = `${HEAD}clusterCIDR: 10.1.0.0/16\n`;
  const file = await scratch.write('utf16.yaml', '');
  await writeFile(file, Buffer.from(`\ufeff${text}`, 'utf16le'));
  const out = join(scratch.path, 'utf16-out.yaml');
  expect((await runCommand(['--config', file, '--write-config-to', out])).exitCode).toBe(0);
  expect(await readFile(out, 'utf8')).toContain('clusterCIDR: 10.1.0.0/16');
});

test('--write-config-to writes what flags make, and the file gives the same again', async () => {
  const first = join(scratch.path, 'first.yaml');
  const second = join(scratch.path, 'second.yaml');
  const flags = ['--ipvs-scheduler=sh', '--cluster-cidr=10.244.0.0/16', '--ipvs-sync-period=1m'];
  expect((await runCommand([...flags, '--write-config-to', first])).exitCode).toBe(0);
  expect((await runCommand(['--config', first, '--write-config-to', second])).exitCode).toBe(0);
  const content = await readFile(first, 'utf8');
  expect(content).toMatch(/scheduler: sh\n/);
  expect(await readFile(second, 'utf8')).toBe(content);
});

test('a server that is off cannot be written to a file, and that is said', async () => {
  const out = join(scratch.path, 'off.yaml');
  const { exitCode, stderr } = await runCommand(['--healthz-port=0', '--write-config-to', out]);
  expect(exitCode).toBe(0);
  expect(stderr).toContain('a file cannot turn the health or metrics server off');
});

test('a file that cannot be written is a failure, not bad input', async () => {
  const { exitCode, stderr } = await runCommand([
    '--write-config-to',
    join(scratch.path, 'no/such'),
  ]);
  expect(exitCode).toBe(1);
  expect(stderr).toContain('--write-config-to');
});

test('warnings follow the format of the log', async () => {
  const out = join(scratch.path, 'json.yaml');
  const { stderr } = await runCommand([
    '--logging-format=json',
    '--config-sync-period=1m',
    '--write-config-to',
    out,
  ]);
  const lines = stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { msg: string });
  expect(lines[0]?.msg).toContain('without effect: --config-sync-period');
});

const FEATURES = 'apiVersion: kube-ipvs.io/v1alpha1\nkind: FeaturesConfiguration\n';

test.each(['run', 'plan'])('%s refuses a bad --features file', async (command) => {
  const file = await scratch.write('features.yaml', `${FEATURES}takeovr: true\n`);
  const words = [command, '--manifests', scratch.path, '--features', file];
  const { exitCode, stdout, stderr } = await runCommand(words);
  expect([exitCode, stdout]).toEqual([2, '']);
  expect(stderr).toBe(
    `error: ${file}:3:1: FeaturesConfiguration.takeovr (true): unknown field (did you mean takeover?)\n`,
  );
});

test('--write-config-to writes kube-proxy’s document, whatever --features holds', async () => {
  const file = await scratch.write('features.yaml', `${FEATURES}takeover: true\n`);
  const [plain, withFeatures] = ['plain.yaml', 'with.yaml'].map((name) => join(scratch.path, name));
  await runCommand(['--write-config-to', plain!]);
  expect(await runCommand(['--features', file, '--write-config-to', withFeatures!])).toMatchObject({
    exitCode: 0,
  });
  expect(await readFile(withFeatures!, 'utf8')).toBe(await readFile(plain!, 'utf8'));
});
