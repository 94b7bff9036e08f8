/**
 * The interfaces that may carry announcements, told at each change, within 20 ms of rtnetlink's
 * notice. Nothing is polled.
 */
import type { OpenSocket } from '../../kernel/addon.ts';
import { openSocket } from '../../kernel/addon.ts';
import { HostTables } from '../../kernel/hostTables.ts';
import { RouteEvents } from '../../kernel/routeEvents.ts';
import { sameValue } from '../../model/sameValue.ts';
import type { RouteEvent } from '../../netlink/rtnl.ts';
import type { Clock } from '../../time/clock.ts';
import {
  type CarrierInterface,
  carrierInterfaces,
  type CarrierRules,
} from '../responder/carrierInterfaces.ts';
import { KnownHost } from '../responder/knownHost.ts';

/** A link that comes up tells of itself, its addresses and its routes one by one. */
const DEBOUNCE_MS = 20;
/** Before the kernel is asked again that refused. */
const RETRY_MS = 1000;

export interface InterfaceWatchOptions extends CarrierRules {
  readonly clock: Clock;
  /** first before `open` resolves, then at each change */
  readonly onInterfaces: (interfaces: readonly CarrierInterface[]) => void;
  /** the kernel cannot be asked; undefined: it can again */
  readonly onFailure: (error: unknown) => void;
}

/** What is to be read again, from the least to the most. */
type Stale = 'nothing' | 'routes' | 'everything';

export class InterfaceWatch {
  readonly #options: InterfaceWatchOptions;
  readonly #tables: HostTables;
  readonly #events: RouteEvents;
  readonly #host = new KnownHost();
  #told: readonly CarrierInterface[] = [];
  #stale: Stale = 'everything';
  /** while everything is read: what the lists may not know yet */
  #heardMeanwhile: RouteEvent[] | undefined;
  #isScheduled = false;
  #cancel = (): void => undefined;
  #reading: Promise<void> = Promise.resolve();
  #isFailing = false;
  #isClosed = false;

  private constructor(options: InterfaceWatchOptions, open: OpenSocket) {
    this.#options = options;
    // Listening comes first, so that no change falls between the list and the first notification.
    this.#events = new RouteEvents({}, open, {
      isWanted: (message) => this.#host.isWanted(message),
      onEvent: (event) => this.#hear(event),
      onLoss: () => {
        this.#stale = 'everything';
        this.#schedule(DEBOUNCE_MS);
      },
    });
    this.#tables = new HostTables({}, open);
  }

  /** @throws KernelError */
  static async open(
    options: InterfaceWatchOptions,
    open: OpenSocket = openSocket,
  ): Promise<InterfaceWatch> {
    const watch = new InterfaceWatch(options, open);
    try {
      await watch.#read();
    } catch (error) {
      await watch.close();
      throw error;
    }
    watch.#tell(true);
    return watch;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancel();
    this.#tables.close();
    await this.#events.stop();
    await this.#reading;
  }

  #hear(event: RouteEvent): void {
    this.#heardMeanwhile?.push(event);
    const consequence = this.#host.apply(event);
    if (consequence === 'none') return;
    if (consequence === 'routes' && this.#stale === 'nothing') this.#stale = 'routes';
    this.#schedule(DEBOUNCE_MS);
  }

  #schedule(ms: number): void {
    if (this.#isScheduled || this.#isClosed) return;
    this.#isScheduled = true;
    this.#cancel = this.#options.clock.after(ms, () => {
      this.#isScheduled = false;
      this.#reading = this.#reading.then(() => this.#refresh());
    });
  }

  async #refresh(): Promise<void> {
    try {
      await this.#read();
    } catch (error) {
      if (this.#isClosed) return;
      this.#isFailing = true;
      this.#options.onFailure(error);
      this.#schedule(RETRY_MS);
      return;
    }
    if (this.#isFailing) this.#options.onFailure(undefined);
    this.#isFailing = false;
    this.#tell(false);
  }

  async #read(): Promise<void> {
    const stale = this.#stale;
    this.#stale = 'nothing';
    try {
      if (stale === 'routes') this.#host.replaceRoutes(await this.#tables.mainRoutes());
      if (stale === 'everything') await this.#readEverything();
    } catch (error) {
      this.#stale = stale;
      throw error;
    }
  }

  async #readEverything(): Promise<void> {
    const heard: RouteEvent[] = [];
    this.#heardMeanwhile = heard;
    try {
      const links = await this.#tables.links();
      const addresses = await this.#tables.addresses();
      this.#host.replace({ links, addresses, routes: await this.#tables.mainRoutes() });
    } finally {
      this.#heardMeanwhile = undefined;
    }
    // Told again, what the lists know already changes nothing.
    for (const event of heard) this.#host.apply(event);
  }

  #tell(isFirst: boolean): void {
    if (this.#isClosed) return;
    const now = carrierInterfaces(this.#host.tables, this.#options);
    if (!isFirst && sameValue(now, this.#told)) return;
    this.#told = now;
    this.#options.onInterfaces(now);
  }
}
