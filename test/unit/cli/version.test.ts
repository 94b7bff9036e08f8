import { release } from 'node:os';
import { expect, test } from '@jest/globals';
import { VERSION } from '../../../src/cli/packageVersion.ts';
import { parseYamlText } from '../../../src/config/yamlText.ts';
import { runCommand } from '../../support/program/command.ts';

test('the versions of everything below are printed', async () => {
  const { exitCode, stdout } = await runCommand(['version']);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(
    new RegExp(
      `^kube-ipvs ${VERSION}\nnode      ${process.versions.node}\naddon     .+\nkernel    ${release()}\nipvs      .+\n$`,
    ),
  );
});

test('JSON and YAML say the same', async () => {
  const json: unknown = JSON.parse((await runCommand(['version', '-o', 'json'])).stdout);
  expect(json).toMatchObject({ version: VERSION, kernel: release() });
  const yaml = await runCommand(['version', '--output=yaml']);
  expect(parseYamlText(yaml.stdout, 'v').text?.value).toEqual(json);
});

test('another format is refused', async () => {
  const { exitCode, stdout, stderr } = await runCommand(['version', '-o', 'jsn']);
  expect([exitCode, stdout]).toEqual([2, '']);
  expect(stderr).toContain('did you mean json?');
});
