import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { addonCandidates, openSocket } from '../../../src/kernel/addon.ts';

test('the addon is looked for beside the bundle, then below the root of the package', () => {
  expect(addonCandidates('/opt/kube-ipvs/dist', undefined)).toEqual([
    '/opt/kube-ipvs/dist/kube_ipvs.node',
    '/opt/kube-ipvs/build/Release/kube_ipvs.node',
    '/opt/build/Release/kube_ipvs.node',
  ]);
  expect(addonCandidates('/src/app/src/kernel', '')).toContain(
    '/src/app/build/Release/kube_ipvs.node',
  );
});

test('KUBE_IPVS_ADDON goes before everything', () => {
  expect(addonCandidates('/a/b', '/x/y.node')).toEqual(['/x/y.node']);
});

test.each([
  { protocol: -1 },
  { protocol: 1.5 },
  { protocol: 0, groups: 2 ** 31 },
  { protocol: 0, receiveBufferBytes: 2 ** 30 },
])('an option out of range is refused before it crosses the border: %j', (options) => {
  expect(() => openSocket(options)).toThrow(RangeError);
});

const override = process.env['KUBE_IPVS_ADDON'];
afterEach(() => {
  if (override === undefined) delete process.env['KUBE_IPVS_ADDON'];
  else process.env['KUBE_IPVS_ADDON'] = override;
});

test.each([
  ['that is not there', undefined, 'npm run build:addon'],
  ['that cannot be loaded', 'not a library', 'kube_ipvs.node'],
])('an addon %s is an error that says so', (_, content, text) => {
  const folder = mkdtempSync(join(tmpdir(), 'addon-'));
  const path = join(folder, 'kube_ipvs.node');
  if (content !== undefined) writeFileSync(path, content);
  process.env['KUBE_IPVS_ADDON'] = path;
  try {
    const message = expect.stringContaining(text) as unknown;
    expect(() => openSocket({ protocol: 0 })).toThrow(
      expect.objectContaining({ name: 'KernelError', code: 'ENOSYS', message }),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
