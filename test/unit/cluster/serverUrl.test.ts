import { expect, test } from '@jest/globals';
import { serverUrl } from '../../../src/cluster/serverUrl.ts';

test.each([
  ['https://h:6443', 'https://h:6443'],
  ['https://h:6443/', 'https://h:6443'],
  ['https://h/prefix//', 'https://h/prefix'],
  ['HTTPS://h:6443', 'https://h:6443'],
  ['Http://[fd00::1]:8080/', 'http://[fd00::1]:8080'],
  ['https://h:6443/?timeout=1#x', 'https://h:6443'],
  ['h', 'http://h'],
  ['h:6443', 'http://h:6443'],
  ['10.0.0.1', 'http://10.0.0.1'],
  ['127.0.0.1:8080', 'http://127.0.0.1:8080'],
  ['127.0.0.1:8080/', 'http://127.0.0.1:8080'],
  ['[fd00::1]:8080', 'http://[fd00::1]:8080'],
])('%s means %s', (text, url) => {
  expect(serverUrl(text, false)).toBe(url);
});

test('without a scheme, TLS is spoken where certificates are given', () => {
  expect(serverUrl('h:6443', true)).toBe('https://h:6443');
  expect(serverUrl('http://h:6443', true)).toBe('http://h:6443');
});

test.each(['', 'h:6443/prefix', 'ftp://h', 'https://', 'https:///x', 'h:port', 'a b', 'fd00::1'])(
  '%j is no server',
  (text) => {
    expect(serverUrl(text, false)).toBeUndefined();
  },
);
