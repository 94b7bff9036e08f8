import { describe, expect, test } from '@jest/globals';
import { NodeFacts } from '../../../src/cluster/nodeFacts.ts';
import { parseNodeTable } from '../../../src/cluster/nodeLook.ts';

/** As kube-apiserver 1.37.2 sends it, fewer columns and rows. */
const table = {
  kind: 'Table',
  apiVersion: 'meta.k8s.io/v1',
  metadata: { resourceVersion: '259' },
  columnDefinitions: [
    { name: 'Name', type: 'string', format: 'name', priority: 0 },
    { name: 'Status', type: 'string', format: '', priority: 0 },
    { name: 'Internal-IP', type: 'string', format: '', priority: 1 },
    { name: 'External-IP', type: 'string', format: '', priority: 1 },
  ],
  rows: [
    { cells: ['worker-0', 'Ready', '198.19.0.0', '<none>'], object: null },
    { cells: ['worker-1', 'NotReady', 'FD00::1', '203.0.113.7'], object: null },
    { cells: ['worker-2', 'Unknown', '<none>', '<none>'], object: null },
  ],
};

describe('a table of Nodes', () => {
  test('is read by the names of its columns, addresses in canonical form', () => {
    const expected = [
      { name: 'worker-0', internalAddress: '198.19.0.0', externalAddress: undefined },
      { name: 'worker-1', internalAddress: 'fd00::1', externalAddress: '203.0.113.7' },
      { name: 'worker-2', internalAddress: undefined, externalAddress: undefined },
    ];
    expect(parseNodeTable(table)).toEqual(expected);
    const turned = {
      ...table,
      columnDefinitions: table.columnDefinitions.toReversed(),
      rows: table.rows.map(({ cells }) => ({ cells: cells.toReversed() })),
    };
    expect(parseNodeTable(turned)).toEqual(expected);
  });

  test.each([
    ['a list of Nodes', { kind: 'NodeList', items: [] }],
    ['one without addresses', { ...table, columnDefinitions: table.columnDefinitions.slice(0, 2) }],
    ['one without columns', { ...table, columnDefinitions: null }],
    ['no object at all', 'Table'],
  ])('%s is none', (_, body) => {
    expect(parseNodeTable(body)).toBeUndefined();
  });

  test('may be empty, and a row that is none is left out', () => {
    expect(parseNodeTable({ ...table, rows: null })).toEqual([]);
    expect(parseNodeTable({ ...table, rows: [null, { cells: 1 }, { cells: [1] }] })).toEqual([]);
  });
});

describe('a row is as the Node was read', () => {
  const facts = new NodeFacts();
  const read = (name: string, addresses: string[], externalAddresses: string[] = []) =>
    facts.set({ name, addresses, externalAddresses, podCIDRs: [], isLeaving: false });
  read('one', ['192.0.2.1', 'fd00::1']);
  read('both', ['192.0.2.1', '203.0.113.1'], ['203.0.113.1']);
  read('same', ['203.0.113.1']);
  read('outside', ['203.0.113.1'], ['203.0.113.1']);
  read('none', []);

  test.each([
    ['one', '192.0.2.1', undefined, true],
    ['one', 'fd00::1', undefined, true],
    ['one', '192.0.2.2', undefined, false],
    ['one', undefined, undefined, false],
    ['one', '192.0.2.1', '203.0.113.1', false],
    ['both', '192.0.2.1', '203.0.113.1', true],
    ['both', '192.0.2.1', undefined, false],
    ['both', undefined, '203.0.113.1', false],
    // An address of both types is kept as internal.
    ['same', '203.0.113.1', '203.0.113.1', true],
    ['outside', undefined, '203.0.113.1', true],
    ['none', undefined, undefined, true],
    ['none', '192.0.2.1', undefined, false],
    ['nobody', undefined, undefined, false],
  ])('%s, %s, %s: %s', (name, internalAddress, externalAddress, isAs) => {
    expect(facts.isAs({ name, internalAddress, externalAddress })).toBe(isAs);
  });
});
