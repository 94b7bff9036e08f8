import { expect, test } from '@jest/globals';
import { PoolTable } from '../../../../src/loadbalancer/allocation/poolTable.ts';
import { pool } from '../../../support/loadbalancer/balanced.ts';

const office = pool('office', '192.0.2.64/30 192.0.2.10-192.0.2.12 2001:db8::/64', {
  skipZeroAnd255: true,
});
const edge = pool('edge', '192.0.1.250-192.0.2.3', { skipZeroAnd255: true });

test('an address lies in the pool whose range holds it, unless it is left out', () => {
  const table = new PoolTable([office, edge]);
  const nameAt = (address: string) => table.locate(address).place?.pool.name;
  expect(['192.0.2.9', '192.0.2.10', '192.0.2.12', '192.0.2.13'].map(nameAt)).toEqual([
    undefined,
    'office',
    'office',
    undefined,
  ]);
  expect(nameAt('2001:db8::ff')).toBe('office');
  expect(nameAt('2001:db8:0:1::')).toBeUndefined();
  expect(['192.0.1.255', '192.0.2.0', '192.0.2.1'].map(nameAt)).toEqual([
    undefined,
    undefined,
    'edge',
  ]);
  expect(table.around(table.locate('192.0.2.0'))).toBe(edge);
  expect(table.around(table.locate('192.0.2.4'))).toBeUndefined();
});

test('the size is that of what can be given', () => {
  const table = new PoolTable([office, edge]);
  expect(table.size(office, 'IPv4')).toBe(7n);
  expect(table.size(office, 'IPv6')).toBe(2n ** 64n);
  expect(table.size(edge, 'IPv4')).toBe(8n);
  expect(table.size(edge, 'IPv6')).toBe(0n);
  const all = pool('all', '0.0.0.0/0', { skipZeroAnd255: true });
  expect(new PoolTable([all]).size(all, 'IPv4')).toBe(2n ** 32n - 2n ** 25n);
});

test('the lowest free one is looked for range by range, as written', () => {
  const table = new PoolTable([office]);
  const taken = new Set<string>();
  const next = () => table.lowestFree(office, 'IPv4', (address) => taken.has(address));
  const given: string[] = [];
  for (let located = next(); located !== undefined; located = next()) {
    given.push(located.address);
    taken.add(located.address);
  }
  const all = ['64', '65', '66', '67', '10', '11', '12'].map((last) => `192.0.2.${last}`);
  expect(given).toEqual(all);
  taken.delete('192.0.2.66');
  table.freed(table.locate('192.0.2.66'));
  expect(next()?.address).toBe('192.0.2.66');
});

test('a large range is not walked', () => {
  const table = new PoolTable([office]);
  let asked = 0;
  for (let i = 0; i < 100; i++) {
    const located = table.lowestFree(office, 'IPv6', ({ length }) => {
      asked++;
      return length < 0;
    });
    expect(located?.value).toBe(table.locate('2001:db8::').value);
  }
  expect(asked).toBe(100);
});

test('the nearest range is the one that is closest in number', () => {
  const table = new PoolTable([office, edge]);
  const nearestTo = (address: string) => table.nearest(table.locate(address))?.pool.name;
  expect(nearestTo('192.0.2.5')).toBe('edge');
  expect(nearestTo('192.0.2.8')).toBe('office');
  expect(nearestTo('10.0.0.1')).toBe('edge');
  expect(nearestTo('203.0.113.1')).toBe('office');
  expect(new PoolTable([edge]).nearest(table.locate('2001:db8::'))).toBeUndefined();
});
