import { expect, test } from '@jest/globals';
import { decodeStateFile, NO_STATE } from '../../../src/config/loadBalancer/stateFile.ts';

test('whoever says nothing is alive, ready and up for ever', () => {
  expect(decodeStateFile({})).toEqual({ value: NO_STATE });
  const { value } = decodeStateFile({ nodes: [{ name: 'n1' }] });
  expect(value?.nodes).toEqual([
    {
      name: 'n1',
      alive: true,
      ready: true,
      leaving: false,
      aliveForSec: Infinity,
      unable: [],
      interfaces: undefined,
    },
  ]);
});

test('all of it, addresses in canonical text', () => {
  const { value } = decodeStateFile({
    nodes: [
      {
        name: 'n1',
        alive: false,
        ready: false,
        leaving: true,
        aliveForSec: 1.5,
        unable: ['2001:DB8::0'],
        interfaces: [{ name: 'eth0', addresses: ['192.0.2.11/24'], defaultRoute: ['IPv4'] }],
      },
    ],
    owners: [{ address: '2001:DB8::1', node: 'n1' }],
    conflicts: [{ address: '192.0.2.70', mac: '02:00:00:00:00:99' }],
  });
  expect(value).toEqual({
    nodes: [
      {
        name: 'n1',
        alive: false,
        ready: false,
        leaving: true,
        aliveForSec: 1.5,
        unable: ['2001:db8::'],
        interfaces: [{ name: 'eth0', addresses: ['192.0.2.11/24'], defaultRoute: ['IPv4'] }],
      },
    ],
    owners: [{ address: '2001:db8::1', node: 'n1' }],
    conflicts: [{ address: '192.0.2.70', mac: '02:00:00:00:00:99' }],
  });
});

test.each<readonly [unknown, readonly string[]]>([
  [null, ['state file']],
  [[], ['state file']],
  [{ nodes: {} }, ['nodes']],
  [{ nodes: [{}] }, ['nodes[0].name']],
  [{ nodes: [{ name: 'n', alive: 'yes', ready: 1 }] }, ['nodes[0].alive', 'nodes[0].ready']],
  [{ nodes: [{ name: 'n', aliveForSec: -1 }] }, ['nodes[0].aliveForSec']],
  [{ nodes: [{ name: 'n', aliveFor: 1, x: 2 }] }, ['nodes[0].aliveFor', 'nodes[0].x']],
  [{ nodes: [{ name: 'n', unable: ['x'] }] }, ['nodes[0].unable[0]']],
  [
    { nodes: [{ name: 'n', interfaces: [{ name: 'a', addresses: ['192.0.2.1'] }] }] },
    ['nodes[0].interfaces[0].addresses[0]'],
  ],
  [
    { nodes: [{ name: 'n', interfaces: [{ name: 'a', defaultRoute: ['ipv4'] }] }] },
    ['nodes[0].interfaces[0].defaultRoute[0]'],
  ],
  [{ nodes: [{ name: 'n' }, { name: 'm' }, { name: 'n' }] }, ['nodes[2].name']],
  [{ owners: [{ address: '192.0.2.1' }] }, ['owners[0].node']],
  [
    {
      owners: [
        { address: '::1', node: 'a' },
        { address: '0::1', node: 'b' },
      ],
    },
    ['owners[1].address'],
  ],
  [{ conflicts: [{ address: '192.0.2.1', mac: '0200.0000.0099' }] }, ['conflicts[0].mac']],
])('%j is refused at %j', (document, paths) => {
  const { problems } = decodeStateFile(document);
  expect(problems?.map(({ path }) => path)).toEqual(paths);
});
