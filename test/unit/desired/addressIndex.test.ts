import { expect, test } from '@jest/globals';
import { AddressIndex } from '../../../src/desired/addressIndex.ts';

const set = (...addresses: string[]) => new Set(addresses);

test('owners come and go, one, two, three and none', () => {
  const index = new AddressIndex<string>();
  const owners = (address: string) => [...index.ownersOf(address)].toSorted();
  for (const owner of ['a', 'b', 'c']) index.replace(owner, set(), set('10.0.0.1'));
  expect(owners('10.0.0.1')).toEqual(['a', 'b', 'c']);
  index.replace('b', set('10.0.0.1'), set('10.0.0.2'));
  expect(owners('10.0.0.1')).toEqual(['a', 'c']);
  expect(owners('10.0.0.2')).toEqual(['b']);
  index.replace('a', set('10.0.0.1'), set());
  expect(owners('10.0.0.1')).toEqual(['c']);
  index.replace('c', set('10.0.0.1'), set());
  expect(owners('10.0.0.1')).toEqual([]);
  expect([...index.addresses()]).toEqual(['10.0.0.2']);
});

test('only what came or went is told', () => {
  const index = new AddressIndex<object>();
  const owner = {};
  expect(index.replace(owner, set(), set('10.0.0.1', '10.0.0.2'))).toHaveLength(2);
  expect(index.replace(owner, set('10.0.0.1', '10.0.0.2'), set('10.0.0.2', '10.0.0.3'))).toEqual([
    '10.0.0.3',
    '10.0.0.1',
  ]);
  expect(index.replace(owner, set('10.0.0.2'), set('10.0.0.2'))).toEqual([]);
});
