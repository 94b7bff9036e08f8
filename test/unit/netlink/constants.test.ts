import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import * as constants from '../../../src/netlink/constants.ts';

/** `NAME VALUE`, printed by a C program that includes Linux's uapi headers. */
function headerValues(): ReadonlyMap<string, number> {
  const lines = readFileSync('test/unit/netlink/uapiHeaders.txt', 'utf8').trim().split('\n');
  const pairs = lines.filter((line) => !line.startsWith('#')).map((line) => line.split(' '));
  return new Map(pairs.map(([name, value]) => [name!, Number(value)]));
}

// A wrong number can agree with itself in every other test here: requests and the kernels that
// tests play are made of the same constants.
test('each number is the one of the kernel’s header', () => {
  const values = headerValues();
  const { IPVS_GENL_NAME, ...numbers } = constants;
  expect(numbers).toEqual(Object.fromEntries(values));
  expect(IPVS_GENL_NAME).toBe('IPVS');
});
