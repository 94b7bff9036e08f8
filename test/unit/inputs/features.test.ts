import { mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { loadConfiguration } from '../../../src/inputs/configuration.ts';
import { findFeatureFiles, readFeatures } from '../../../src/inputs/features.ts';
import { formatProblem } from '../../../src/model/problem.ts';
import { Scratch } from '../../support/program/command.ts';

const HEAD = 'apiVersion: kube-ipvs.io/v1alpha1\nkind: FeaturesConfiguration\n';

let scratch: Scratch;
beforeEach(async () => {
  scratch = await Scratch.make();
});
afterEach(() => scratch.remove());

const read = async (...paths: readonly string[]) => {
  const { features, problems } = await readFeatures(await findFeatureFiles(paths));
  return { features, problems: problems.map(formatProblem) };
};
const load = (features: readonly string[], more: readonly [string, string][] = []) =>
  loadConfiguration(
    new Map<string, string | readonly string[]>([['features', features], ...more]),
    {},
  );

test('files of any name and the .yaml, .yml and .json files of folders are read', async () => {
  const file = await scratch.write('ours.conf', HEAD);
  expect(await read(file)).toEqual({
    features: { settings: { takeover: false, cleanupOtherModes: false } },
    problems: [],
  });
  const folder = join(scratch.path, 'folder');
  await mkdir(folder);
  await writeFile(join(folder, 'notes.txt'), 'no: document');
  expect(await read(folder)).toEqual({ features: {}, problems: [] });
  const json = {
    apiVersion: 'kube-ipvs.io/v1alpha1',
    kind: 'FeaturesConfiguration',
    takeover: true,
  };
  await writeFile(join(folder, 'a.json'), JSON.stringify(json));
  expect((await read(folder)).features).toEqual({
    settings: { takeover: true, cleanupOtherModes: false },
  });
});

test('one of a kind holds across files', async () => {
  const a = await scratch.write('a.yaml', HEAD);
  const b = await scratch.write('b.yaml', `# mine\n${HEAD}`);
  expect((await read(a, b)).problems).toEqual([
    expect.stringMatching(`^${b}:2:1: FeaturesConfiguration: is already at ${a}:1:1, `),
  ]);
  // The same file twice is one.
  expect((await read(a, a, scratch.path + '/./a.yaml')).problems).toEqual([]);
});

test('a mounted ConfigMap is read once: its visible files, not the folder that they lead to', async () => {
  const mount = join(scratch.path, 'mount');
  await mkdir(join(mount, '..2026'), { recursive: true });
  await writeFile(join(mount, '..2026', 'features.yaml'), HEAD);
  await symlink('..2026', join(mount, '..data'));
  await symlink('..data/features.yaml', join(mount, 'features.yaml'));
  const before = await findFeatureFiles([mount]);
  expect(await readFeatures(before)).toEqual({
    features: { settings: { takeover: false, cleanupOtherModes: false } },
    problems: [],
    remarks: [],
  });
  await mkdir(join(mount, '..2027'));
  await writeFile(join(mount, '..2027', 'features.yaml'), `${HEAD}takeover: true\n`);
  await symlink('..2027', join(mount, '..new'));
  await rename(join(mount, '..new'), join(mount, '..data'));
  const after = await findFeatureFiles([mount]);
  expect(after.stamp).not.toBe(before.stamp);
  expect((await readFeatures(after)).features).toEqual({
    settings: { takeover: true, cleanupOtherModes: false },
  });
});

test('what does not exist is nothing on, and said', async () => {
  const { config } = await load([join(scratch.path, 'none.yaml'), join(scratch.path, 'none')]);
  expect(config).toMatchObject({ features: {}, isTakeover: false });
  expect(config!.warnings).toEqual(
    ['none.yaml', 'none'].map(
      (name) => `--features ${join(scratch.path, name)} does not exist: nothing of it is on`,
    ),
  );
});

test('everything wrong in both kinds of files is told at once', async () => {
  const config = await scratch.write(
    'config.yaml',
    'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nmode: iptables\n',
  );
  const bad = await scratch.write('bad.yaml', `${HEAD}takeovr: true\n---\nkind: Pod\n`);
  const broken = await scratch.write('broken.yaml', 'a: [');
  const { problems } = await load([bad, broken], [['config', config]]);
  expect(problems!.map(({ path, source }) => `${source}: ${path}`)).toEqual([
    `${config}:3:1: KubeProxyConfiguration.Mode`,
    expect.stringMatching(`^${broken}:1:\\d+: YAML$`),
    `${bad}:3:1: FeaturesConfiguration.takeovr`,
    `${bad}:5:1: kind`,
  ]);
  const types = await scratch.write('types.yaml', 'kind: KubeProxyConfiguration\n');
  const { problems: both } = await load([bad], [['config', types]]);
  expect(both!.map(({ path }) => path)).toEqual([
    'apiVersion',
    'FeaturesConfiguration.takeovr',
    'kind',
  ]);
});
