import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { ownNamespace } from '../../../../src/loadbalancer/shell/ownNamespace.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'namespace-'));
});

afterEach(() => rm(folder, { recursive: true }));

test('it is what POD_NAMESPACE says, else the service account, else that of kube-proxy', async () => {
  const file = join(folder, 'namespace');
  expect(await ownNamespace({ env: {}, file })).toBe('kube-system');
  await writeFile(file, 'networking\n');
  expect(await ownNamespace({ env: { POD_NAMESPACE: '' }, file })).toBe('networking');
  expect(await ownNamespace({ env: { POD_NAMESPACE: 'balancing' }, file })).toBe('balancing');
});
