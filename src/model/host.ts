/**
 * What this machine looks like from the network's side: the values that the kernel (or `--host
 * host.yaml`) reports.
 */
import type { Address } from '../net/address.ts';
import type { Family } from '../net/family.ts';

export interface HostInterface {
  readonly name: string;
  readonly isUp: boolean;
  /** `address/length`, canonical address with its own prefix length, host bits kept */
  readonly addresses: readonly string[];
}

export interface HostNetwork {
  readonly nodeName: string;
  /** the dummy device is never in it */
  readonly interfaces: readonly HostInterface[];
  readonly defaultGateways: readonly Address[];
  /** families that this host can program */
  readonly families: readonly Family[];
  /** `6.1.0`, for sysctls whose right value depends on it */
  readonly kernelVersion: string;
  readonly hasRandomFully: boolean;
  /** addresses of the API server that this process talks to; never bound */
  readonly apiServerAddresses: readonly Address[];
}

/**
 * Whether nothing that a decision depends on differs. Whether a link is up, its name, and links
 * without an address are for people to read: they change with every pod that starts.
 */
export function sameHost(a: HostNetwork, b: HostNetwork): boolean {
  return JSON.stringify(essence(a)) === JSON.stringify(essence(b));
}

function essence({ interfaces, ...host }: HostNetwork): unknown {
  return { ...host, addresses: interfaces.flatMap(({ addresses }) => addresses).toSorted() };
}
