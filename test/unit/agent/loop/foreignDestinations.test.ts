import { expect, test } from '@jest/globals';
import { foreignDestinations } from '../../../../src/agent/loop/foreignDestinations.ts';

test('destinations that somebody else added are told of, servers of others are not', () => {
  const foreign = ['10.96.0.1:80/TCP', '10.96.0.1:81/TCP -> 192.0.2.2:80', 'fwmark:7/IPv4'];
  expect(foreignDestinations(foreign)).toEqual([
    {
      path: 'virtual server 10.96.0.1:81/TCP',
      value: '192.0.2.2:80',
      problem: expect.stringMatching('^is not masqueraded'),
    },
  ]);
});
