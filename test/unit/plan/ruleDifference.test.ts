import { expect, test } from '@jest/globals';
import {
  differingChain,
  hasDesiredRules,
  jumpRepair,
  repairedJumps,
} from '../../../src/plan/ruleDifference.ts';

const jumps = ['-A INPUT --comment "a" -j KUBE-A', '-A INPUT --comment "b" -j KUBE-B'];
const rules = ['-A KUBE-A -j RETURN', '-A KUBE-A -j MARK', '-A KUBE-A -j ACCEPT'];
const desired = new Map([
  ['KUBE-A', rules],
  ['KUBE-B', []],
  ['INPUT', jumps],
]);
const having = (chain: string, ...present: string[]) => new Map([...desired, [chain, present]]);

test.each([
  ['nothing', rules, true],
  ['the first rule, in place', ['-A KUBE-A -j DROP', ...rules.slice(1)], false],
  ['the last rule, in place', [...rules.slice(0, 2), '-A KUBE-A -j DROP'], false],
  ['two rules, exchanged', [rules[1]!, rules[0]!, rules[2]!], false],
  ['a rule, doubled in place of another', [rules[0]!, rules[0]!, rules[2]!], false],
  ['a rule, gone', rules.slice(1), false],
  ['a rule, added', [...rules, '-A KUBE-A -j DROP'], false],
  ['all rules, gone', [], false],
])('in a chain of ours was changed: %s', (_, present, isRight) => {
  expect(hasDesiredRules(desired, having('KUBE-A', ...present))).toBe(isRight);
  expect(differingChain(desired, having('KUBE-A', ...present))).toBe(
    isRight ? undefined : 'KUBE-A',
  );
});

test('a chain of ours that is not there is not one without rules', () => {
  expect(
    hasDesiredRules(desired, new Map([...desired].filter(([chain]) => chain !== 'KUBE-B'))),
  ).toBe(false);
});

const [a, b] = jumps as [string, string];
const otherWords = '-A INPUT -m comment --comment a -j KUBE-A';
const foreign = '-A INPUT --comment "mine" -j KUBE-A';

test.each([
  ['each once, in any order', [b, a], [b, a]],
  ['one missing', [b], [a, b]],
  ['one twice', [a, b, a], [a, b]],
  ['both twice', [b, a, b, a], [b, a]],
  ['one in other words', [b, otherWords], [b, a]],
  ['one in other words beside itself', [otherWords, b, a], [a, b]],
  ["somebody else's to the same chain", [foreign, a, b], [foreign, a, b]],
  ['none', [], [a, b]],
])('jumps that stand there: %s', (_, present, repaired) => {
  const isRight =
    repaired.length === present.length && repaired.every((jump, i) => jump === present[i]);
  expect(hasDesiredRules(desired, having('INPUT', ...present))).toBe(isRight);
  expect(repairedJumps(jumps, present)).toEqual(repaired);
  expect(jumpRepair(jumps, repairedJumps(jumps, present))).toEqual({ missing: [], doubled: [] });
});

test.each(['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'])(
  "what others have in %s is theirs: our jump's presence counts alone",
  (chain) => {
    const jump = `-A ${chain} -j KUBE-A`;
    const wanted = new Map([[chain, [jump]]]);
    const theirs = `-A ${chain} -j THEIRS`;
    expect(hasDesiredRules(wanted, new Map([[chain, [theirs, jump, theirs]]]))).toBe(true);
    expect(hasDesiredRules(wanted, new Map([[chain, [theirs]]]))).toBe(false);
  },
);
