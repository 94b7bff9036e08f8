import path from 'node:path';
import { expect, test } from '@jest/globals';
import { LOCK_FOLDER } from '../../../src/node/writerLock.ts';
import type { Destination } from '../../../src/dataplane/state.ts';
import { AGENT_SOCKET, serverLine, serviceFilter } from '../../../src/localserver/serverLines.ts';

const SERVICES = ['shop/web:http', 'shop/web', 'shop/web2:http', 'bank/web:http'];

test.each<[namespace: string | null, name: string | null, found: string[]]>([
  [null, null, SERVICES],
  ['shop', null, ['shop/web:http', 'shop/web', 'shop/web2:http']],
  [null, 'web', ['shop/web:http', 'shop/web', 'bank/web:http']],
  ['shop', 'web', ['shop/web:http', 'shop/web']],
  ['sho', 'web', []],
  ['shop', 'we', []],
])('namespace %s and Service %s select %j', (namespace, name, found) => {
  expect(SERVICES.filter(serviceFilter(namespace, name))).toEqual(found);
});

test('a line names server, Service and endpoints, and leaves out what is not known', () => {
  const spec = {
    address: 'fd00::1',
    port: 53,
    protocol: 'UDP',
    scheduler: 'rr',
    flags: [],
  } as const;
  const known = {
    address: '10.244.1.5',
    port: 53,
    weight: 1,
    endpoint: 'shop/web-1#0',
    target: 'Pod/shop/web-x',
    node: 'node-1',
  };
  const destinations = new Map<string, Destination>([
    ['10.244.1.5:53', known],
    ['10.244.1.6:53', { address: '10.244.1.6', port: 53, weight: 0 }],
  ]);
  expect(serverLine({ ...spec, destinations }, 'shop/web:dns')).toEqual({
    server: '[fd00::1]:53/UDP',
    service: 'shop/web:dns',
    destinations: [
      {
        destination: '10.244.1.5:53',
        endpoint: 'shop/web-1#0',
        target: 'Pod/shop/web-x',
        node: 'node-1',
      },
      { destination: '10.244.1.6:53' },
    ],
  });
});

test('the socket is where other programs of the node look: in the folder that the chart mounts', () => {
  expect(AGENT_SOCKET).toBe('/run/kube-ipvs/agent.sock');
  expect(path.dirname(AGENT_SOCKET)).toBe(LOCK_FOLDER);
});
