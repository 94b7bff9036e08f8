import { availableParallelism } from 'node:os';

const transform = {
  '^.+\\.ts$': [
    '@swc/jest',
    {
      jsc: {
        parser: { syntax: 'typescript' },
        target: 'es2024',
        experimental: { keepImportAttributes: true },
      },
      module: { type: 'es6' },
    },
  ],
};

/**
 * Beside the modules, not in /tmp: the lab sees this one too and starts with everything compiled.
 */
const cacheDirectory = '<rootDir>/node_modules/.cache/jest';

/**
 * One project a kind of test; `npm test` runs them all, `npm run test:unit` the ones that need no
 * root, network or lab.
 *
 * @param {string} name
 */
const project = (name, extra = {}) => ({
  displayName: name,
  // Not the whole checkout: crawling node_modules takes the lab seconds.
  roots: ['<rootDir>/src', '<rootDir>/test'],
  testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  cacheDirectory,
  transform,
  ...extra,
});

const inLab = {
  setupFiles: ['<rootDir>/test/support/lab/labOnly.ts'],
  setupFilesAfterEnv: ['<rootDir>/test/support/lab/testLimit.ts'],
};

export default {
  watchman: false,
  // Jest would use one less than there are cores. A worker waits a third of its time, so on two
  // cores three take half as long as one.
  maxWorkers: Math.max(3, availableParallelism() - 1),
  // Of one test, on a machine that does other things too.
  testTimeout: 20_000,
  cacheDirectory,
  projects: [
    project('unit'),
    project('property'),
    project('golden'),
    project('kernel', inLab),
    project('debian', inLab),
    project('e2e'),
    project('chart'),
  ],
};
