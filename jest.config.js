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

/** Beside the modules, not in /tmp: the lab sees this one too and starts with everything compiled. */
const cacheDirectory = '<rootDir>/node_modules/.cache/jest';

/** One project a kind of test; `npm test` runs them all, `npm run test:unit` the ones that need no root, network or lab. */
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

export default {
  watchman: false,
  cacheDirectory,
  projects: [
    project('unit'),
    project('property'),
    project('golden'),
    project('kernel', { setupFiles: ['<rootDir>/test/support/labOnly.ts'] }),
    project('e2e'),
    project('chart'),
  ],
};
