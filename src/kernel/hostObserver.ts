/**
 * What the node looks like from the network's side, read over rtnetlink and watched for change. It
 * reports what there is, all of it but the dummy device; which addresses serve NodePorts or must
 * not be bound is decided in desired/.
 */
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { DUMMY_DEVICE } from '../dataplane/state.ts';
import type { HostInterface, HostNetwork } from '../model/host.ts';
import type { Address } from '../net/address.ts';
import { FAMILIES, type Family } from '../net/family.ts';
import * as c from '../netlink/constants.ts';
import {
  decodeAddress,
  encodeDumpAddresses,
  type InterfaceAddress,
} from '../netlink/rtnlAddresses.ts';
import { decodeLink, encodeDumpLinks, type Link } from '../netlink/rtnlLinks.ts';
import {
  decodeRoute,
  encodeDumpRoutes,
  isDefaultRoute,
  type Route,
} from '../netlink/rtnlRoutes.ts';
import type { DummyNews, HostObserver } from '../dataplane/dataplane.ts';
import { type OpenSocket, openSocket } from './addon.ts';
import { hasCode } from './errors.ts';
import type { NamespaceOptions } from './genlFamily.ts';
import { HostWatch } from './hostWatch.ts';
import { type NetlinkRequest, NetlinkSocket } from './netlinkSocket.ts';

export interface HostObserverOptions extends NamespaceOptions {
  readonly nodeName: string;
  /** iptables is 1.6.2 or newer */
  readonly hasRandomFully: boolean;
  readonly apiServerAddresses: readonly Address[];
}

export class KernelHostObserver implements HostObserver {
  readonly #options: HostObserverOptions;
  readonly #open: OpenSocket;
  readonly #socket: NetlinkSocket;

  constructor(options: HostObserverOptions, open: OpenSocket = openSocket) {
    this.#options = options;
    this.#open = open;
    const strict = { ...namespaceOf(options), protocol: c.NETLINK_ROUTE, strictCheck: true };
    this.#socket = new NetlinkSocket(strict, open);
  }

  async read(): Promise<HostNetwork> {
    const links = await this.#listLinks();
    const addresses = await this.#listAddresses();
    const { nodeName, hasRandomFully, apiServerAddresses } = this.#options;
    return {
      nodeName,
      interfaces: interfacesOf(links, addresses),
      defaultGateways: gatewaysOf(await this.#listMainRoutes()),
      families: isIpv6Enabled() ? FAMILIES : ['IPv4'],
      kernelVersion: release(),
      hasRandomFully,
      apiServerAddresses,
    };
  }

  async watch(
    onChange: () => void,
    onDummy: (news: DummyNews) => void,
  ): Promise<() => Promise<void>> {
    const watch = new HostWatch(namespaceOf(this.#options), this.#open, { onChange, onDummy });
    // Listening comes first, so that no change falls between the list and the first notification.
    try {
      watch.know(await this.#listLinks());
    } catch (error) {
      await watch.stop();
      throw error;
    }
    return () => watch.stop();
  }

  /** Ends reading; watches are stopped by the function that watch returned. */
  close(): void {
    this.#socket.close();
  }

  async #listLinks(): Promise<readonly Link[]> {
    const [links = []] = await this.#socket.dump(
      'list network devices',
      [{ encode: encodeDumpLinks }],
      decodeLink,
    );
    return links;
  }

  async #listAddresses(): Promise<readonly InterfaceAddress[]> {
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

  async #listMainRoutes(): Promise<readonly Route[]> {
    const lists = await Promise.all(FAMILIES.map((family) => this.#listRoutesOf(family)));
    return lists.flat();
  }

  async #listRoutesOf(family: Family): Promise<readonly Route[]> {
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

function namespaceOf({ networkNamespacePath }: NamespaceOptions): NamespaceOptions {
  return networkNamespacePath === undefined ? {} : { networkNamespacePath };
}

function ofFamily<T extends { readonly family: Family }>(one: T, family: Family): T | undefined {
  return one.family === family ? one : undefined;
}

/**
 * In the kernel's order, without the dummy device and without addresses that another host turned
 * out to have.
 */
export function interfacesOf(
  links: readonly Link[],
  addresses: readonly InterfaceAddress[],
): HostInterface[] {
  const byIndex = Map.groupBy(
    addresses.filter(({ flags }) => (flags & c.IFA_F_DADFAILED) === 0),
    ({ index }) => index,
  );
  return links
    .filter(({ name }) => name !== DUMMY_DEVICE)
    .map(({ index, name, flags }) => ({
      name,
      isUp: (flags & c.IFF_UP) !== 0,
      addresses: (byIndex.get(index) ?? []).map(
        ({ address, prefixLength }) => `${address}/${prefixLength}`,
      ),
    }));
}

/** Of the default routes of the main table, each once. */
export function gatewaysOf(routes: readonly Route[]): Address[] {
  const gateways = routes
    .filter(isDefaultRoute)
    .flatMap(({ nextHops }) => nextHops)
    .flatMap(({ gateway }) => (gateway === undefined ? [] : [gateway]));
  return [...new Set(gateways)];
}

/** What a device made now would get; absent without the module. */
function isIpv6Enabled(): boolean {
  try {
    return readFileSync('/proc/sys/net/ipv6/conf/default/disable_ipv6', 'utf8').trim() === '0';
  } catch {
    return false;
  }
}
