/**
 * Rules as `iptables-save` prints them; whoever reads one wrongly would tell a packet's story
 * wrongly.
 */
import { describe, expect, test } from '@jest/globals';
import { parseRule } from '../../../src/trace/rule.ts';

const matchesOf = (words: string) => parseRule(`-A X ${words} -j DROP`).matches;

test('a rule is read whole, its comment and module names aside', () => {
  const rule = String.raw`-A X ! -s 10.0.0.0/8 -p tcp -m comment --comment "it\'s -j ACCEPT" -m set ! --match-set S src,dst -j DROP`;
  expect(parseRule(rule)).toEqual({
    text: rule,
    target: 'DROP',
    matches: [
      { kind: 'source', prefix: '10.0.0.0/8', isNegated: true },
      { kind: 'protocol', protocol: 'TCP', isNegated: false },
      { kind: 'set', set: 'S', dirs: ['src', 'dst'], isNegated: true },
    ],
  });
});

test('a rule without matches has its target, with or without options', () => {
  expect(parseRule('-A X -j KUBE-MARK-MASQ')).toEqual({
    text: '-A X -j KUBE-MARK-MASQ',
    matches: [],
    target: 'KUBE-MARK-MASQ',
  });
  expect(parseRule('-A X -j REJECT --reject-with tcp-reset').target).toBe('REJECT');
});

test.each([
  ['-s fd00::/64', { kind: 'source', prefix: 'fd00::/64', isNegated: false }],
  ['-i cni0', { kind: 'inInterface', name: 'cni0', isNegated: false }],
  ['! -i cali+', { kind: 'inInterface', name: 'cali+', isNegated: true }],
  ['-p sctp', { kind: 'protocol', protocol: 'SCTP', isNegated: false }],
  ['-m set --match-set S dst', { kind: 'set', set: 'S', dirs: ['dst'], isNegated: false }],
  ['-m mark --mark 0x4000/0xc000', { kind: 'mark', value: 0x4000, mask: 0xc000, isNegated: false }],
  ['-m mark ! --mark 0x1/0x1', { kind: 'mark', value: 1, mask: 1, isNegated: true }],
  ['-m addrtype --dst-type LOCAL', { kind: 'local', side: 'dst', isNegated: false }],
  ['-m addrtype ! --src-type LOCAL', { kind: 'local', side: 'src', isNegated: true }],
  [
    '-m conntrack --ctstate RELATED,ESTABLISHED',
    { kind: 'state', states: ['RELATED', 'ESTABLISHED'], isNegated: false },
  ],
])('%s is one match', (words, match) => {
  expect(matchesOf(words)).toEqual([match]);
});

test('a negation is of the next match alone', () => {
  expect(matchesOf('-m set ! --match-set A dst -m set --match-set B dst')).toEqual([
    { kind: 'set', set: 'A', dirs: ['dst'], isNegated: true },
    { kind: 'set', set: 'B', dirs: ['dst'], isNegated: false },
  ]);
});

test('a MARK rule says which bits it clears and which it turns', () => {
  expect(parseRule('-A X -j MARK --set-xmark 0x4000/0x0')).toMatchObject({
    target: 'MARK',
    xmark: { value: 0x4000, mask: 0 },
  });
});

describe('what is not known is an error that shows the rule', () => {
  test.each([
    ['-A X -m tcp --dport 80 -j DROP', /does not know --dport: -A X -m tcp --dport 80 -j DROP/],
    ['-A X -m addrtype --dst-type MULTICAST -j DROP', /only the address type LOCAL .*MULTICAST/],
    ['-A X -j MARK --set-mark 0x1', /does not know MARK --set-mark 0x1/],
    ['-A X -s 10.0.0.1/32', /too early: -A X -s 10\.0\.0\.1\/32/],
    ['-A X -s', /too early/],
    ['-A X -j', /too early/],
  ])('%s', (rule, message) => {
    expect(() => parseRule(rule)).toThrow(message);
  });
});
