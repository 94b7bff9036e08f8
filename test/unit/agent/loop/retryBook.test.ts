import { expect, test } from '@jest/globals';
import { RetryBook } from '../../../../src/agent/loop/retryBook.ts';
import { HeldBackError } from '../../../../src/plan/holdBack.ts';
import { Scope } from '../../../../src/agent/loop/scope.ts';
import type { Operation } from '../../../../src/dataplane/operations.ts';

const bind: Operation = { op: 'bindAddress', address: '10.96.0.1' };
const rules: Operation = { op: 'writeRules', family: 'IPv4', table: 'nat', chains: new Map() };
const fail = (operation: Operation) => ({ operation, error: new Error('no') });
const timing = { firstMs: 100, maxMs: 1000 };

function scopeAt(book: RetryBook, nowMs: number): Scope {
  const scope = new Scope();
  book.takeDue(nowMs, scope);
  return scope;
}

test('a failed operation is due after the first delay and not before', () => {
  const book = new RetryBook(timing);
  expect(book.failed(fail(bind), 0)).toBe(true);
  expect(book.nextDueMs()).toBe(100);
  expect(scopeAt(book, 99).isEmpty).toBe(true);
  expect([...scopeAt(book, 100).addresses]).toEqual(['10.96.0.1']);
});

test('the delay doubles with each failure up to the limit, and the first failure alone is news', () => {
  const book = new RetryBook(timing);
  const delays = [0, 1, 2, 3, 4, 5].map(() => {
    book.failed(fail(bind), 0);
    return book.nextDueMs();
  });
  expect(delays).toEqual([100, 200, 400, 800, 1000, 1000]);
  expect(book.failed(fail(bind), 0)).toBe(false);
});

test('success empties the book and the next failure starts from the first delay', () => {
  const book = new RetryBook(timing);
  book.failed(fail(bind), 0);
  book.failed(fail(bind), 0);
  book.succeeded(bind);
  expect(book.size).toBe(0);
  expect(book.failingSinceMs()).toBeUndefined();
  expect(book.failed(fail(bind), 0)).toBe(true);
  expect(book.nextDueMs()).toBe(100);
});

test('what a round looked at and no longer needs is forgotten', () => {
  const book = new RetryBook(timing);
  book.failed(fail(bind), 0);
  const scope = scopeAt(book, 100);
  book.settle(scope, [bind]);
  expect(book.size).toBe(1);
  book.settle(scope, []);
  expect(book.size).toBe(0);
});

test('a round that looked elsewhere forgets nothing', () => {
  const book = new RetryBook(timing);
  book.failed(fail(bind), 0);
  const elsewhere = new Scope();
  elsewhere.addresses.add('10.96.0.2');
  book.settle(elsewhere, []);
  expect(book.size).toBe(1);
});

test('a failure of what is fixed asks for what is fixed, not for everything', () => {
  const book = new RetryBook(timing);
  book.failed(fail(rules), 0);
  expect(scopeAt(book, 100)).toMatchObject({ isFixedIncluded: true, isFull: false });
});

test('the oldest standing failure tells since when', () => {
  const book = new RetryBook(timing);
  book.failed(fail(bind), 5);
  book.failed(fail(rules), 9);
  book.failed(fail(bind), 50);
  expect(book.failingSinceMs()).toBe(5);
});

test('a failed set entry stays in the book while other entries succeed, and goes when its own is looked at', () => {
  const set = { name: 'KUBE-CLUSTER-IP', type: 'hash:ip,port', family: 'IPv4' } as const;
  const entry = (text: string): Operation => ({ op: 'addEntry', set, entry: text });
  const book = new RetryBook(timing);
  book.failed(fail(entry('10.96.0.1,tcp:80')), 0);
  const elsewhere = new Scope();
  elsewhere.addresses.add('10.96.0.1');
  book.settle(elsewhere, []);
  const external = { ...set, name: 'KUBE-EXTERNAL-IP' };
  elsewhere.includeOperation({ op: 'addEntry', set: external, entry: '10.96.0.1,tcp:80' });
  book.settle(elsewhere, []);
  elsewhere.includeOperation(entry('10.96.0.2,tcp:80'));
  book.settle(elsewhere, []);
  expect(book.size).toBe(1);
  book.settle(scopeAt(book, 100), []);
  expect(book.size).toBe(0);
});

const set = { name: 'KUBE-CLUSTER-IP', type: 'hash:ip,port', family: 'IPv4' } as const;
const entry = (text: string): Operation => ({ op: 'addEntry', set, entry: text });

test('a set that was replaced mends its entries, and what they held back is due at once', () => {
  const book = new RetryBook(timing);
  const held = { operation: bind, error: new HeldBackError('held back') };
  for (const failure of [fail(entry('10.96.0.1,tcp:80')), fail(entry('10.96.0.2,tcp:80')), held])
    book.failed(failure, 0);
  const replaced: Operation = { op: 'replaceSet', set, entries: ['10.96.0.1,tcp:80'] };
  expect(book.failingBut([replaced])).toEqual([entry('10.96.0.2,tcp:80'), bind]);
  book.succeeded(replaced);
  expect(book.standing.map(({ operation }) => operation)).toEqual([
    entry('10.96.0.2,tcp:80'),
    bind,
  ]);
  expect(book.nextDueMs()).toBe(-Infinity);
});

test('what is not wanted any more holds nothing back', () => {
  const book = new RetryBook(timing);
  book.failed(fail(entry('10.96.0.1,tcp:80')), 0);
  book.failed({ operation: bind, error: new HeldBackError('held back') }, 0);
  const scope = new Scope();
  scope.includeOperation(entry('10.96.0.1,tcp:80'));
  book.settle(scope, []);
  expect(book.size).toBe(1);
  expect(book.nextDueMs()).toBe(-Infinity);
});
