/**
 * rtnetlink as a stream of things that came or went: what a dump lists and what a multicast group
 * announces alike.
 */
import * as c from './constants.ts';
import type { MessageCursor } from './message.ts';
import { decodeAddress, type InterfaceAddress } from './rtnlAddresses.ts';
import { decodeLink, type Link } from './rtnlLinks.ts';
import { decodeRoute, type Route } from './rtnlRoutes.ts';

export type RouteEvent =
  | { readonly kind: 'link'; readonly change: 'new' | 'gone'; readonly link: Link }
  | {
      readonly kind: 'address';
      readonly change: 'new' | 'gone';
      readonly address: InterfaceAddress;
    }
  | { readonly kind: 'route'; readonly change: 'new' | 'gone'; readonly route: Route };

/**
 * `new` also means changed. @returns undefined for kinds that we do not read, for routes of other
 * families, and for links as a family sees them: a port that leaves its bridge is told as a link
 * that went
 */
export function decodeRouteEvent(message: MessageCursor): RouteEvent | undefined {
  switch (message.type) {
    case c.RTM_NEWLINK:
    case c.RTM_DELLINK:
      if (familyIn(message) !== c.AF_UNSPEC) return undefined;
      return { kind: 'link', change: changeOf(message, c.RTM_NEWLINK), link: decodeLink(message) };
    case c.RTM_NEWADDR:
    case c.RTM_DELADDR:
      return {
        kind: 'address',
        change: changeOf(message, c.RTM_NEWADDR),
        address: decodeAddress(message),
      };
    case c.RTM_NEWROUTE:
    case c.RTM_DELROUTE:
      if (!isInternet(message)) return undefined;
      return {
        kind: 'route',
        change: changeOf(message, c.RTM_NEWROUTE),
        route: decodeRoute(message),
      };
    default:
      return undefined;
  }
}

function changeOf(message: MessageCursor, newType: number): 'new' | 'gone' {
  return message.type === newType ? 'new' : 'gone';
}

/** Multicast routing tables announce themselves in the same groups. */
function isInternet(message: MessageCursor): boolean {
  const family = familyIn(message);
  return family === c.AF_INET || family === c.AF_INET6;
}

function familyIn(message: MessageCursor): number {
  return message.reader.u8(message.start);
}
