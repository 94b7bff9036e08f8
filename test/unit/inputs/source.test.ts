import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { ApiServerSource } from '../../../src/cluster/apiServerSource.ts';
import { KubeconfigError } from '../../../src/cluster/kubeconfigFile.ts';
import { ManifestSource } from '../../../src/cluster/manifests.ts';
import { openSource } from '../../../src/inputs/source.ts';
import { RestClientMetrics } from '../../../src/ops/restClientMetrics.ts';
import { FakeClock } from '../../support/program/fakeClock.ts';
import { FakeLog } from '../../support/program/fakeLog.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'cluster-source-'));
});
afterEach(() => rm(folder, { recursive: true }));

const context = {
  nodeName: 'node-1',
  version: '1.2.3',
  clock: new FakeClock(),
  log: new FakeLog(),
  env: {},
  requests: new RestClientMetrics(new Registry()),
};

async function kubeconfig(server: string): Promise<string> {
  const file = path.join(folder, 'config');
  const clusters = [{ name: 'a', cluster: { server } }];
  const contexts = [{ name: 'a', context: { cluster: 'a' } }];
  await writeFile(file, JSON.stringify({ clusters, contexts, 'current-context': 'a' }));
  return file;
}

const open = (settings: { kubeconfig?: string; master?: string }, env = {}) =>
  openSource(
    { kind: 'apiServer', kubeconfig: '', master: '', qps: 5, burst: 10, ...settings },
    { ...context, env },
  );

describe('the address of the API server', () => {
  test.each([
    ['http://192.0.2.9:8080', ['192.0.2.9']],
    ['http://[2001:db8::9]:8080', ['2001:db8::9']],
    ['http://api.example.com:8080', []],
  ])('%s of a kubeconfig is held back from Services', async (server, addresses) => {
    const opened = open({ kubeconfig: await kubeconfig(server) });
    expect(opened.apiServerAddresses).toEqual(addresses);
    expect(opened.source).toBeInstanceOf(ApiServerSource);
    expect(opened.events).toBeDefined();
    await opened.close();
  });

  test('given by --master is too', async () => {
    const opened = open({ master: 'http://192.0.2.10:8080' });
    expect(opened.apiServerAddresses).toEqual(['192.0.2.10']);
    await opened.close();
  });
});

test('a configuration without a usable API server is refused', () => {
  expect(() => open({ kubeconfig: path.join(folder, 'missing') })).toThrow(KubeconfigError);
  expect(() => open({})).toThrow(KubeconfigError);
});

test('manifests have neither an API server nor Events', async () => {
  const opened = openSource({ kind: 'manifests', paths: [folder], isDefault: false }, context);
  expect(opened.source).toBeInstanceOf(ManifestSource);
  expect([opened.apiServerAddresses, opened.events]).toEqual([[], undefined]);
  await opened.close();
});
