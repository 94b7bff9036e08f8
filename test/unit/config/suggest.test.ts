import { expect, test } from '@jest/globals';
import { nearest, suggestion } from '../../../src/config/suggest.ts';

const names = ['ipvs-scheduler', 'ipvs-strict-arp', 'config', 'v'];

test('a typo finds the name that was meant', () => {
  expect(nearest('ipvs-schedular', names)).toBe('ipvs-scheduler');
  expect(nearest('confg', names)).toBe('config');
  expect(nearest('rnu', ['list', 'run'])).toBe('run');
});

test('a part of a name finds the whole', () => {
  expect(nearest('scheduler', names)).toBe('ipvs-scheduler');
  expect(nearest('strict-arp', names)).toBe('ipvs-strict-arp');
});

test('what resembles nothing gets no suggestion', () => {
  expect(nearest('completely-different', names)).toBeUndefined();
  expect(nearest('x', [])).toBeUndefined();
  expect(suggestion('zzzzzz', names)).toBe('');
});
