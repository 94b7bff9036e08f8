/**
 * What can be done to the dataplane, as values: a plan can be printed, counted, tested and refused
 * before anything happens. Every operation is idempotent in the kernel layer: adding the present
 * and removing the missing succeed there.
 */
import type { Chains, TableName } from './tables.ts';
import type { Destination, IpSet, ServerKey, VirtualServer } from './state.ts';
import { destinationKey, serverKey } from './state.ts';
import type { Address } from '../net/address.ts';
import type { Family } from '../net/family.ts';

/** A virtual server without its destinations: what one netlink message carries. */
export type ServerSpec = Omit<VirtualServer, 'destinations'>;
export type SetSpec = Omit<IpSet, 'entries'>;

export type Operation =
  | { readonly op: 'setSysctl'; readonly name: string; readonly value: string }
  | { readonly op: 'createSet'; readonly set: SetSpec }
  /** create-swap-destroy: another capacity or type, `entries` kept without a gap */
  | { readonly op: 'replaceSet'; readonly set: SetSpec; readonly entries: readonly string[] }
  | { readonly op: 'removeSet'; readonly set: SetSpec }
  | { readonly op: 'addEntry'; readonly set: SetSpec; readonly entry: string }
  | { readonly op: 'removeEntry'; readonly set: SetSpec; readonly entry: string }
  /**
   * makes these chains of ours hold exactly these rules, and our jumps stand in the built-in chains
   */
  | {
      readonly op: 'writeRules';
      readonly family: Family;
      readonly table: TableName;
      readonly chains: Chains;
    }
  /** takes these chains of ours away, and our jumps to them; those that are not there are gone */
  | {
      readonly op: 'removeRules';
      readonly family: Family;
      readonly table: TableName;
      readonly chains: readonly string[];
    }
  | { readonly op: 'createDummyDevice' }
  | { readonly op: 'bindAddress'; readonly address: Address }
  | { readonly op: 'unbindAddress'; readonly address: Address }
  | { readonly op: 'addServer'; readonly server: ServerSpec }
  | { readonly op: 'updateServer'; readonly server: ServerSpec }
  | { readonly op: 'removeServer'; readonly server: ServerSpec }
  | {
      readonly op: 'addDestination';
      readonly server: ServerSpec;
      readonly destination: Destination;
    }
  | {
      readonly op: 'updateDestination';
      readonly server: ServerSpec;
      readonly destination: Destination;
    }
  /**
   * weight 0, then removed at once if it carries no connection, else reported as draining; not for
   * UDP and dh (serverDifference.ts)
   */
  | {
      readonly op: 'drainDestination';
      readonly server: ServerSpec;
      readonly destination: Destination;
    }
  | {
      readonly op: 'removeDestination';
      readonly server: ServerSpec;
      readonly destination: Destination;
    };

export interface FailedOperation {
  readonly operation: Operation;
  readonly error: Error;
}

/**
 * What became of a plan. An executor goes on after a failed operation; only the loop decides about
 * a retry.
 */
export interface ApplyReport {
  /** operations that hold now, in the order they were done */
  readonly done: readonly Operation[];
  readonly failed: readonly FailedOperation[];
  /** destinations of `drainDestination` that still carry connections */
  readonly draining: readonly DrainingDestination[];
  /**
   * writes that reached the kernel: netlink change messages, ipset lines, iptables transactions,
   * sysctl writes
   */
  readonly kernelWrites: number;
}

export interface DrainingDestination {
  readonly server: ServerKey;
  readonly destination: Destination;
  readonly activeConnections: number;
  readonly inactiveConnections: number;
}

/**
 * Identity of what an operation touches, for retry bookkeeping and reports: `server
 * 10.96.0.1:80/TCP`.
 */
export function operationSubject(operation: Operation): string {
  switch (operation.op) {
    case 'setSysctl':
      return `sysctl ${operation.name}`;
    case 'createSet':
    case 'replaceSet':
    case 'removeSet':
      return `set ${operation.set.name}`;
    case 'addEntry':
    case 'removeEntry':
      return `entry ${operation.set.name} ${operation.entry}`;
    case 'writeRules':
      return `rules ${operation.family} ${operation.table}`;
    case 'removeRules':
      return `unused rules ${operation.family} ${operation.table}`;
    case 'createDummyDevice':
      return 'device kube-ipvs0';
    case 'bindAddress':
    case 'unbindAddress':
      return `address ${operation.address}`;
    case 'addServer':
    case 'updateServer':
    case 'removeServer':
      return `server ${serverKey(operation.server)}`;
    default:
      return `destination ${serverKey(operation.server)} -> ${destinationKey(operation.destination)}`;
  }
}
