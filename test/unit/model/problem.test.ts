import { describe, expect, test } from '@jest/globals';
import {
  formatProblem,
  isRemark,
  type Problem,
  problemToJson,
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
  const problem: Problem = {
    path: 'Service/a/b.spec',
    value: undefined,
    problem: 'is odd; really',
    consequence: 'ValueIgnored',
  };

  test('ends the sentence', () => {
    expect(formatProblem(problem)).toBe('Service/a/b.spec: is odd; really; it is ignored');
    expect(formatProblem({ ...problem, consequence: 'LastVersionKept' })).toBe(
      'Service/a/b.spec: is odd; really; its last valid version stays in force',
    );
  });

  test('is a word for programs, beside the whole sentence', () => {
    expect(problemToJson({ ...problem, source: 'a.yaml:3:5' })).toEqual({
      path: 'Service/a/b.spec',
      problem: 'is odd; really; it is ignored',
      consequence: 'ValueIgnored',
      source: 'a.yaml:3:5',
      value: null,
    });
    expect(problemToJson({ path: '--config', value: 1, problem: 'is odd' })).toEqual({
      path: '--config',
      problem: 'is odd',
      value: 1,
    });
  });

  test.each([
    ['ClusterIPGuarded', 'AddressNotServed', /: not served here, or who asks for that one could/],
    ['CircleLeftOut', 'EndpointSkipped', /, which is left out: traffic would come back/],
  ] as const)('%s has a sentence of its own and goes by the name %s', (consequence, name, end) => {
    const special: Problem = { ...problem, consequence };
    expect(problemToJson(special)).toMatchObject({ consequence: name });
    expect(formatProblem(special)).toMatch(end);
  });

  test('is none for what works all the same', () => {
    expect(isRemark({ ...problem, consequence: 'AddressNotBound' })).toBe(true);
    expect(isRemark(problem)).toBe(false);
    expect(isRemark({ path: '', value: 1, problem: 'x' })).toBe(false);
  });
});
