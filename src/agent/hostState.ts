/**
 * This host as it is now, read again whenever the kernel says that an address or a default route
 * came or went.
 */
import type { DummyNews, HostObserver } from '../dataplane/dataplane.ts';
import { asProgrammable } from '../inputs/host.ts';
import type { IptablesTools } from '../kernel/iptablesBackend.ts';
import { withApiServers } from '../model/apiServers.ts';
import { type HostNetwork, sameHost } from '../model/host.ts';
import type { Address } from '../net/address.ts';
import type { Conditions } from '../ops/conditions.ts';
import { HOST_UNREAD } from './conditions.ts';

export interface HostStateParts {
  readonly observer: HostObserver;
  readonly tools: Pick<IptablesTools, 'families'>;
  /** of other machines; no Service gets one here */
  readonly heldBack: () => readonly Address[];
  /** it is another now, in something that decisions depend on */
  readonly onChange: (host: HostNetwork, before: HostNetwork) => void;
  readonly onDummy: (news: DummyNews) => void;
  readonly onWarning: (warning: string) => void;
  readonly conditions: Pick<Conditions, 'set' | 'clear'>;
  readonly nodeName: string;
}

const NO_IP6TABLES =
  'ip6tables was not found in PATH: nothing is proxied over IPv6 here; install the package iptables';

export class HostState {
  readonly #parts: HostStateParts;
  #host: HostNetwork | undefined;
  #reading: Promise<void> = Promise.resolve();
  #stopWatching: () => Promise<void> = () => Promise.resolve();

  constructor(parts: HostStateParts) {
    this.#parts = parts;
  }

  /** After {@link open}. */
  get now(): HostNetwork {
    return this.#host!;
  }

  /** @throws KernelError */
  async open(): Promise<void> {
    const { observer, tools, onWarning } = this.#parts;
    const read = await observer.read();
    const host = asProgrammable(read, tools);
    if (host.families.length < read.families.length) onWarning(NO_IP6TABLES);
    this.#host = this.#withHeldBack(host);
  }

  /** @throws KernelError */
  async watch(): Promise<void> {
    const { observer, onDummy } = this.#parts;
    this.#stopWatching = await observer.watch(() => {
      this.#reading = this.#reading.then(() => this.#readAgain());
    }, onDummy);
  }

  async close(): Promise<void> {
    await this.#stopWatching();
    await this.#reading;
  }

  /** Other addresses are held back now. */
  review(): void {
    if (this.#host !== undefined) this.#take(this.#host);
  }

  async #readAgain(): Promise<void> {
    const { observer, tools, conditions, nodeName } = this.#parts;
    try {
      this.#take(asProgrammable(await observer.read(), tools));
      conditions.clear(HOST_UNREAD, nodeName);
    } catch (error) {
      const message = 'addresses of this node could not be read again';
      conditions.set(HOST_UNREAD, nodeName, { message, error });
    }
  }

  #take(observed: HostNetwork): void {
    const before = this.#host!;
    const host = this.#withHeldBack(observed);
    if (sameHost(host, before)) return;
    this.#host = host;
    this.#parts.onChange(host, before);
  }

  #withHeldBack(host: HostNetwork): HostNetwork {
    return withApiServers({ ...host, apiServerAddresses: [] }, this.#parts.heldBack());
  }
}
