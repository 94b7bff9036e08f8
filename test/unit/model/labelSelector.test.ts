import { expect, test } from '@jest/globals';
import { type LabelSelector, selectorMatches } from '../../../src/model/labelSelector.ts';

const labels = { tier: 'web', env: 'prod' };

test.each<readonly [string, LabelSelector, boolean]>([
  ['an empty one', {}, true],
  ['a label', { matchLabels: { tier: 'web' } }, true],
  ['one label of two', { matchLabels: { tier: 'web', env: 'dev' } }, false],
  ['a label that is not there', { matchLabels: { zone: '' } }, false],
  ['a label named as what objects have', { matchLabels: { constructor: 'x' } }, false],
  ['In', { matchExpressions: [{ key: 'env', operator: 'In', values: ['dev', 'prod'] }] }, true],
  [
    'In without the label',
    { matchExpressions: [{ key: 'a', operator: 'In', values: ['b'] }] },
    false,
  ],
  ['NotIn', { matchExpressions: [{ key: 'env', operator: 'NotIn', values: ['prod'] }] }, false],
  [
    'NotIn without the label',
    { matchExpressions: [{ key: 'a', operator: 'NotIn', values: ['b'] }] },
    true,
  ],
  ['Exists', { matchExpressions: [{ key: 'toString', operator: 'Exists' }] }, false],
  ['DoesNotExist', { matchExpressions: [{ key: 'env', operator: 'DoesNotExist' }] }, false],
  [
    'both kinds',
    { matchLabels: { tier: 'web' }, matchExpressions: [{ key: 'env', operator: 'DoesNotExist' }] },
    false,
  ],
])('%s', (_, selector, isMatch) => {
  expect(selectorMatches(selector, labels)).toBe(isMatch);
});
