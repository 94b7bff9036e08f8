import { describe, expect, test } from '@jest/globals';
import {
  formatProblem,
  isRemark,
  reconsidered,
  withConsequence,
} from '../../../src/model/problem.ts';

test('a problem is one line that says where, what and why', () => {
  const path = 'Service/default/web.spec.ports[0].port';
  expect(formatProblem({ path, value: 'abc', problem: 'must be a number' })).toBe(
    'Service/default/web.spec.ports[0].port ("abc"): must be a number',
  );
});

test('the place in the file comes first, as compilers print it', () => {
  const problem = { path: 'Node/a', value: undefined, problem: 'is wrong', source: 'a.yaml:3:5' };
  expect(formatProblem(problem)).toBe('a.yaml:3:5: Node/a: is wrong');
});

test('a file that is wrong as a whole is named once', () => {
  const problem = { path: 'a.yaml', value: 'b: [', problem: 'is wrong', source: 'a.yaml:3:5' };
  expect(formatProblem(problem)).toBe('a.yaml:3:5 ("b: ["): is wrong');
});

test('control characters in a name cannot break the line or steer the terminal', () => {
  const problem = { path: 'Service/default/a\nb\u001b[2J', value: '\u009b', problem: 'is wrong' };
  expect(formatProblem(problem)).toBe('Service/default/a\\u000ab\\u001b[2J ("\\u009b"): is wrong');
});

describe('the consequence', () => {
  const problem = {
    path: 'Service/a/b.spec',
    value: 1,
    ...withConsequence('is odd', 'ValueIgnored'),
  };

  test('ends the sentence, and is a word for programs', () => {
    expect(problem).toMatchObject({
      problem: 'is odd; it is ignored',
      consequence: 'ValueIgnored',
    });
  });

  test('can turn out to be another one', () => {
    expect(reconsidered(problem, 'LastVersionKept')).toEqual({
      ...problem,
      problem: 'is odd; its last valid version stays in force',
      consequence: 'LastVersionKept',
    });
    const plain = { path: 'a.yaml', value: 1, problem: 'is not well formed; really' };
    expect(reconsidered(plain, 'DocumentSkipped').problem).toBe(
      'is not well formed; really; this document is skipped',
    );
  });

  test('is none for what works all the same', () => {
    expect(isRemark({ ...problem, consequence: 'AddressNotBound' })).toBe(true);
    expect(isRemark(problem)).toBe(false);
    expect(isRemark({ path: '', value: 1, problem: 'x' })).toBe(false);
  });
});
