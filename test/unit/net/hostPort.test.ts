import { expect, test } from '@jest/globals';
import { appendPort, parseHostPort } from '../../../src/net/hostPort.ts';

test.each([
  ['0.0.0.0:10256', '0.0.0.0', 10256],
  ['[::]:10256', '::', 10256],
  ['[FD00::1]:1', 'fd00::1', 1],
  ['010.0.0.01:1', '10.0.0.1', 1],
  ['[::ffff:10.0.0.1]:1', '10.0.0.1', 1],
])('%s is an address and a port', (text, address, port) => {
  expect(parseHostPort(text)).toEqual({ address, port });
});

test.each([
  '',
  '0.0.0.0',
  ':10256',
  'localhost:80',
  '0.0.0.0:0',
  '0.0.0.0:65536',
  '[0.0.0.0]:80',
  '::1:80x',
  '::ffff:10.0.0.1:80',
  '[::1]',
  '1.2.3.4:80:80',
])('%j is not an address and a port', (text) => {
  expect(parseHostPort(text)).toBeUndefined();
});

test('a port is added to a bare address only', () => {
  expect(appendPort('127.0.0.1', 10249)).toBe('127.0.0.1:10249');
  expect(appendPort('::1', 10249)).toBe('[::1]:10249');
  expect(appendPort('[::1]', 10249)).toBe('[::1]:10249');
  expect(appendPort('127.0.0.1:1', 10249)).toBe('127.0.0.1:1');
  expect(appendPort('nonsense', 10249)).toBe('nonsense');
});
