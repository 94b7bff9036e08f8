import { expect, test } from '@jest/globals';
import { nodeNameOf } from '../../../src/config/nodeName.ts';

test.each([
  ['', 'Host.Example', 'host.example'],
  [' Node-1 ', 'host', 'node-1'],
  ['  ', ' host ', 'host'],
  ['', '', undefined],
])('override %j on host %j is %j', (override, hostname, name) => {
  expect(nodeNameOf(override, hostname)).toBe(name);
});
