/** Addresses and ports by number and by name. */
import { describe, expect, test } from '@jest/globals';
import { NUMERIC, numericAddress, socketName } from '../../../../src/cli/listing/names.ts';
import { parseServiceTable } from '../../../../src/cli/listing/systemNames.ts';

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

test('/etc/services: comments, aliases, the first line of several', () => {
  const table = parseServiceTable(`# comment
http		80/tcp		www		# WorldWideWeb HTTP
http2		80/tcp
domain		53/udp
  https 443/tcp # 443/udp
broken line
`);
  expect([...table.names]).toEqual([
    ['80/tcp', 'http'],
    ['53/udp', 'domain'],
    ['443/tcp', 'https'],
  ]);
  expect(table.ports.get('www/tcp')).toBe(80);
  expect(table.ports.get('domain/tcp')).toBeUndefined();
});
