import { expect, test } from '@jest/globals';
import { isProtocol, PROTOCOL_NUMBER, protocolFromNumber } from '../../../src/net/family.ts';

test('protocols are spelled in capitals', () => {
  expect(['TCP', 'UDP', 'SCTP', 'tcp', 'ICMP', '', 6, null].filter(isProtocol)).toEqual([
    'TCP',
    'UDP',
    'SCTP',
  ]);
});

test('protocol numbers are those of IANA and lead back', () => {
  expect(PROTOCOL_NUMBER).toEqual({ TCP: 6, UDP: 17, SCTP: 132 });
  for (const [name, number] of Object.entries(PROTOCOL_NUMBER)) {
    expect(protocolFromNumber(number)).toBe(name);
  }
  expect(protocolFromNumber(1)).toBeUndefined();
});
