import { expect, test } from '@jest/globals';
import {
  addressPortAddressEntry,
  addressPortEntry,
  addressPortPrefixEntries,
  compareEntries,
  prefixEntries,
  prefixPortEntries,
} from '../../../src/dataplane/setEntries.ts';
import { parsePrefix } from '../../../src/net/prefix.ts';

test('entries are written as ipset save prints them', () => {
  expect(addressPortEntry('10.0.0.1', 'SCTP', 80)).toBe('10.0.0.1,sctp:80');
  expect(addressPortEntry('fd00::1', 'UDP', 53)).toBe('fd00::1,udp:53');
  expect(addressPortAddressEntry('10.0.0.1', 'TCP', 80, '10.0.0.2')).toBe(
    '10.0.0.1,tcp:80,10.0.0.2',
  );
});

test.each([
  ['10.1.2.0/24', ['10.1.2.0/24']],
  ['10.1.2.3/32', ['10.1.2.3']],
  ['0.0.0.0/0', ['0.0.0.0/1', '128.0.0.0/1']],
  ['fd00::1/128', ['fd00::1']],
  ['fd00::/32', ['fd00::/32']],
  ['::/0', ['::/1', '8000::/1']],
])('the prefix %s becomes %j', (text, entries) => {
  const prefix = parsePrefix(text)!;
  expect(prefixEntries(prefix)).toEqual(entries);
  expect(prefixPortEntries(prefix, 'SCTP', 80)).toEqual(entries.map((entry) => `${entry},sctp:80`));
  expect(addressPortPrefixEntries('1.2.3.4', 'TCP', 80, prefix)).toEqual(
    entries.map((entry) => `1.2.3.4,tcp:80,${entry}`),
  );
});

test('entries are listed by address and number, not by character', () => {
  const sorted = ['10.0.0.2,tcp:80', '10.0.0.10,tcp:80', '10.0.0.10,tcp:443', 'fd00::1,tcp:1'];
  expect(sorted.toReversed().toSorted(compareEntries)).toEqual(sorted);
  expect(['443', '80', '31000'].toSorted(compareEntries)).toEqual(['80', '443', '31000']);
  expect(['10.0.0.0/8', '0.0.0.0/1', '10.0.0.1'].toSorted(compareEntries)).toEqual([
    '0.0.0.0/1',
    '10.0.0.0/8',
    '10.0.0.1',
  ]);
});
