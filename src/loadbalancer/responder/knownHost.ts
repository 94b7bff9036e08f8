/**
 * A node's links, addresses and default routes, kept up to date by what rtnetlink tells: a node has
 * ten thousand addresses on kube-ipvs0, and reading them all again for each change would keep the
 * answers waiting.
 */
import { DUMMY_DEVICE } from '../../dataplane/state.ts';
import * as c from '../../netlink/constants.ts';
import type { MessageCursor } from '../../netlink/message.ts';
import type { RouteEvent } from '../../netlink/rtnl.ts';
import type { InterfaceAddress } from '../../netlink/rtnlAddresses.ts';
import type { Link } from '../../netlink/rtnlLinks.ts';
import { isDefaultRoute, type Route } from '../../netlink/rtnlRoutes.ts';
import type { HostNetworkTables } from './carrierInterfaces.ts';

/** struct rtmsg: rtm_dst_len; struct ifaddrmsg: ifa_index */
const DESTINATION_LENGTH = 1;
const ADDRESS_INDEX = 4;

/** What an event leaves to be done. */
export type Consequence =
  /** nobody asks */
  | 'none'
  /** {@link KnownHost.tables} may be others */
  | 'changed'
  /** and the default routes are to be read again, as a route's event does not say what is left */
  | 'routes';

export class KnownHost {
  readonly #links = new Map<number, Link>();
  /** by the link's index, then by {@link keyOf} */
  readonly #addresses = new Map<number, Map<string, InterfaceAddress>>();
  #routes: readonly Route[] = [];
  #dummyIndex: number | undefined;

  get tables(): HostNetworkTables {
    return {
      links: [...this.#links.values()],
      addresses: [...this.#addresses.values()].flatMap((each) => [...each.values()]),
      routes: this.#routes,
    };
  }

  /** All of it anew, as it was listed. */
  replace({ links, addresses, routes }: HostNetworkTables): void {
    this.#links.clear();
    this.#addresses.clear();
    this.#dummyIndex = undefined;
    for (const link of links) this.#putLink(link);
    for (const address of addresses) this.#putAddress(address);
    this.replaceRoutes(routes);
  }

  replaceRoutes(routes: readonly Route[]): void {
    this.#routes = routes.filter(isDefaultRoute);
  }

  /** By the fixed header alone: each of our own addresses tells of itself and of its route. */
  isWanted({ type, reader, start }: MessageCursor): boolean {
    switch (type) {
      case c.RTM_NEWADDR:
      case c.RTM_DELADDR:
        return reader.i32(start + ADDRESS_INDEX) !== this.#dummyIndex;
      case c.RTM_NEWROUTE:
      case c.RTM_DELROUTE:
        return reader.u8(start + DESTINATION_LENGTH) === 0;
      default:
        return true;
    }
  }

  apply(event: RouteEvent): Consequence {
    switch (event.kind) {
      case 'link':
        return this.#applyLink(event.link, event.change === 'gone');
      case 'address':
        if (event.change === 'new') this.#putAddress(event.address);
        else this.#addresses.get(event.address.index)?.delete(keyOf(event.address));
        return 'changed';
      default:
        return isDefaultRoute(event.route) ? 'routes' : 'none';
    }
  }

  #applyLink(link: Link, isGone: boolean): Consequence {
    if (isGone) {
      this.#links.delete(link.index);
      this.#addresses.delete(link.index);
      if (this.#dummyIndex === link.index) this.#dummyIndex = undefined;
    } else {
      this.#putLink(link);
    }
    // A link that goes down takes its IPv4 routes along without a word.
    return (isGone || (link.flags & c.IFF_UP) === 0) && this.#hasDefaultRoute(link)
      ? 'routes'
      : 'changed';
  }

  #hasDefaultRoute({ index }: Link): boolean {
    return this.#routes.some(({ nextHops }) =>
      nextHops.some(({ outInterface }) => outInterface === index),
    );
  }

  #putLink(link: Link): void {
    this.#links.set(link.index, link);
    if (link.name !== DUMMY_DEVICE) return;
    this.#dummyIndex = link.index;
    this.#addresses.delete(link.index);
  }

  #putAddress(address: InterfaceAddress): void {
    if (address.index === this.#dummyIndex) return;
    const known = this.#addresses.get(address.index) ?? new Map<string, InterfaceAddress>();
    this.#addresses.set(address.index, known.set(keyOf(address), address));
  }
}

/** An interface may have an address several times, with other prefixes. */
const keyOf = ({ address, prefixLength }: InterfaceAddress): string => `${address}/${prefixLength}`;
