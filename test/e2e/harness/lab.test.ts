// The lab driven from outside, joined to a native API server: what the full end-to-end tests stand
// on.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ApiServer } from '../../support/e2e/apiServer.ts';
import { Lab } from '../../support/lab/lab.ts';

const namespace = `labtest${process.pid}`;
let server: ApiServer;
let lab: Lab;

beforeAll(async () => {
  server = await ApiServer.start({ namespace });
  lab = await Lab.start({ namespace });
}, 120_000);

afterAll(async () => {
  await lab?.close();
  await server?.stop();
}, 60_000);

test('commands run in the lab, with their output and status', async () => {
  const { status, stdout, stderr } = await lab.exec(['sh', '-c', 'echo out; echo err >&2; exit 3']);
  expect({ status, stdout, stderr }).toEqual({ status: 3, stdout: 'out\n', stderr: 'err\n' });
});

test('the lab has IPVS and reaches the API server', async () => {
  expect((await lab.exec(['ipvsadm', '-Ln'])).stdout).toContain('IP Virtual Server');
  const kubeconfig = server.writeKubeconfig('lab');
  expect(kubeconfig).toContain(server.folder);
  const { stdout, stderr } = await lab.exec([
    'curl',
    '-sS',
    '--cacert',
    `${server.folder}/tls.crt`,
    `${server.labUrl}/version`,
    '-H',
    `Authorization: Bearer ${server.token}`,
  ]);
  expect({ stderr, ...JSON.parse(stdout) }).toMatchObject({
    stderr: '',
    gitVersion: expect.stringMatching(/^v1\./),
  });
});

test('a function of the checkout is called inside, and its error comes back', async () => {
  const batch = 'test/lab/netns.ts';
  type IpBatch = typeof import('../../lab/netns.ts').ipBatch;
  await lab.call<IpBatch>(batch, 'ipBatch', undefined, ['netns add here']);
  const { stdout } = await lab.exec(['ip', '-br', 'link'], 'here');
  expect(stdout).toMatch(/^lo +DOWN/);
  await expect(
    lab.call<IpBatch>(batch, 'ipBatch', undefined, ['netns add there', 'netns add here']),
  ).rejects.toThrow('netns add here');
});

test('a long answer crosses whole', async () => {
  const { stdout } = await lab.exec(['seq', '50000']);
  expect(stdout.length).toBe(288_894);
  expect(stdout.endsWith('\n50000\n')).toBe(true);
});

test('several calls are on the line at once', async () => {
  const texts = Array.from({ length: 8 }, (_, i) => `text ${i} äöü`);
  const results = await Promise.all(texts.map((text) => lab.exec(['echo', text])));
  expect(results.map(({ stdout }) => stdout.trim())).toEqual(texts);
});
