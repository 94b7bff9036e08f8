import { afterEach, expect, jest, test } from '@jest/globals';
import { ADDRESSES_PART, SERVERS_PART, setPart } from '../../../src/dataplane/part.ts';
import { READ_LIMIT_MS, Reading } from '../../../src/kernel/reading.ts';

afterEach(() => {
  jest.useRealTimers();
});

const error = new Error('refused');

test('what is read in time is known, and leaves no timer behind', async () => {
  jest.useFakeTimers();
  const reading = new Reading();
  expect(await reading.part([ADDRESSES_PART], async () => 1, 0)).toBe(1);
  expect([reading.unknown.size, jest.getTimerCount()]).toEqual([0, 0]);
});

test('what fails is unknown in all its parts, with the reason, and reads as empty', async () => {
  const reading = new Reading();
  const failing = () => Promise.reject(error);
  expect(await reading.part([ADDRESSES_PART, SERVERS_PART], failing, 0)).toBe(0);
  expect([...reading.unknown]).toEqual([
    [ADDRESSES_PART, error],
    [SERVERS_PART, error],
  ]);
});

test('what does not answer is given up after two minutes, and says so', async () => {
  jest.useFakeTimers();
  const reading = new Reading();
  const given = reading.part([ADDRESSES_PART], () => new Promise<number>(() => undefined), 0);
  await jest.advanceTimersByTimeAsync(READ_LIMIT_MS - 1);
  expect(reading.unknown.size).toBe(0);
  await jest.advanceTimersByTimeAsync(1);
  expect(await given).toBe(0);
  expect(reading.unknown.get(ADDRESSES_PART)?.message).toBe(
    'it could not be read within 120 s: no answer',
  );
});

test('many are read in one go, and one by one only when that fails', async () => {
  const reading = new Reading();
  const asked: (readonly string[])[] = [];
  let bad = '';
  const read = async (names: readonly string[]) => {
    asked.push(names);
    if (names.includes(bad)) throw error;
    // One that is not there is not in the answer.
    return new Map(names.filter((name) => name !== 'C').map((name) => [name, name]));
  };
  const names = ['A', 'B', 'C'];
  expect([...(await reading.each(names, setPart, read)).keys()]).toEqual(['A', 'B']);
  expect([asked, reading.unknown.size]).toEqual([[names], 0]);
  bad = 'B';
  expect([...(await reading.each(names, setPart, read)).keys()]).toEqual(['A']);
  expect(asked.slice(1)).toEqual([names, ['A'], ['B'], ['C']]);
  expect([...reading.unknown]).toEqual([[setPart('B'), error]]);
});

test('where none of many answers all are unknown', async () => {
  jest.useFakeTimers();
  const reading = new Reading(1_000);
  const silent = new Promise<ReadonlyMap<string, string>>(() => undefined);
  const given = reading.each(['A', 'B'], setPart, () => silent);
  await jest.advanceTimersByTimeAsync(1_000);
  expect(await given).toEqual(new Map());
  expect([...reading.unknown.keys()].map(String)).toEqual(['ipset A', 'ipset B']);
});
