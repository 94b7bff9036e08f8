import { expect, test } from '@jest/globals';
import type { VirtualServer } from '../../../../src/dataplane/state.ts';
import { addressesIn, ServableBook } from '../../../../src/loadbalancer/announcer/servableBook.ts';

const VIP = '192.0.2.64';

function server(address: string, ...weights: readonly number[]): VirtualServer {
  const destinations = weights.map((weight, i) => {
    const destination = { address: `10.0.0.${i}`, port: 80, weight };
    return [`10.0.0.${i}:80`, destination] as const;
  });
  const at = { address, port: 80, protocol: 'TCP', scheduler: 'rr', flags: [] } as const;
  return { ...at, destinations: new Map(destinations) };
}

test.each([
  ['no virtual server', [], false],
  ['one without destinations', [server(VIP)], false],
  ['one whose destinations all drain', [server(VIP, 0, 0)], false],
  ['one with a destination', [server(VIP, 0, 1)], true],
  ['one of two ports with a destination', [server(VIP), server(VIP, 1)], true],
  ['another address', [server('192.0.2.65', 1)], false],
])('with %s it is servable: %#', (_, servers, isServable) => {
  const book = new ServableBook();
  const { came, went } = book.look(new Set([VIP]), () => true, servers);
  expect(came).toEqual(isServable ? [VIP] : []);
  expect(went).toEqual([]);
});

test('only what is another answer than before is told', () => {
  const book = new ServableBook();
  const look = (...servers: readonly VirtualServer[]) =>
    book.look(new Set([VIP]), () => true, servers);
  look(server(VIP, 1));
  expect(look(server(VIP, 1))).toEqual({ came: [], went: [] });
  expect(look()).toEqual({ came: [], went: [VIP] });
});

test('what is not announced any more is not servable', () => {
  const book = new ServableBook();
  book.look(new Set([VIP]), () => true, [server(VIP, 1)]);
  const { went } = book.look(new Set([VIP]), () => false, [server(VIP, 1)]);
  expect(went).toEqual([VIP]);
});

test('operations concern the addresses of their virtual servers', () => {
  const { destinations: _, ...spec } = server(VIP);
  const operations = [
    { op: 'addServer', server: spec },
    { op: 'bindAddress', address: '192.0.2.70' },
  ] as const;
  expect(addressesIn(operations)).toEqual(new Set([VIP]));
});
