import { expect, test } from '@jest/globals';
import { askedAddresses, FRONTEND_KINDS } from '../../../src/desired/frontendKinds.ts';
import type { ServicePort } from '../../../src/model/servicePort.ts';

const port = {
  family: 'IPv4',
  port: 80,
  nodePort: 30_080,
  clusterIP: '10.96.0.10',
  externalIPs: ['198.51.100.1', '198.51.100.2'],
  loadBalancerIPs: ['203.0.113.1'],
} as unknown as ServicePort;
const node = { IPv4: ['192.168.0.1'], IPv6: ['fd00::1'] };

test('a port asks for each of its addresses once, with the number that it has there', () => {
  expect(askedAddresses(port, node)).toEqual([
    { kind: 'clusterIP', addresses: ['10.96.0.10'], port: 80 },
    { kind: 'externalIP', addresses: ['198.51.100.1', '198.51.100.2'], port: 80 },
    { kind: 'loadBalancer', addresses: ['203.0.113.1'], port: 80 },
    { kind: 'nodePort', addresses: ['192.168.0.1'], port: 30_080 },
  ]);
});

test('without a nodePort it asks for none of the node, and every kind of frontend is asked for', () => {
  const asked = askedAddresses({ ...port, nodePort: 0 }, node);
  expect(asked.find(({ kind }) => kind === 'nodePort')?.addresses).toEqual([]);
  expect(asked.map(({ kind }) => kind).toSorted()).toEqual(Object.keys(FRONTEND_KINDS).toSorted());
});
