import { describe, expect, test } from '@jest/globals';
import { checkWords } from '../../../src/kernel/iptablesReader.ts';
import {
  incompatibleTables,
  parseTables,
  removalInput,
  restoreInput,
} from '../../../src/kernel/iptablesText.ts';
import { targetOf } from '../../../src/plan/ruleDifference.ts';
import { ours, saved } from '../../support/kernel/savedRules.ts';

describe('text', () => {
  test('of a save only what is ours is read', () => {
    const { nat, filter } = parseTables(saved, ours);
    expect(Object.fromEntries(nat.chains)).toEqual({
      'KUBE-SERVICES': [
        '-A KUBE-SERVICES -s 127.0.0.0/8 -j RETURN',
        '-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODE-PORT',
      ],
      'KUBE-POSTROUTING': [],
      PREROUTING: [
        '-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
      ],
    });
    expect(Object.fromEntries(filter.chains)).toEqual({ FORWARD: ['-A FORWARD -g KUBE-FORWARD'] });
  });

  test('the target is not looked for in comments', () => {
    expect(targetOf('-A X -m comment --comment "a -j B \\" -j C" -j D')).toBe('D');
    expect(targetOf('-A X -m comment --comment "a -j B"')).toBeUndefined();
    expect(targetOf('-A X -j MARK --set-xmark 0x4000/0x4000')).toBe('MARK');
  });

  test('our chains are declared and filled, missing jumps inserted so that the first is on top', () => {
    const chains = new Map([
      ['KUBE-A', ['-A KUBE-A -j RETURN']],
      ['KUBE-B', []],
      ['INPUT', ['-A INPUT -j KUBE-A', '-A INPUT -j KUBE-B', '-A INPUT -j KUBE-C']],
    ]);
    const present = { chains: new Map([['INPUT', ['-A INPUT -j KUBE-B']]]), places: new Map() };
    expect(restoreInput('filter', chains, present)).toBe(`*filter
:KUBE-A - [0:0]
:KUBE-B - [0:0]
-A KUBE-A -j RETURN
-I INPUT 1 -j KUBE-C
-I INPUT 1 -j KUBE-A
COMMIT
`);
  });

  describe('a jump that stands several times', () => {
    const jump = '-A INPUT -m comment --comment "kubernetes x" -j KUBE-FORWARD';
    const chains = new Map([['INPUT', [jump, '-A INPUT -j KUBE-SERVICES']]]);
    const own = { nat: [], filter: ['KUBE-FORWARD', 'KUBE-SERVICES'] };
    const written = (...rules: string[]) => {
      const { filter } = parseTables(['*filter', ...rules, 'COMMIT'].join('\n'), own);
      return restoreInput('filter', chains, filter).split('\n').slice(1, -2);
    };
    const foreign = '-A INPUT -p tcp -j ACCEPT';
    const services = '-A INPUT -j KUBE-SERVICES';
    const removal = jump.replace('-A', '-D');

    test('is left once where its first copy stands, rules of others stay before it', () => {
      expect(written(foreign, jump, foreign, jump, services)).toEqual([
        removal,
        removal,
        jump.replace('-A INPUT', '-I INPUT 2'),
      ]);
      expect(written(services, jump)).toEqual([]);
    });

    test('is left once beside another one that stands several times', () => {
      expect(written(services, foreign, jump, services, jump)).toEqual([
        removal,
        removal,
        '-D INPUT -j KUBE-SERVICES',
        '-D INPUT -j KUBE-SERVICES',
        '-I INPUT 1 -j KUBE-SERVICES',
        jump.replace('-A INPUT', '-I INPUT 3'),
      ]);
    });

    test('is one and the same in other words of the same comment, and not with another comment', () => {
      const other = jump.replace('-j', '-m conntrack --ctstate NEW -j');
      expect(written(other, services)).toEqual([
        other.replace('-A', '-D'),
        jump.replace('-A INPUT', '-I INPUT 1'),
      ]);
      expect(written(jump.replace('kubernetes x', 'mine'), jump, services)).toEqual([]);
    });
  });

  test('the words of a rule are the arguments of a check', () => {
    expect(checkWords('-A INPUT -m comment --comment "a \\"b\\" c" -j KUBE-X')).toEqual([
      '-C',
      'INPUT',
      '-m',
      'comment',
      '--comment',
      'a "b" c',
      '-j',
      'KUBE-X',
    ]);
  });

  test.each([
    ["# Table `filter' is incompatible, use 'nft' tool.\n*nat\nCOMMIT\n", ['filter']],
    ["iptables-save v1.8.2: table `nat' is incompatible, use 'nft' tool.", ['nat']],
    [
      "# Table `nat' is incompatible, use 'nft' tool.\n# Table `filter' is incompatible",
      ['nat', 'filter'],
    ],
    ["# Table `mangle' is incompatible, use 'nft' tool.", ['mangle']],
    ["# Table `security' is incompatible, use 'nft' tool.", []],
    [saved, []],
  ])('%j: which tables are not printed', (text, tables) => {
    expect(incompatibleTables(text)).toEqual(tables);
  });

  test('removal takes jumps before chains, and is nothing where nothing is ours', () => {
    const { nat } = parseTables(saved, ours);
    expect(removalInput('nat', nat.chains)).toBe(`*nat
:KUBE-SERVICES - [0:0]
:KUBE-POSTROUTING - [0:0]
-D PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-X KUBE-SERVICES
-X KUBE-POSTROUTING
COMMIT
`);
    expect(removalInput('nat', new Map())).toBeUndefined();
  });
});
