import { expect, test } from '@jest/globals';
import { KnownHost } from '../../../../src/loadbalancer/responder/knownHost.ts';
import { familyOf } from '../../../../src/net/address.ts';
import { ByteWriter } from '../../../../src/net/bytes.ts';
import * as c from '../../../../src/netlink/constants.ts';
import { MessageCursor } from '../../../../src/netlink/message.ts';
import { decodeRouteEvent, type RouteEvent } from '../../../../src/netlink/rtnl.ts';
import { encodeAddress, type InterfaceAddress } from '../../../../src/netlink/rtnlAddresses.ts';
import { encodeLink, type Link } from '../../../../src/netlink/rtnlLinks.ts';
import { encodeRoute, type Route } from '../../../../src/netlink/rtnlRoutes.ts';

type Encode = (out: ByteWriter) => void;

const head = (type: number) => ({ type, flags: 0, sequence: 0 });
const link =
  (type: number, fields: Partial<Link> = {}): Encode =>
  (out) =>
    encodeLink(out, head(type), {
      index: 2,
      name: 'eth0',
      flags: c.IFF_UP,
      hardwareType: 1,
      ...fields,
    });
const addressOf =
  (type: number, text: string, fields: Partial<InterfaceAddress> = {}): Encode =>
  (out) =>
    encodeAddress(out, head(type), {
      family: familyOf(text),
      index: 2,
      address: text,
      prefixLength: 24,
      scope: 0,
      flags: 0,
      ...fields,
    });
const route =
  (type: number, fields: Partial<Route> = {}): Encode =>
  (out) =>
    encodeRoute(out, head(type), {
      family: 'IPv4',
      destinationLength: 0,
      table: c.RT_TABLE_MAIN,
      protocol: 4,
      scope: 0,
      type: c.RTN_UNICAST,
      nextHops: [{ outInterface: 2, gateway: '192.0.2.1' }],
      ...fields,
    });

const DUMMY: Partial<Link> = { index: 3, name: 'kube-ipvs0', flags: 0 };

/** What came of each: undefined where it was not even decoded. */
function hear(host: KnownHost, ...all: readonly Encode[]) {
  return all.map((encode) => {
    const message = cursor(encode);
    return host.isWanted(message) ? host.apply(decodeRouteEvent(message)!) : undefined;
  });
}

function cursor(encode: Encode): MessageCursor {
  const out = new ByteWriter();
  encode(out);
  const message = new MessageCursor(out.written());
  message.next();
  return message;
}

const event = (encode: Encode): RouteEvent => decodeRouteEvent(cursor(encode))!;

function seen(host: KnownHost): string[] {
  const { links, addresses, routes } = host.tables;
  return [
    ...links.map(({ name }) => name),
    ...addresses.map(({ index, address, prefixLength }) => `${index} ${address}/${prefixLength}`),
    ...routes.map(({ family }) => `default ${family}`),
  ];
}

function known(...all: readonly Encode[]): KnownHost {
  const host = new KnownHost();
  const events = all.map(event);
  host.replace({
    links: events.flatMap((each) => (each.kind === 'link' ? [each.link] : [])),
    addresses: events.flatMap((each) => (each.kind === 'address' ? [each.address] : [])),
    routes: events.flatMap((each) => (each.kind === 'route' ? [each.route] : [])),
  });
  return host;
}

test('links and addresses come, change and go as they are told', () => {
  const host = known(link(c.RTM_NEWLINK));
  expect(
    hear(
      host,
      link(c.RTM_NEWLINK, { index: 4, name: 'eth1' }),
      link(c.RTM_NEWLINK, { index: 4, name: 'lan1' }),
      addressOf(c.RTM_NEWADDR, '192.0.2.11'),
      addressOf(c.RTM_NEWADDR, '192.0.2.11', { prefixLength: 16 }),
      addressOf(c.RTM_NEWADDR, '198.51.100.7', { index: 4 }),
    ),
  ).toEqual(['changed', 'changed', 'changed', 'changed', 'changed']);
  expect(seen(host)).toEqual([
    'eth0',
    'lan1',
    '2 192.0.2.11/24',
    '2 192.0.2.11/16',
    '4 198.51.100.7/24',
  ]);
  hear(host, addressOf(c.RTM_DELADDR, '192.0.2.11'), link(c.RTM_DELLINK, { index: 4 }));
  expect(seen(host)).toEqual(['eth0', '2 192.0.2.11/16']);
});

test('our own addresses and their routes are not even decoded', () => {
  const host = known(link(c.RTM_NEWLINK), link(c.RTM_NEWLINK, DUMMY));
  const local = { destination: '10.96.0.1', destinationLength: 32, table: c.RT_TABLE_LOCAL };
  expect(
    hear(
      host,
      addressOf(c.RTM_NEWADDR, '10.96.0.1', { index: 3 }),
      route(c.RTM_NEWROUTE, local),
      addressOf(c.RTM_DELADDR, '10.96.0.1', { index: 3 }),
    ),
  ).toEqual([undefined, undefined, undefined]);
  // As another device it may come back with another number.
  hear(
    host,
    link(c.RTM_DELLINK, DUMMY),
    link(c.RTM_NEWLINK, { ...DUMMY, index: 9 }),
    addressOf(c.RTM_NEWADDR, '10.96.0.1', { index: 9 }),
    link(c.RTM_NEWLINK, { index: 3, name: 'eth3' }),
    addressOf(c.RTM_NEWADDR, '203.0.113.1', { index: 3 }),
  );
  expect(seen(host)).toEqual(['eth0', 'kube-ipvs0', 'eth3', '3 203.0.113.1/24']);
});

test('addresses that are listed of our own device are left out', () => {
  const host = known(
    link(c.RTM_NEWLINK),
    link(c.RTM_NEWLINK, DUMMY),
    addressOf(c.RTM_NEWADDR, '10.96.0.1', { index: 3 }),
    addressOf(c.RTM_NEWADDR, '192.0.2.11'),
  );
  expect(seen(host)).toEqual(['eth0', 'kube-ipvs0', '2 192.0.2.11/24']);
});

test('a default route that comes or goes asks for the routes to be read again, another does not', () => {
  const host = known(link(c.RTM_NEWLINK));
  expect(
    hear(
      host,
      route(c.RTM_NEWROUTE),
      route(c.RTM_DELROUTE, { family: 'IPv6', nextHops: [{ outInterface: 2 }] }),
      route(c.RTM_NEWROUTE, { table: 100 }),
      route(c.RTM_NEWROUTE, { destination: '10.0.0.0', destinationLength: 8 }),
    ),
  ).toEqual(['routes', 'routes', 'none', undefined]);
});

test('so does an interface that goes down or goes and has a default route: the kernel says nothing of it', () => {
  const withRoute = () =>
    known(link(c.RTM_NEWLINK), link(c.RTM_NEWLINK, { index: 4 }), route(c.RTM_NEWROUTE));
  expect(seen(withRoute())).toContain('default IPv4');
  expect(hear(withRoute(), link(c.RTM_NEWLINK, { flags: 0 }))).toEqual(['routes']);
  expect(hear(withRoute(), link(c.RTM_DELLINK))).toEqual(['routes']);
  expect(hear(withRoute(), link(c.RTM_NEWLINK))).toEqual(['changed']);
  expect(hear(withRoute(), link(c.RTM_DELLINK, { index: 4 }))).toEqual(['changed']);
});
