import { expect, test } from '@jest/globals';
import { parseHostPort } from '../../../src/ops/hostPort.ts';

test.each([
  ['0.0.0.0:10256', { host: '0.0.0.0', port: 10256 }],
  ['127.0.0.1', { host: '127.0.0.1', port: 1 }],
  ['[::]:10256', { host: '::', port: 10256 }],
  ['[fd00:0::1]:80', { host: 'fd00::1', port: 80 }],
  ['[::1]', { host: '::1', port: 1 }],
  ['::1', { host: '::1', port: 1 }],
  ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
])('%s', (text, expected) => {
  expect(parseHostPort(text, 1)).toEqual(expected);
});

test.each([
  '',
  ':80',
  'localhost:80',
  '127.0.0.1:',
  '127.0.0.1:65536',
  '[127.0.0.1]:80',
  '1.2.3.4:x',
  '[::1',
  '::1]:80',
])('"%s" is refused', (text) => expect(parseHostPort(text, 1)).toBeUndefined());
