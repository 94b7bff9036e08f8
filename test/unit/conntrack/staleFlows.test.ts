import { expect, test } from '@jest/globals';
import { SuspectServers } from '../../../src/conntrack/staleFlows.ts';
import type { Operation } from '../../../src/dataplane/operations.ts';
import type { VirtualServer } from '../../../src/dataplane/state.ts';
import { destinationKey, serverKey } from '../../../src/dataplane/state.ts';
import type { Protocol } from '../../../src/net/family.ts';
import type { ConntrackEntry } from '../../../src/netlink/conntrack.ts';

const VIP = '10.96.0.10';
const LEFT = { address: '10.244.1.5', port: 5353, weight: 1 };
const STAYS = { address: '10.244.1.6', port: 5353, weight: 1 };

function server(protocol: Protocol, destinations = [STAYS], address = VIP): VirtualServer {
  return {
    address,
    port: 53,
    protocol,
    scheduler: 'rr',
    flags: [],
    destinations: new Map(destinations.map((one) => [destinationKey(one), one])),
  };
}

const holding = (...servers: readonly VirtualServer[]) =>
  new Map(servers.map((one) => [serverKey(one), one]));

/** A client's flow to the VIP, and where netfilter sends it. */
function flow(goesTo: { address: string; port: number }, to = VIP, port = 53): ConntrackEntry {
  const client = { address: '10.244.1.20', port: 40_000 };
  return {
    protocol: 17,
    original: {
      source: client.address,
      sourcePort: client.port,
      destination: to,
      destinationPort: port,
    },
    reply: {
      source: goesTo.address,
      sourcePort: goesTo.port,
      destination: client.address,
      destinationPort: client.port,
    },
    id: 1,
    zone: 0,
  };
}

function suspectsAfter(done: readonly Operation[], servers = holding(server('UDP'))) {
  const suspects = new SuspectServers();
  suspects.note({ done }, servers);
  return suspects;
}

const udp = server('UDP');
const removed: Operation = { op: 'removeDestination', server: udp, destination: LEFT };
const added: Operation = { op: 'addServer', server: udp };
const untranslated = flow({ address: VIP, port: 53 });

test('a flow to the removed destination is stale', () => {
  const suspects = suspectsAfter([removed]);
  expect(suspects.frontends).toMatchObject([{ address: VIP, port: 53 }]);
  expect(suspects.isStale(flow(LEFT), holding(udp))).toBe(true);
});

test.each([
  ['to a destination that stays', flow(STAYS)],
  ['to another port of the removed address', flow({ ...LEFT, port: 9999 })],
  ['to another address with the removed port', flow({ ...LEFT, address: '10.244.1.7' })],
  ['to the same port elsewhere', flow(LEFT, '198.51.100.1')],
  ['to another port of the Service', flow(LEFT, VIP, 54)],
  ['that nobody has translated', untranslated],
])('after a removal a flow %s is left alone', (_title, entry) => {
  expect(suspectsAfter([removed]).isStale(entry, holding(udp))).toBe(false);
});

test('a flow older than its virtual server is stale, wherever it goes but to a destination', () => {
  const suspects = suspectsAfter([added]);
  expect(suspects.isStale(untranslated, holding(udp))).toBe(true);
  expect(suspects.isStale(flow(LEFT), holding(udp))).toBe(true);
  expect(suspects.isStale(flow(STAYS), holding(udp))).toBe(false);
});

test('a destination that has come back since is no longer left', () => {
  const now = holding(server('UDP', [STAYS, LEFT]));
  expect(suspectsAfter([removed]).isStale(flow(LEFT), now)).toBe(false);
});

test('a virtual server that has gone since is nobody’s business', () => {
  expect(suspectsAfter([added]).isStale(untranslated, holding())).toBe(false);
});

test('an address that is bound after its virtual server makes that arrive', () => {
  const other = server('UDP', [STAYS], '10.96.0.11');
  const suspects = suspectsAfter([{ op: 'bindAddress', address: VIP }], holding(udp, other));
  expect(suspects.frontends).toMatchObject([{ address: VIP, port: 53 }]);
  expect(suspects.isStale(untranslated, holding(udp))).toBe(true);
});

test('nothing is suspected of TCP, nor of what only changes or comes to a server', () => {
  const tcp = server('TCP');
  const done: Operation[] = [
    { op: 'addServer', server: tcp },
    { op: 'bindAddress', address: VIP },
    { op: 'removeDestination', server: tcp, destination: LEFT },
    { op: 'removeServer', server: udp },
    { op: 'updateServer', server: udp },
    { op: 'addDestination', server: udp, destination: STAYS },
    { op: 'updateDestination', server: udp, destination: STAYS },
  ];
  expect(suspectsAfter(done, holding(udp, tcp)).size).toBe(0);
});
