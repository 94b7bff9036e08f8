/** What flags, a file and documents of ours resolve to, as one line of a test. */
import { expect } from '@jest/globals';
import type { Features } from '../../../src/config/featureKinds.ts';
import { RUN_FLAGS } from '../../../src/config/flags.ts';
import {
  API_VERSION,
  KIND,
  decodeConfiguration,
} from '../../../src/config/kubeProxyConfiguration.ts';
import { parseFlags } from '../../../src/config/parseFlags.ts';
import { resolveConfig } from '../../../src/config/resolve.ts';

export interface Given {
  readonly flags?: readonly string[];
  readonly features?: Features;
  readonly file?: object;
  readonly isInCluster?: boolean;
}

export const resolution = ({ flags = [], file, features = {}, isInCluster = false }: Given) => {
  const parsed = parseFlags(flags, RUN_FLAGS);
  expect(parsed.problems).toEqual([]);
  if (file === undefined) return resolveConfig({ flags: parsed.values, features, isInCluster });
  const { configuration } = decodeConfiguration({ apiVersion: API_VERSION, kind: KIND, ...file });
  return resolveConfig({
    flags: parsed.values,
    file: { path: 'config.conf', configuration: configuration! },
    isInCluster,
  });
};
export const resolve = (given: Given) => {
  const { config, problems } = resolution(given);
  expect(problems).toBeUndefined();
  return config!;
};
export const pathsOf = (given: Given) => resolution(given).problems?.map(({ path }) => path);
