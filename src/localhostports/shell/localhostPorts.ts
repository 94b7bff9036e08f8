/**
 * The listeners of nodePorts at loopback addresses: opened and closed until they are those that are
 * wanted; one whose place is taken is tried again.
 */
import { type Address, joinHostPort } from '../../net/address.ts';
import type { Conditions } from '../../ops/conditions.ts';
import type { Clock } from '../../time/clock.ts';
import { EndpointPicker } from '../endpointPicker.ts';
import type { Forward } from '../forward.ts';
import { LOCALHOST_PORT_NOT_SERVED } from './conditions.ts';
import { LocalhostListener, type RelayOutcome } from './listener.ts';
import type { RelayLimit } from './relayLimit.ts';

export interface LocalhostPortsParts {
  readonly addresses: readonly Address[];
  readonly limit: RelayLimit;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly conditions: Pick<Conditions, 'set' | 'clear'>;
  readonly onEnded: (outcome: RelayOutcome) => void;
}

interface Opened {
  readonly listener: LocalhostListener;
  /** of its condition */
  readonly subject: string;
}

export class LocalhostPorts {
  readonly #parts: LocalhostPortsParts;
  #forwards: ReadonlyMap<number, Forward> = new Map();
  /** by nodePort: affinity does not depend on the address */
  readonly #pickers = new Map<number, EndpointPicker>();
  /** by place */
  readonly #opened = new Map<string, Opened>();
  /** what no longer listens and may still have connections */
  readonly #retired = new Set<LocalhostListener>();
  #work: Promise<void> = Promise.resolve();

  constructor(parts: LocalhostPortsParts) {
    this.#parts = parts;
  }

  get listening(): number {
    return [...this.#opened.values()].filter(({ listener }) => listener.isListening).length;
  }

  /** Some wanted place is not listened on. */
  get isIncomplete(): boolean {
    return this.#opened.size < this.#forwards.size * this.#parts.addresses.length;
  }

  /** Never rejects; what cannot be listened on is a condition, and tried again by the next call. */
  want(forwards: ReadonlyMap<number, Forward>): Promise<void> {
    this.#work = this.#work.then(() => this.#settle(forwards));
    return this.#work;
  }

  async close(): Promise<void> {
    await this.#work;
    for (const { listener } of this.#opened.values()) listener.close();
    for (const listener of this.#retired) listener.close();
    this.#opened.clear();
  }

  async #settle(forwards: ReadonlyMap<number, Forward>): Promise<void> {
    this.#forwards = forwards;
    for (const port of this.#pickers.keys()) if (!forwards.has(port)) this.#pickers.delete(port);
    const wanted = new Map(
      [...forwards.values()].flatMap((forward) =>
        this.#parts.addresses.map((address) => {
          const place = joinHostPort(address, forward.nodePort);
          return [place, { address, forward }] as const;
        }),
      ),
    );
    for (const [place, { listener, subject }] of this.#opened) {
      if (wanted.has(place)) continue;
      this.#opened.delete(place);
      this.#parts.conditions.clear(LOCALHOST_PORT_NOT_SERVED, subject);
      this.#retired.add(listener);
      void listener.retire().then(() => this.#retired.delete(listener));
    }
    const missing = [...wanted].filter(([place]) => !this.#opened.has(place));
    await Promise.all(missing.map(([place, each]) => this.#open(place, each)));
  }

  async #open(
    place: string,
    { address, forward }: { readonly address: Address; readonly forward: Forward },
  ): Promise<void> {
    const { clock, conditions, limit, onEnded } = this.#parts;
    const port = forward.nodePort;
    const picker = this.#pickers.get(port) ?? new EndpointPicker(() => clock.monotonicMs());
    this.#pickers.set(port, picker);
    const listener = new LocalhostListener({
      at: { address, port },
      forward: () => this.#forwards.get(port),
      picker,
      limit,
      onEnded,
    });
    const subject = `${forward.label} ${place}`;
    this.#opened.set(place, { listener, subject });
    try {
      await listener.listen();
      conditions.clear(LOCALHOST_PORT_NOT_SERVED, subject);
    } catch (error) {
      if (this.#opened.get(place)?.listener === listener) this.#opened.delete(place);
      const message = `nodePort ${port} of ${forward.label} is not served at ${address}: it cannot be listened on`;
      conditions.set(LOCALHOST_PORT_NOT_SERVED, subject, { message, error });
    }
  }
}
