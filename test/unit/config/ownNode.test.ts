import { expect, test } from '@jest/globals';
import { ownNodeProblem } from '../../../src/config/ownNode.ts';
import type { NodeResource } from '../../../src/model/resources.ts';
import { slimNode } from '../../../src/model/slimNode.ts';
import { hostNetwork } from '../../support/objects/nodeFixtures.ts';

const node = (name: string, address: string): [string, NodeResource] => {
  const status = { addresses: [{ type: 'InternalIP', address }] };
  return [name, slimNode({ kind: 'Node', metadata: { name }, status }).object!];
};
const missing = (...nodes: [string, NodeResource][]) =>
  ownNodeProblem({ kind: 'apiServer' }, hostNetwork(), new Map(nodes))?.problem;

test('a Node of this name is all that is asked for, whatever its addresses', () => {
  expect(missing(node('node-2', '192.168.0.1'), node('node-1', '10.0.0.1'))).toBeUndefined();
});

test("a Node that carries this host's address is named, with the flag", () => {
  const nodes = [node('node-1.lan', '10.0.0.9'), node('ip-192-168-0-1', '192.168.0.1')];
  expect(missing(...nodes)).toBe(
    "there is no Node of this name, but Node ip-192-168-0-1 carries this host's address 192.168.0.1: " +
      'give --hostname-override=ip-192-168-0-1',
  );
  expect(missing(node('six', 'fd00:168::1'))).toContain('--hostname-override=six');
});

test('without one, a Node that differs by its domain alone', () => {
  expect(missing(node('node-1.example.com', '10.0.0.9'))).toContain(
    'but there is Node node-1.example.com: give --hostname-override=node-1.example.com if that is this machine',
  );
});

test('without that either, how to give the name', () => {
  for (const nodes of [[], [node('node-10', '10.0.0.9')]])
    expect(missing(...nodes)).toContain(
      "give the name of this machine's Node with --hostname-override",
    );
});

test('manifests without any Node are no cluster that could have this one', () => {
  const outside = (nodes: readonly [string, NodeResource][]) =>
    ownNodeProblem({ kind: 'manifests' }, hostNetwork(), new Map(nodes));
  expect(outside([])).toBeUndefined();
  expect(outside([node('node-2', '10.0.0.9')])).toBeDefined();
});
