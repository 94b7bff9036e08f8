import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Scratch, runCommand } from '../../support/program/command.ts';

let scratch: Scratch;
beforeAll(async () => {
  scratch = await Scratch.make();
});
afterAll(() => scratch.remove());

const HEAD = 'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n';
const OURS = 'apiVersion: kube-ipvs.io/v1alpha1\nkind: FeaturesConfiguration\n';

test('a right file is said to be right', async () => {
  const file = await scratch.write('right.yaml', `${HEAD}mode: ipvs\n`);
  expect(await runCommand(['config', 'check', file])).toEqual({
    exitCode: 0,
    stdout: `${file}: right\n`,
    stderr: '',
  });
});

test('everything wrong in any of the files is told with its line, exit code 2', async () => {
  const bad = await scratch.write('bad.yaml', `${HEAD}mode: iptables\noomScoreAdj: -2000\n`);
  const ours = await scratch.write('ours.yaml', `${OURS}takeovr: true\n`);
  const right = await scratch.write('also.yaml', `${OURS}takeover: true\n`);
  const { exitCode, stdout, stderr } = await runCommand(['config', 'check', bad, ours, right]);
  expect(exitCode).toBe(2);
  expect(stdout).toBe(`${bad}: wrong\n${ours}: wrong\n${right}: right\n`);
  expect(stderr.trim().split('\n')).toHaveLength(3);
  expect(stderr).toContain(`error: ${bad}:3:1: KubeProxyConfiguration.Mode ("iptables")`);
  expect(stderr).toContain(`error: ${bad}:4:1: KubeProxyConfiguration.KubeProxyLinux`);
  expect(stderr).toContain(`error: ${ours}:3:1: FeaturesConfiguration.takeovr`);
});

test('a load balancer configuration is judged whole, and its remarks are warnings', async () => {
  const head = 'apiVersion: kube-ipvs.io/v1alpha1\nkind: LoadBalancerConfiguration\n';
  const twice = '- { name: a, addresses: [10.0.0.0/24] }\n- { name: b, addresses: [10.0.0.7] }\n';
  const bad = await scratch.write('lb.yaml', `${head}pools:\n${twice}`);
  const found = await runCommand(['config', 'check', bad]);
  expect([found.exitCode, found.stdout]).toEqual([2, `${bad}: wrong\n`]);
  expect(found.stderr).toBe(
    `error: ${bad}:5:26: LoadBalancerConfiguration.pools[1].addresses[0] ("10.0.0.7"): has addresses of 10.0.0.0/24 at ` +
      `${bad}:4:26 (LoadBalancerConfiguration.pools[0].addresses[0]); each may be in one place only\n`,
  );
  const odd = await scratch.write(
    'odd.yaml',
    `${head}pools: [{ name: a, addresses: [], namespaces: [] }]\n`,
  );
  const lenient = await runCommand(['config', 'check', odd]);
  expect([lenient.exitCode, lenient.stdout]).toEqual([0, `${odd}: right, with warnings: 1\n`]);
  expect(lenient.stderr).toContain('so the pool admits nobody');
  expect((await runCommand(['config', 'check', '--strict', odd])).exitCode).toBe(2);
});

test('a misspelt field is a warning, as for kube-proxy, and an error with --strict', async () => {
  const file = await scratch.write('typo.yaml', `${HEAD}ipvs: { schedular: rr }\n`);
  const lenient = await runCommand(['config', 'check', file]);
  expect([lenient.exitCode, lenient.stdout]).toEqual([0, `${file}: right, with warnings: 1\n`]);
  expect(lenient.stderr).toContain('ipvs.schedular (did you mean scheduler?)');
  expect((await runCommand(['config', 'check', '--strict', file])).exitCode).toBe(2);
  expect((await runCommand(['config', 'check', file, '--strict'])).exitCode).toBe(2);
});

test('a folder holds documents of ours', async () => {
  const folder = join(scratch.path, 'features');
  await mkdir(folder);
  await scratch.write('features/a.yaml', `${OURS}takeover: 1\n`);
  const { exitCode, stderr } = await runCommand(['config', 'check', folder]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(`${join(folder, 'a.yaml')}:3:1`);
});

test.each([
  [`${OURS}takeovr: true\n`, 'FeaturesConfiguration.takeovr'],
  [`${HEAD}mode: iptables\n`, 'KubeProxyConfiguration.Mode ("iptables")'],
])('what comes through a pipe is judged: %j', async (content, told) => {
  const pipe = join(scratch.path, `pipe-${told.length}`);
  execFileSync('mkfifo', [pipe]);
  const [{ exitCode, stdout, stderr }] = await Promise.all([
    runCommand(['config', 'check', pipe]),
    writeFile(pipe, content),
  ]);
  expect([exitCode, stdout]).toEqual([2, `${pipe}: wrong\n`]);
  expect(stderr).toContain(`error: ${pipe}:3:1: ${told}`);
});

test('what is no YAML, and what is not there, is told', async () => {
  const file = await scratch.write('no.yaml', '{');
  const gone = join(scratch.path, 'gone.yaml');
  const { exitCode, stderr } = await runCommand(['config', 'check', file, gone]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(`${file}:1:2: YAML: is not valid`);
  expect(stderr).toContain(`error: ${gone}: does not exist`);
});

test.each([
  [[], 'must be: config check FILE…'],
  [['chek', 'x'], 'did you mean check?'],
  [['check'], 'needs the path of a file'],
  [['check', 'x', '--strcit'], 'did you mean --strict?'],
])('config %j is refused: %s', async (words, said) => {
  const { exitCode, stdout, stderr } = await runCommand(['config', ...words]);
  expect([exitCode, stdout]).toEqual([2, '']);
  expect(stderr).toContain(said);
});

test('--help says how it is called', async () => {
  const { exitCode, stdout } = await runCommand(['config', '--help']);
  expect(exitCode).toBe(0);
  expect(stdout).toContain('Usage: kube-ipvs config check FILE… [flags]');
});
