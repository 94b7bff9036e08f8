const transform = {
  '^.+\\.ts$': [
    '@swc/jest',
    { jsc: { parser: { syntax: 'typescript' }, target: 'es2024' }, module: { type: 'es6' } },
  ],
};

/** One project a kind of test; `npm test` runs them all, `npm run test:unit` the ones that need no root, network or lab. */
const project = (name, extra = {}) => ({
  displayName: name,
  testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform,
  ...extra,
});

export default {
  projects: [
    project('unit'),
    project('property'),
    project('golden'),
    project('kernel'),
    project('e2e'),
  ],
};
