/**
 * Who waits to hear whether anybody has an address (RFC 5227 §2.1.1, RFC 4862 §5.4): the rounds of
 * each question, each of which counts from when it has been sent, and the first answer.
 */
import type { Address } from '../../net/address.ts';
import type { MacAddress } from '../../net/macAddress.ts';
import type { Clock } from '../../time/clock.ts';
import type { Claim } from './frames.ts';

export interface ProbeRounds {
  /** at least 1 */
  readonly count: number;
  /** from one to the next */
  readonly gapMs: number;
  /** after the last one, for an answer */
  readonly waitMs: number;
}

export interface ProbeAnswer {
  readonly mac: MacAddress;
  readonly interfaceName: string;
}

interface Probe {
  readonly address: Address;
  readonly interfaces: ReadonlySet<string>;
  readonly rounds: ProbeRounds;
  readonly resolve: (answer: ProbeAnswer | undefined) => void;
  roundsLeft: number;
  /** interfaces on which this round has not been sent yet */
  unsent: Set<string>;
  cancel: () => void;
}

export class Probes {
  readonly #clock: Pick<Clock, 'after'>;
  readonly #ask: (address: Address, interfaceName: string) => void;
  readonly #waiting = new Map<Address, Set<Probe>>();

  /** @param ask sends one probe, sooner or later, and says so by {@link sent} */
  constructor(clock: Pick<Clock, 'after'>, ask: (address: Address, interfaceName: string) => void) {
    this.#clock = clock;
    this.#ask = ask;
  }

  /** @returns the first answer; undefined: there was none, or nobody to ask */
  start(
    address: Address,
    interfaces: readonly string[],
    rounds: ProbeRounds,
  ): Promise<ProbeAnswer | undefined> {
    if (interfaces.length === 0) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const probe: Probe = {
        address,
        interfaces: new Set(interfaces),
        rounds,
        resolve,
        roundsLeft: rounds.count,
        unsent: new Set(),
        cancel: () => undefined,
      };
      const waiting = this.#waiting.get(address) ?? new Set();
      this.#waiting.set(address, waiting.add(probe));
      this.#next(probe);
    });
  }

  sent(address: Address, interfaceName: string): void {
    for (const probe of this.#waiting.get(address) ?? []) this.#noteSent(probe, interfaceName);
  }

  /** What was to be sent there never will be. */
  interfaceGone(interfaceName: string): void {
    for (const waiting of this.#waiting.values()) {
      for (const probe of waiting) this.#noteSent(probe, interfaceName);
    }
  }

  heard({ address, mac }: Claim, interfaceName: string): void {
    for (const probe of this.#waiting.get(address) ?? []) {
      if (probe.interfaces.has(interfaceName)) this.#end(probe, { mac, interfaceName });
    }
  }

  /** All that wait get no answer. */
  close(): void {
    for (const waiting of this.#waiting.values()) {
      for (const probe of waiting) this.#end(probe, undefined);
    }
  }

  #next(probe: Probe): void {
    if (probe.roundsLeft === 0) {
      this.#end(probe, undefined);
      return;
    }
    probe.roundsLeft -= 1;
    probe.unsent = new Set(probe.interfaces);
    for (const name of probe.interfaces) this.#ask(probe.address, name);
  }

  #noteSent(probe: Probe, interfaceName: string): void {
    if (!probe.unsent.delete(interfaceName) || probe.unsent.size > 0) return;
    const { gapMs, waitMs } = probe.rounds;
    const ms = probe.roundsLeft > 0 ? gapMs : waitMs;
    probe.cancel = this.#clock.after(ms, () => this.#next(probe));
  }

  #end(probe: Probe, answer: ProbeAnswer | undefined): void {
    probe.cancel();
    const waiting = this.#waiting.get(probe.address);
    waiting?.delete(probe);
    if (waiting?.size === 0) this.#waiting.delete(probe.address);
    probe.resolve(answer);
  }
}
