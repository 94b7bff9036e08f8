import { expect, test } from '@jest/globals';
import { ServiceBook } from '../../../../src/loadbalancer/allocator/serviceBook.ts';
import { service, type ServiceWords } from '../../../support/loadbalancer/balanced.ts';

const KEY = 'default/a';
const at = (resourceVersion: string, words: ServiceWords = {}) =>
  service('a', { ...words, metadata: { resourceVersion } });
const bookOf = () => new ServiceBook((text) => text.startsWith('192.0.2.'));
const versions = (book: ServiceBook) =>
  [...book.current()].map(({ resourceVersion }) => resourceVersion);

test('what the watch tells late does not take the place of an answer', () => {
  const book = bookOf();
  expect(book.told(KEY, at('8'))).toBe(true);
  expect(book.told(KEY, at('10', { has: '192.0.2.1' }))).toBe(true);
  expect(book.told(KEY, at('9'))).toBe(false);
  expect(versions(book)).toEqual(['10']);
  expect(book.told(KEY, undefined)).toBe(true);
  expect(versions(book)).toEqual([]);
  expect(book.told(KEY, undefined)).toBe(false);
});

test('versions that are no numbers count as new', () => {
  const book = bookOf();
  book.told(KEY, at('b'));
  expect(book.told(KEY, at('a', { has: '192.0.2.1' }))).toBe(true);
  expect(book.told(KEY, at('a'))).toBe(false);
});

test('a version alone is no news', () => {
  const book = bookOf();
  book.told(KEY, at('1'));
  expect(book.told(KEY, at('2'))).toBe(false);
  expect(book.get(KEY)?.resourceVersion).toBe('2');
});

test('what is being written is decided by, and is no news when it is there', () => {
  const book = bookOf();
  book.told(KEY, at('1'));
  const expected = at('1', { has: '192.0.2.1', reason: 'Assigned' });
  book.expect(KEY, expected);
  expect([...book.current()]).toEqual([expected]);
  expect(book.get(KEY)?.ingress).toEqual([]);
  const written = at('2', { has: '192.0.2.1', reason: 'Assigned' });
  expect(book.isExpected(KEY, written)).toBe(true);
  expect(book.isExpected(KEY, at('2'))).toBe(false);
  expect(book.told(KEY, written)).toBe(false);
  book.forgetExpected(KEY);
  expect([...book.current()]).toEqual([written]);
});

test('a Service without addresses matters by those of a pool that it keeps from others', () => {
  const book = bookOf();
  const plain = (version: string, ...externalIPs: string[]) =>
    at(version, { lbClass: null, spec: { type: 'ClusterIP', externalIPs } });
  expect(book.told(KEY, plain('1', '203.0.113.1'))).toBe(false);
  expect(book.told(KEY, plain('2', '203.0.113.2'))).toBe(false);
  expect(book.told(KEY, plain('3', '192.0.2.2'))).toBe(true);
  expect(book.told(KEY, plain('4', '203.0.113.2', '192.0.2.2'))).toBe(false);
  expect(book.told(KEY, undefined)).toBe(true);
});

test('a complete reading removes what is not there, but for what is newer than it', () => {
  const book = bookOf();
  for (const name of ['gone', 'kept', 'plain'])
    book.told(`default/${name}`, service(name, name === 'plain' ? PLAIN : {}));
  const before = book.snapshot();
  book.told('default/new', service('new'));
  book.complete(new Map([['default/kept', service('kept')]]), before);
  expect([...book.snapshot().keys()]).toEqual(['default/kept', 'default/plain', 'default/new']);
});

const PLAIN: ServiceWords = { lbClass: null, spec: { type: 'ClusterIP' } };
