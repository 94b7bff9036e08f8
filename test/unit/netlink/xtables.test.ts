import { expect, test } from '@jest/globals';
import { FAMILIES, type Family } from '../../../src/net/family.ts';
import {
  decodeInfoSize,
  encodeEntriesRequest,
  encodeInfoRequest,
  entriesWithoutCounters,
} from '../../../src/netlink/xtables.ts';
import { entriesAnswer } from '../../support/kernel/xtablesAnswers.ts';

test('requests begin with the name of the table, whose last byte is zero', () => {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
  expect(text(encodeInfoRequest('nat'))).toBe('nat'.padEnd(32, '\0'));
  expect(text(encodeInfoRequest('x'.repeat(40)))).toBe(`${'x'.repeat(31)}\0`);
  const { request, answerBytes } = encodeEntriesRequest('nat', 1000);
  expect([request.length, answerBytes]).toEqual([40, 1040]);
  expect(new Uint32Array(request.slice(32, 36).buffer)[0]).toBe(1000);
});

test('sizes are where the kernel puts them, and not in what is shorter', () => {
  const info = new Uint8Array(84);
  info.set(new Uint8Array(Uint32Array.of(1000).buffer), 80);
  expect(decodeInfoSize(info)).toBe(1000);
  expect(() => decodeInfoSize(info.subarray(0, 83))).toThrow('83 bytes');
});

test.each(FAMILIES)('counters make no difference, everything else does (%s)', (family: Family) => {
  const of = (...rules: Parameters<typeof entriesAnswer>[1]) =>
    Buffer.from(entriesWithoutCounters(entriesAnswer(family, rules), family)).toString('hex');
  const rule = { mark: 7, packets: 0 };
  const same = of(rule, { mark: 8, packets: 2 });
  expect(of({ ...rule, packets: 9 }, { mark: 8, packets: 0 })).toBe(same);
  expect(of({ ...rule, mark: 6 }, { mark: 8, packets: 2 })).not.toBe(same);
  expect(of(rule)).not.toBe(same);
});

test.each(FAMILIES)('entries that do not fill the answer are refused (%s)', (family) => {
  const good = entriesAnswer(family, [{ mark: 1, packets: 1 }]);
  expect(() => entriesWithoutCounters(good.slice(0, -1), family)).toThrow('entry at offset 0');
  const short = new Uint8Array(good.length + 5);
  short.set(good);
  expect(() => entriesWithoutCounters(short, family)).toThrow('claims 0 of 5 bytes');
  expect(() => entriesWithoutCounters(new Uint8Array(500), family)).toThrow('claims 0');
});
