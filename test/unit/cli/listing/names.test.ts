/** Addresses and ports by number and by name. */
import { describe, expect, test } from '@jest/globals';
import { NUMERIC, numericAddress, socketName } from '../../../../src/cli/listing/names.ts';

describe('an IPv6 address with an IPv4 one inside', () => {
  test.each([
    ['::ffff:102:304', '::ffff:1.2.3.4'],
    ['::102:304', '::1.2.3.4'],
    ['::1', '::1'],
    ['::', '::'],
    ['::ffff:0:102:304', '::ffff:0:102:304'],
    ['fd00::102:304', 'fd00::102:304'],
  ])('%s is written %s', (address, text) => {
    expect(numericAddress(address)).toBe(text);
  });
});

test('numbers and names, IPv6 in brackets either way', () => {
  const names = {
    host: (address: string) => (address === '::1' ? 'localhost' : undefined),
    service: (port: number, protocol: number) =>
      port === 53 && protocol === 17 ? 'domain' : undefined,
  };
  expect(socketName('::1', 53, 17, NUMERIC)).toBe('[::1]:53');
  expect(socketName('::1', 53, 17, names)).toBe('[localhost]:domain');
  expect(socketName('10.0.0.1', 53, 6, names)).toBe('10.0.0.1:53');
});
