import { expect, test } from '@jest/globals';
import { formatProblem } from '../../../src/model/problem.ts';

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
