import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { serverKey, type ServerFlag } from '../../../src/dataplane/state.ts';
import {
  flagNames,
  identityOf,
  identityOfKey,
  readServer,
  toDestinationRequest,
  toServiceRequest,
} from '../../../src/kernel/ipvsServer.ts';
import type { Protocol } from '../../../src/net/family.ts';
import * as c from '../../../src/netlink/constants.ts';
import type { IpvsDestination, IpvsService } from '../../../src/netlink/ipvs.ts';
import type { ServerSpec } from '../../../src/dataplane/operations.ts';

const web: ServerSpec = {
  address: '10.96.0.1',
  port: 80,
  protocol: 'TCP',
  scheduler: 'rr',
  flags: [],
};
const found = (weight: number, forwarding = c.IP_VS_CONN_F_MASQ): IpvsDestination => ({
  ...toDestinationRequest({ address: '10.1.0.1', port: 80, weight }),
  forwarding,
  activeConnections: 0,
  inactiveConnections: 0,
  persistentConnections: 0,
});

test.each<[string, number, string, ServerFlag[]]>([
  ['nothing', 0, 'rr', []],
  ['hashed', c.IP_VS_SVC_F_HASHED, 'rr', []],
  ['all of sh', 0x3f, 'sh', ['flag-3', 'one-packet', 'persistent', 'sh-fallback', 'sh-port']],
  ['mh', 0x18, 'mh', ['mh-fallback', 'mh-port']],
  ['another scheduler', 0x18, 'wlc', ['flag-1', 'flag-2']],
])('names of flags: %s', (_, bits, scheduler, names) => {
  expect(flagNames(bits, scheduler)).toEqual(names);
});

const spec = fc
  .record({
    address: fc.constantFrom('10.96.0.1', 'fd00::1'),
    port: fc.integer({ min: 1, max: 65_535 }),
    protocol: fc.constantFrom<Protocol>('TCP', 'UDP', 'SCTP'),
    scheduler: fc.constantFrom('rr', 'sh', 'mh', 'wlc'),
    bits: fc.integer({ min: 0, max: 0x3f }),
    timeoutSec: fc.integer({ min: 1, max: 86_400 }),
  })
  .map(({ bits, timeoutSec, ...rest }): ServerSpec => {
    const flags = flagNames(bits, rest.scheduler);
    const persistence = flags.includes('persistent') && { persistenceTimeoutSec: timeoutSec };
    return { ...rest, flags, ...persistence };
  });

test('a server that was written reads back equal', () => {
  fc.assert(
    fc.property(spec, (server) => {
      const request = toServiceRequest(server);
      const kept: IpvsService = { ...request, flags: request.flags | c.IP_VS_SVC_F_HASHED };
      const read = readServer(kept, []);
      expect(read).toEqual({ server: { ...server, destinations: new Map() }, foreign: [] });
    }),
  );
});

test('a key and the identity it stands for', () => {
  fc.assert(
    fc.property(spec, (server) => {
      expect(identityOfKey(serverKey(server))).toEqual(identityOf(server));
    }),
  );
  for (const text of ['', '10.0.0.1:80', 'fwmark:7/IPv4', '10.0.0.1:80/ICMP']) {
    expect(identityOfKey(text)).toBeUndefined();
  }
});

test('destinations are keyed by address and port', () => {
  const read = readServer(toServiceRequest(web), [found(0)]);
  const destination = { address: '10.1.0.1', port: 80, weight: 0 };
  expect(read).toMatchObject({
    server: { destinations: new Map([['10.1.0.1:80', destination]]) },
  });
});

test('what cannot be ours in form is named by its key where it has one', () => {
  const settings = { scheduler: 'rr', flags: 2, timeoutSec: 0, netmask: 0xffff_ffff };
  const marked = { family: 'IPv6', fwmark: 7, ...settings } as const;
  expect(readServer(marked, [])).toEqual({ foreign: ['fwmark:7/IPv6'] });
  const other = { ...toServiceRequest(web), protocol: 47 };
  expect(readServer(other, [])).toEqual({ foreign: ['10.96.0.1:80/protocol-47'] });
  const routed = { ...found(1, c.IP_VS_CONN_F_DROUTE), port: 81 };
  const tunneled = found(1, c.IP_VS_CONN_F_TUNNEL);
  expect(readServer(toServiceRequest(web), [routed, tunneled])).toEqual({
    foreign: ['10.96.0.1:80/TCP'],
  });
});

test('a server with one destination of another form is read with its others', () => {
  const routed = { ...found(1, c.IP_VS_CONN_F_DROUTE), port: 81 };
  const { server, foreign } = readServer(toServiceRequest(web), [found(1), routed]);
  expect([...server!.destinations.keys()]).toEqual(['10.1.0.1:80']);
  expect(foreign).toEqual(['10.96.0.1:80/TCP -> 10.1.0.1:81']);
});
