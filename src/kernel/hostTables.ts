/** What the kernel lists of a node's network over rtnetlink: links, addresses, the main routes. */
import type { Family } from '../net/family.ts';
import { FAMILIES } from '../net/family.ts';
import * as c from '../netlink/constants.ts';
import {
  decodeAddress,
  encodeDumpAddresses,
  type InterfaceAddress,
} from '../netlink/rtnlAddresses.ts';
import { decodeLink, encodeDumpLinks, type Link } from '../netlink/rtnlLinks.ts';
import { decodeRoute, encodeDumpRoutes, type Route } from '../netlink/rtnlRoutes.ts';
import { type OpenSocket, openSocket } from './addon.ts';
import { hasCode } from './errors.ts';
import type { NamespaceOptions } from './genlFamily.ts';
import { type NetlinkRequest, NetlinkSocket } from './netlinkSocket.ts';

/** All of them may throw KernelError. */
export class HostTables {
  readonly #socket: NetlinkSocket;

  constructor({ networkNamespacePath }: NamespaceOptions = {}, open: OpenSocket = openSocket) {
    const namespace = networkNamespacePath === undefined ? {} : { networkNamespacePath };
    const options = { ...namespace, protocol: c.NETLINK_ROUTE, strictCheck: true };
    this.#socket = new NetlinkSocket(options, open);
  }

  async links(): Promise<readonly Link[]> {
    const [links = []] = await this.#socket.dump(
      'list network devices',
      [{ encode: encodeDumpLinks }],
      decodeLink,
    );
    return links;
  }

  async addresses(): Promise<readonly InterfaceAddress[]> {
    const lists = await this.#socket.dump(
      'list addresses of this node',
      FAMILIES.map((family) => ({
        encode: (out, head) => {
          encodeDumpAddresses(out, head, { family });
        },
      })),
      // A kernel without IPv6 answers its dump with everything it has.
      (message, i) => ofFamily(decodeAddress(message), FAMILIES[i]!),
    );
    return lists.flat();
  }

  async mainRoutes(): Promise<readonly Route[]> {
    const lists = await Promise.all(FAMILIES.map((family) => this.#mainRoutesOf(family)));
    return lists.flat();
  }

  close(): void {
    this.#socket.close();
  }

  async #mainRoutesOf(family: Family): Promise<readonly Route[]> {
    const encode: NetlinkRequest['encode'] = (out, head) => {
      encodeDumpRoutes(out, head, { family, table: c.RT_TABLE_MAIN });
    };
    try {
      const [routes = []] = await this.#socket.dump('list routes', [{ encode }], (message) =>
        ofFamily(decodeRoute(message), family),
      );
      return routes;
    } catch (error) {
      // "FIB table does not exist": the kernel makes it with the first route, which at boot may be
      // yet to come.
      if (hasCode(error, 'ENOENT')) return [];
      throw error;
    }
  }
}

function ofFamily<T extends { readonly family: Family }>(one: T, family: Family): T | undefined {
  return one.family === family ? one : undefined;
}
