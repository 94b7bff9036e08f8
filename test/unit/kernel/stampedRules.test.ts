import { expect, test } from '@jest/globals';
import { rulesPart } from '../../../src/dataplane/part.ts';
import type { RuleReading } from '../../../src/kernel/iptables.ts';
import { StampedRules } from '../../../src/kernel/stampedRules.ts';

const tables = { filter: new Map(), nat: new Map() };
const READING: RuleReading = {
  IPv4: tables,
  IPv6: tables,
  unknown: new Map(),
  unconfirmed: new Map(),
};

function stamped(stamps: readonly (string | undefined)[], reading: Partial<RuleReading> = {}) {
  const counts = { reads: 0, applied: 0 };
  const left = [...stamps];
  const rules = {
    read: async () => {
      counts.reads += 1;
      return { ...READING, ...reading };
    },
    apply: async () => {
      counts.applied += 1;
      return { outcomes: [], kernelWrites: 0 };
    },
  };
  return { counts, rules: new StampedRules(rules, async () => left.shift()) };
}

async function readsOf(...given: Parameters<typeof stamped>): Promise<number> {
  const { counts, rules } = stamped(...given);
  for (const _ of given[0]) await rules.read();
  return counts.reads;
}

test('what has the same stamp is not read again', async () => {
  const { counts, rules } = stamped(['a', 'a', 'b', 'b', 'a']);
  const first = await rules.read();
  expect(await rules.read()).toBe(first);
  expect(counts.reads).toBe(1);
  await rules.read();
  await rules.read();
  expect(counts.reads).toBe(2);
  await rules.read();
  expect(counts.reads).toBe(3);
});

test('without a stamp, or where a part was not read, everything is read each time', async () => {
  expect(await readsOf([undefined, undefined])).toBe(2);
  const unknown = new Map([[rulesPart('IPv4', 'nat'), new Error('no')]]);
  expect(await readsOf(['a', 'a'], { unknown })).toBe(2);
});

test('what was written is read back', async () => {
  const { counts, rules } = stamped(['a', 'a']);
  await rules.read();
  await rules.apply([]);
  await rules.read();
  expect(counts).toEqual({ reads: 2, applied: 1 });
});

test('a reading that fails is made again', async () => {
  let times = 0;
  const failing = {
    read: () => Promise.reject(new Error(`time ${++times}`)),
    apply: () => Promise.reject(new Error('not asked for')),
  };
  const rules = new StampedRules(failing, async () => 'a');
  await expect(rules.read()).rejects.toThrow('time 1');
  await expect(rules.read()).rejects.toThrow('time 2');
});
