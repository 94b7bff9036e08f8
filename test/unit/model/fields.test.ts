import { expect, test } from '@jest/globals';
import { skipsObject } from '../../../src/model/consequence.ts';
import { Fields } from '../../../src/model/fields.ts';
import { formatProblem } from '../../../src/model/problem.ts';

test.each([
  ['Node', 'Node/a.spec: must be an object; this Node is skipped'],
  ['Namespace', 'Namespace/a.spec: must be an object; this object is skipped'],
  ['toString', 'toString/a.spec: must be an object; this object is skipped'],
])('a %s with a bad field is skipped by name, or as an object', (kind, line) => {
  const { root } = Fields.open({ metadata: { name: 'a' }, spec: undefined }, kind, false);
  root.object('spec');
  expect(root.isUsable).toBe(true);
  const bad = Fields.open({ metadata: { name: 'a' }, spec: 1 }, kind, false).root;
  bad.object('spec');
  expect(bad.isUsable).toBe(false);
  expect(bad.problems.map((problem) => formatProblem({ ...problem, value: undefined }))).toEqual([
    line,
  ]);
  expect(skipsObject(bad.problems[0]!.consequence!)).toBe(true);
});
