import { expect, test } from '@jest/globals';
import { type Operation, operationSubject } from '../../../src/dataplane/operations.ts';
import { formatOperation, planToJson } from '../../../src/plan/format.ts';

const set = { name: 'S', type: 'hash:ip', family: 'IPv6' } as const;
const server = {
  address: 'fd00::1',
  port: 80,
  protocol: 'TCP',
  scheduler: 'rr',
  flags: ['persistent'],
  persistenceTimeoutSec: 60,
  service: 'a/b:http',
} as const;
const destination = { address: 'fd00:1::5', port: 8080, weight: 1 };
const at = '[fd00::1]:80/TCP';
const to = `${at} -> [fd00:1::5]:8080`;

/** What is touched, and the line for people. */
const operations: readonly (readonly [Operation, subject: string, line: string])[] = [
  [{ op: 'setSysctl', name: 'a/b', value: '1' }, 'sysctl a/b', '~ a/b = 1'],
  [{ op: 'createSet', set }, 'set S', '+ S hash:ip IPv6'],
  [{ op: 'replaceSet', set, entries: ['b', 'a'] }, 'set S', '~ S hash:ip IPv6, 2 entries'],
  [{ op: 'addEntry', set, entry: 'fd00::1' }, 'entry S fd00::1', '+ S fd00::1'],
  [{ op: 'removeEntry', set, entry: 'fd00::1' }, 'entry S fd00::1', '- S fd00::1'],
  [
    { op: 'writeRules', family: 'IPv4', table: 'nat', chains: new Map([['A', ['-A A -j B']]]) },
    'rules IPv4 nat',
    '~ IPv4 nat: A',
  ],
  [{ op: 'createDummyDevice' }, 'device kube-ipvs0', '+ kube-ipvs0'],
  [{ op: 'bindAddress', address: 'fd00::1' }, 'address fd00::1', '+ fd00::1'],
  [{ op: 'unbindAddress', address: 'fd00::1' }, 'address fd00::1', '- fd00::1'],
  [{ op: 'addServer', server }, `server ${at}`, `+ ${at} rr persistent 60s (a/b:http)`],
  [{ op: 'updateServer', server }, `server ${at}`, `~ ${at} rr persistent 60s (a/b:http)`],
  [{ op: 'removeServer', server }, `server ${at}`, `- ${at} (a/b:http)`],
  [{ op: 'addDestination', server, destination }, `destination ${to}`, `+ ${to} weight 1`],
  [{ op: 'updateDestination', server, destination }, `destination ${to}`, `~ ${to} weight 1`],
  [{ op: 'drainDestination', server, destination }, `destination ${to}`, `> ${to}`],
  [{ op: 'removeDestination', server, destination }, `destination ${to}`, `- ${to}`],
];

test.each(operations)('%j', (operation, subject, line) => {
  expect(operationSubject(operation)).toBe(subject);
  expect(formatOperation(operation)).toBe(line);
});

test('as JSON each has its name and what it is done to', () => {
  const spec = { ...server, family: 'IPv6' };
  expect(planToJson(operations.map(([operation]) => operation))).toEqual([
    { op: 'setSysctl', name: 'a/b', value: '1' },
    { op: 'createSet', ...set },
    { op: 'replaceSet', ...set, entries: ['a', 'b'] },
    { op: 'addEntry', set: 'S', entry: 'fd00::1' },
    { op: 'removeEntry', set: 'S', entry: 'fd00::1' },
    { op: 'writeRules', family: 'IPv4', table: 'nat', chains: { A: ['-A A -j B'] } },
    { op: 'createDummyDevice' },
    { op: 'bindAddress', address: 'fd00::1/128' },
    { op: 'unbindAddress', address: 'fd00::1/128' },
    { op: 'addServer', server: spec },
    { op: 'updateServer', server: spec },
    { op: 'removeServer', server: spec },
    { op: 'addDestination', server: at, destination },
    { op: 'updateDestination', server: at, destination },
    { op: 'drainDestination', server: at, destination },
    { op: 'removeDestination', server: at, destination },
  ]);
});
