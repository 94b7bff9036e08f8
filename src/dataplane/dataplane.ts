/**
 * The seam between decisions and the kernel: kernel/ implements it for real,
 * test/support/kernel/fakeKernel.ts in memory.
 */
import type { ActualState } from './state.ts';
import type { ApplyReport, DrainingDestination, Operation } from './operations.ts';
import type { ServerKey } from './state.ts';
import type { HostNetwork } from '../model/host.ts';
import type { Address } from '../net/address.ts';

export interface Dataplane {
  /**
   * everything that is or could be ours, in a few dumps; changes nothing; what cannot be read is
   * `unknown` in it. Maps and sets of its own, which the caller may change; chains excepted, and
   * what is still as in `known`, which may be the same object: so an audit that finds nothing
   * leaves no garbage of the size of a cluster.
   *
   * @param known what the caller knew when it was called; it may change meanwhile
   */
  read(sysctls: readonly string[], known?: KnownState): Promise<ActualState>;
  /** of that the dummy device alone. @throws when it cannot be read */
  readDummy(): Promise<DummyState>;
  /** in the order given; never throws for a failed operation, reports it */
  apply(plan: readonly Operation[]): Promise<ApplyReport>;
  /** live connection counts of every weight-0 destination of these servers */
  connections(servers: readonly ServerKey[]): Promise<readonly DrainingDestination[]>;
  close(): Promise<void>;
}

/** What is large. */
export type KnownState = Pick<ActualState, 'virtualServers' | 'addresses' | 'ipsets'>;

export interface DummyState {
  readonly hasDummyDevice: boolean;
  /** bound to it, without the link-local one that the kernel gives to a device that is up */
  readonly addresses: ReadonlySet<Address>;
}

/** What the kernel has told of the dummy device since the last time, whoever's doing it was. */
export interface DummyNews {
  /** whether each is bound now */
  readonly addresses: ReadonlyMap<Address, boolean>;
  /** it went, with everything on it; it may be there again */
  readonly isDeviceGone: boolean;
}

export interface HostObserver {
  read(): Promise<HostNetwork>;
  /**
   * Both are called debounced.
   *
   * @param onChange an address (not the dummy's) or a default route came or went
   * @param onDummy of the dummy device alone
   * @returns a stop function
   */
  watch(onChange: () => void, onDummy: (news: DummyNews) => void): Promise<() => Promise<void>>;
}
