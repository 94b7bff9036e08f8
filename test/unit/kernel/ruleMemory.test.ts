import { expect, test } from '@jest/globals';
import type { Chains } from '../../../src/dataplane/tables.ts';
import { RuleMemory } from '../../../src/kernel/ruleMemory.ts';

const where = { family: 'IPv4', table: 'nat' } as const;
const rule = '-A KUBE-SERVICES -j RETURN';
const chainsOf = (...rules: string[]): Chains => new Map([['KUBE-SERVICES', rules]]);

function write(memory: RuleMemory, chains: Chains, shown: Chains): void {
  memory.wrote({ ...where, chains });
  memory.readBack({ ...where, chains }, shown);
}

/** Twice. */
function written(chains: Chains, shown: Chains): RuleMemory {
  const memory = new RuleMemory();
  for (let i = 0; i < 2; i++) write(memory, chains, shown);
  return memory;
}

const readAs = (memory: RuleMemory, chains: Chains) => memory.understood('IPv4', 'nat', chains);

test('what reads back as it was written is taken as it is read', () => {
  const memory = written(chainsOf(rule), chainsOf(rule));
  expect(readAs(memory, chainsOf(rule))).toEqual({ chains: chainsOf(rule) });
  expect(readAs(memory, chainsOf())).toEqual({ chains: chainsOf() });
});

test('what reads back otherwise is what was written, as long as it reads so, with the rule that is not found', () => {
  const wanted = chainsOf('-A KUBE-SERVICES -j ACCEPT', rule);
  const shown = chainsOf('-A KUBE-SERVICES -j ACCEPT', '-A KUBE-SERVICES -g RETURN');
  const memory = written(wanted, shown);
  const { chains, doubt } = readAs(memory, shown);
  expect(chains).toBe(wanted);
  expect(doubt?.message).toMatch(
    /^written, but not found when read back: -A KUBE-SERVICES -j RETURN; .*iptables-save$/,
  );
  // Another table is not meant.
  expect(memory.understood('IPv6', 'nat', shown)).toEqual({ chains: shown });
});

test('once may be chance: what was flushed between a write and its reading is written again', () => {
  const memory = new RuleMemory();
  write(memory, chainsOf(rule), new Map());
  expect(readAs(memory, new Map())).toEqual({ chains: new Map() });
  write(memory, chainsOf(rule), chainsOf());
  expect(readAs(memory, chainsOf())).toEqual({ chains: chainsOf() });
  write(memory, chainsOf(rule), chainsOf(rule));
  write(memory, chainsOf(rule), chainsOf());
  expect(readAs(memory, chainsOf())).toEqual({ chains: chainsOf() });
  write(memory, chainsOf(rule, rule), chainsOf());
  expect(readAs(memory, chainsOf())).toEqual({ chains: chainsOf() });
  write(memory, chainsOf(rule, rule), chainsOf());
  expect(readAs(memory, chainsOf()).chains).toEqual(chainsOf(rule, rule));
});

test('a chain that is not there, or has a rule too many, is doubted by its name', () => {
  const doubtOf = (shown: Chains) =>
    readAs(written(chainsOf(rule), shown), shown).doubt?.message ?? '';
  expect(doubtOf(new Map())).toContain('not found when read back: -A KUBE-SERVICES -j RETURN');
  expect(doubtOf(chainsOf(rule, rule))).toMatch(
    /^KUBE-SERVICES reads back with other rules than were written; /,
  );
});

test('once somebody changed it, it is what is read, for good', () => {
  const shown = chainsOf('-A KUBE-SERVICES -g RETURN');
  const memory = written(chainsOf(rule), shown);
  expect(readAs(memory, chainsOf())).toEqual({ chains: chainsOf() });
  expect(readAs(memory, shown)).toEqual({ chains: shown });
  expect(memory.lastWritten('IPv4', 'nat')).toEqual(chainsOf(rule));
});

test('before it is read back a write is as it was meant', () => {
  const memory = new RuleMemory();
  expect(memory.lastWritten('IPv4', 'nat')).toBeUndefined();
  memory.wrote({ ...where, chains: chainsOf(rule) });
  expect(memory.lastWritten('IPv4', 'nat')).toEqual(chainsOf(rule));
  expect(memory.lastWritten('IPv4', 'filter')).toBeUndefined();
  expect(readAs(memory, chainsOf())).toEqual({ chains: chainsOf() });
});
