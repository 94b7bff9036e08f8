import { expect, test } from '@jest/globals';
import {
  ADDRESSES_PART,
  rulesPart,
  SERVERS_PART,
  setPart,
  sysctlPart,
} from '../../../src/dataplane/part.ts';

test.each([
  [rulesPart('IPv6', 'nat'), 'rules IPv6 nat', ['IPv6']],
  [rulesPart('IPv4', 'raw'), 'rules IPv4 raw', ['IPv4']],
  [setPart('KUBE-6-CLUSTER-IP'), 'ipset KUBE-6-CLUSTER-IP', ['IPv6']],
  [setPart('KUBE-CLUSTER-IP'), 'ipset KUBE-CLUSTER-IP', ['IPv4']],
  [SERVERS_PART, 'virtual servers', ['IPv4', 'IPv6']],
  [ADDRESSES_PART, 'addresses', ['IPv4', 'IPv6']],
  [sysctlPart('net/ipv4/ip_forward'), 'sysctl net/ipv4/ip_forward', []],
])('%s prints as a person would name it and stands for its families', (part, text, families) => {
  expect(String(part)).toBe(text);
  expect(part.families).toEqual(families);
});

test('a part is a key: there is one object for each', () => {
  const errors = new Map([
    [setPart('KUBE-CLUSTER-IP'), 'EIO'],
    [rulesPart('IPv4', 'nat'), 'EAGAIN'],
  ]);
  expect(errors.get(setPart('KUBE-CLUSTER-IP'))).toBe('EIO');
  expect(errors.get(rulesPart('IPv4', 'nat'))).toBe('EAGAIN');
  expect(errors.has(rulesPart('IPv4', 'filter'))).toBe(false);
});
