import { expect, test } from '@jest/globals';
import {
  appendPort,
  parseHostPort,
  parseSloppyAddress,
  parseSloppyPrefix,
} from '../../../src/config/sloppy.ts';

test('leading zeros in an IPv4 address are decimal', () => {
  expect(parseSloppyAddress('010.000.00.08')).toBe('10.0.0.8');
  expect(parseSloppyPrefix('010.001.0.0/16')).toEqual({
    family: 'IPv4',
    address: '10.1.0.0',
    length: 16,
  });
  expect(parseSloppyAddress('FD00::01')).toBe('fd00::1');
  expect(parseSloppyAddress('10.0.0.256')).toBeUndefined();
});

test.each([
  ['0.0.0.0:10256', '0.0.0.0', 10256],
  ['[::]:10256', '::', 10256],
  ['[FD00::1]:1', 'fd00::1', 1],
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
