import { describe, expect, test } from '@jest/globals';
import { GatheredList, MAX_PARTS } from '../../../../src/loadbalancer/peers/gatheredList.ts';
import { isLater, nextGeneration } from '../../../../src/loadbalancer/peers/generation.ts';
import { HeardClaims } from '../../../../src/loadbalancer/peers/heardClaims.ts';

const part = (index: number, parts: number, ...entries: string[]) => ({
  part: index,
  parts,
  entries,
});

test('generations go round, and the shorter way tells which is later', () => {
  expect(nextGeneration(0xffff_ffff)).toBe(0);
  expect(isLater(0, 0xffff_ffff)).toBe(true);
  expect(isLater(0xffff_ffff, 0)).toBe(false);
  expect(isLater(5, 5)).toBe(false);
  expect([isLater(5, 4), isLater(4, 5)]).toEqual([true, false]);
});

describe('a list in parts', () => {
  test('is there when all are, in their order, whatever order they came in', () => {
    const list = new GatheredList<string>();
    expect(list.add(part(2, 3, 'e'), 7)).toBe(false);
    expect(list.add(part(0, 3, 'a', 'b'), 7)).toBe(false);
    expect(list.add(part(0, 3, 'a', 'b'), 7)).toBe(false);
    expect(list.complete).toBeUndefined();
    expect(list.add(part(1, 3, 'c', 'd'), 7)).toBe(true);
    expect(list.complete).toEqual({ generation: 7, entries: ['a', 'b', 'c', 'd', 'e'] });
  });

  test('takes no parts of different generations together', () => {
    const list = new GatheredList<string>();
    list.add(part(0, 2, 'a'), 1);
    expect(list.add(part(1, 2, 'b'), 2)).toBe(false);
    expect(list.add(part(1, 2, 'old'), 1)).toBe(false);
    expect(list.add(part(0, 2, 'c'), 2)).toBe(true);
    expect(list.complete?.entries).toEqual(['c', 'b']);
  });

  test('is not replaced by an older one, nor by itself', () => {
    const list = new GatheredList<string>();
    list.add(part(0, 1, 'a'), 5);
    expect(list.add(part(0, 1, 'b'), 4)).toBe(false);
    expect(list.add(part(0, 1, 'b'), 5)).toBe(false);
    expect(list.complete?.entries).toEqual(['a']);
  });

  test('begins anew when it is told with another number of parts', () => {
    const list = new GatheredList<string>();
    list.add(part(1, 3, 'x'), 1);
    list.add(part(0, 2, 'a'), 1);
    expect(list.complete).toBeUndefined();
    expect(list.add(part(1, 2, 'b'), 1)).toBe(true);
  });
});

describe('claims', () => {
  test('count from the part on that names them', () => {
    const claims = new HeardClaims();
    claims.claim(part(0, 2, 'a'), 1);
    expect(claims.addresses).toEqual(new Set(['a']));
    expect(claims.generation).toBeUndefined();
    claims.claim(part(1, 2, 'b'), 1);
    expect(claims.addresses).toEqual(new Set(['a', 'b']));
    expect(claims.generation).toBe(1);
  });

  test('that a new list does not name any more are gone when it is there whole', () => {
    const claims = new HeardClaims();
    claims.claim(part(0, 1, 'a', 'b'), 1);
    claims.claim(part(0, 2, 'c'), 2);
    expect(claims.addresses).toEqual(new Set(['a', 'b', 'c']));
    claims.claim(part(1, 2, 'b'), 2);
    expect(claims.addresses).toEqual(new Set(['c', 'b']));
  });

  test('released are gone at once, and a part from before that does not bring them back', () => {
    const claims = new HeardClaims();
    claims.claim(part(0, 1, 'a', 'b'), 1);
    claims.release(['a'], 3);
    expect(claims.addresses).toEqual(new Set(['b']));
    claims.claim(part(0, 2, 'a', 'b'), 2);
    expect(claims.addresses).toEqual(new Set(['b']));
    claims.claim(part(1, 2), 2);
    expect(claims.generation).toBe(2);
    expect(claims.addresses).toEqual(new Set(['b']));
    claims.claim(part(0, 1, 'a', 'b'), 4);
    expect(claims.addresses).toEqual(new Set(['a', 'b']));
  });

  test('taken again after a release stay, though the release comes late', () => {
    const claims = new HeardClaims();
    claims.claim(part(0, 1, 'a'), 1);
    claims.claim(part(0, 2, 'a'), 3);
    claims.release(['a'], 2);
    expect(claims.addresses).toEqual(new Set(['a']));
    claims.claim(part(1, 2), 3);
    claims.release(['a'], 2);
    claims.release(['a'], 3);
    expect(claims.addresses).toEqual(new Set(['a']));
  });

  test('in a part older than what is being gathered count too, until a list is whole', () => {
    const claims = new HeardClaims();
    claims.claim(part(0, 2, 'a'), 2);
    claims.claim(part(0, 2, 'b'), 1);
    expect(claims.addresses).toEqual(new Set(['a', 'b']));
    claims.claim(part(1, 2), 2);
    expect(claims.addresses).toEqual(new Set(['a']));
  });

  test('are the same object as long as they are the same', () => {
    const claims = new HeardClaims();
    claims.claim(part(0, 1, 'a', 'b'), 1);
    const { addresses } = claims;
    claims.claim(part(0, 1, 'b', 'a'), 2);
    expect(claims.addresses).toBe(addresses);
    expect(claims.generation).toBe(2);
    claims.claim(part(0, 1, 'a'), 3);
    expect(claims.addresses).not.toBe(addresses);
    expect(addresses).toEqual(new Set(['a', 'b']));
  });

  test('and releases without end do not fill the memory: the list is to be told again', () => {
    const claims = new HeardClaims();
    claims.claim(part(0, 1, 'a'), 1);
    const some = (first: number) => Array.from({ length: 66 }, (_, i) => `x${first + i}`);
    const sizes = Array.from({ length: MAX_PARTS }, (_, i) => {
      claims.claim(part(0, 2, ...some(i * 66)), 2 + i);
      return i % 100 === 0 ? claims.addresses.size : 0;
    });
    expect(Math.max(...sizes)).toBeLessThanOrEqual(MAX_PARTS * 66);
    expect(claims.generation).toBeUndefined();
    claims.claim(part(0, 1, 'a', 'b'), 5_000);
    expect(claims.addresses).toEqual(new Set(['a', 'b']));
  });
});
