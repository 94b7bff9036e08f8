/** What the linter checks. The layers of `src/` are in oxlint.layers.ts. */
import type { OxlintConfig } from 'oxlint';
import { layerRules } from './oxlint.layers.ts';

export default {
  plugins: ['typescript', 'import', 'unicorn', 'jest'],
  ignorePatterns: ['build/**', 'dist/**', 'coverage/**'],
  categories: { correctness: 'error', suspicious: 'error' },
  rules: {
    'import/no-cycle': 'error',
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
    'typescript/switch-exhaustiveness-check': [
      'error',
      { considerDefaultExhaustiveForUnions: true },
    ],
    'typescript/no-unsafe-type-assertion': 'off',
    'jest/no-focused-tests': 'error',
    'jest/expect-expect': 'off',
    'max-lines': ['error', { max: 400 }],
    'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
    'unicorn/consistent-function-scoping': 'off',
    'unicorn/no-array-sort': 'off',
  },
  overrides: [
    ...layerRules(),
    { files: ['test/**', 'demo/**'], rules: { 'max-lines-per-function': 'off' } },
  ],
} satisfies OxlintConfig;
