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
import { FAMILIES } from '../net/family.ts';
import * as c from '../netlink/constants.ts';
import type { InterfaceAddress } from '../netlink/rtnlAddresses.ts';
import type { Link } from '../netlink/rtnlLinks.ts';
import { isDefaultRoute, type Route } from '../netlink/rtnlRoutes.ts';
import type { DummyNews, HostObserver } from '../dataplane/dataplane.ts';
import { type OpenSocket, openSocket } from './addon.ts';
import type { NamespaceOptions } from './genlFamily.ts';
import { HostTables } from './hostTables.ts';
import { HostWatch } from './hostWatch.ts';

export interface HostObserverOptions extends NamespaceOptions {
  readonly nodeName: string;
  /** iptables is 1.6.2 or newer */
  readonly hasRandomFully: boolean;
  readonly apiServerAddresses: readonly Address[];
}

export class KernelHostObserver implements HostObserver {
  readonly #options: HostObserverOptions;
  readonly #open: OpenSocket;
  readonly #tables: HostTables;

  constructor(options: HostObserverOptions, open: OpenSocket = openSocket) {
    this.#options = options;
    this.#open = open;
    this.#tables = new HostTables(options, open);
  }

  async read(): Promise<HostNetwork> {
    const links = await this.#tables.links();
    const addresses = await this.#tables.addresses();
    const { nodeName, hasRandomFully, apiServerAddresses } = this.#options;
    return {
      nodeName,
      interfaces: interfacesOf(links, addresses),
      defaultGateways: gatewaysOf(await this.#tables.mainRoutes()),
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
    const watch = new HostWatch(this.#options, this.#open, { onChange, onDummy });
    // Listening comes first, so that no change falls between the list and the first notification.
    try {
      watch.know(await this.#tables.links());
    } catch (error) {
      await watch.stop();
      throw error;
    }
    return () => watch.stop();
  }

  /** Ends reading; watches are stopped by the function that watch returned. */
  close(): void {
    this.#tables.close();
  }
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
