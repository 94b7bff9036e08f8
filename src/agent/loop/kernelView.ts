/**
 * What the kernel holds as far as we know: as last read, plus every operation that succeeded since.
 * Incremental rounds compare against it, so they cost what changed; the audit replaces it by a
 * fresh reading. A part that cannot be read stays as it was known before; one that was never read
 * is `unknown` in the state.
 */
import type { Dataplane, DummyNews } from '../../dataplane/dataplane.ts';
import type { ApplyReport } from '../../dataplane/operations.ts';
import { ADDRESSES_PART, type Part } from '../../dataplane/part.ts';
import type { ActualState } from '../../dataplane/state.ts';
import type { Address } from '../../net/address.ts';
import { applyReport, type MutableState, takenOver } from '../../plan/applied.ts';
import { keysOf, Tally } from '../../plan/tally.ts';
import type { Clock } from '../../time/clock.ts';
import { keepingKnown, partsOf } from './knownParts.ts';

/**
 * A reading that was finished longer ago is made again: the wait for the cluster may have been
 * long.
 */
const READING_KEEPS_MS = 10_000;

/** What somebody else did to the dummy device. */
export interface Disturbance {
  readonly addresses: ReadonlySet<Address>;
  readonly isDeviceLost: boolean;
}

const NONE: ReadonlySet<Address> = new Set();
const UNDISTURBED: Disturbance = { addresses: NONE, isDeviceLost: false };

/** A new view. */
export interface Refreshed {
  /** what was known until then; it belongs to the caller now */
  readonly before: MutableState | undefined;
}

interface Reading {
  readonly state: Promise<ActualState>;
  /** what was written since it began: it may or may not have seen that */
  readonly reports: ApplyReport[];
  readonly beganAtMs: number;
  doneAtMs: number;
}

export class KernelView {
  readonly #dataplane: Dataplane;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  #state: MutableState | undefined;
  #tally = new Tally();
  #readingMs = 0;
  #reading: Reading | undefined;
  #unread: ReadonlyMap<Part, Error> = new Map();

  constructor(dataplane: Dataplane, clock: Pick<Clock, 'monotonicMs'>) {
    this.#dataplane = dataplane;
    this.#clock = clock;
  }

  /**
   * Begins the reading that the next {@link refresh} takes: meanwhile the cluster is listed, or
   * rounds go on.
   *
   * @returns resolves when it is finished, also when it failed
   */
  async prefetch(sysctls: Iterable<string>): Promise<void> {
    const state = this.#dataplane.read([...sysctls], this.#state);
    const beganAtMs = this.#clock.monotonicMs();
    const reading: Reading = { state, reports: [], beganAtMs, doneAtMs: Infinity };
    this.#reading = reading;
    await state.catch(() => undefined);
    reading.doneAtMs = this.#clock.monotonicMs();
  }

  /**
   * Takes the reading that was begun, or reads.
   *
   * @returns undefined when it failed as a whole: everything is as it was known before
   * @throws when it failed as a whole and nothing is known yet
   */
  async refresh(sysctls: Iterable<string>): Promise<Refreshed | undefined> {
    const begun = this.#reading;
    this.#reading = undefined;
    const nowMs = this.#clock.monotonicMs();
    const isFresh = begun !== undefined && nowMs < begun.doneAtMs + READING_KEEPS_MS;
    let reading: ActualState;
    try {
      reading = await (isFresh ? begun.state : this.#dataplane.read([...sysctls], this.#state));
    } catch (error) {
      if (this.#state === undefined) throw error;
      this.#unread = new Map(partsOf(this.#state).map((part) => [part, error as Error]));
      return undefined;
    }
    this.#unread = reading.unknown;
    const doneAtMs = Math.min(isFresh ? begun.doneAtMs : Infinity, this.#clock.monotonicMs());
    this.#readingMs = doneAtMs - (isFresh ? begun.beganAtMs : nowMs);
    const before = this.#state;
    const state = takenOver(keepingKnown(reading, before));
    // Every operation can be repeated, so what the reading has seen already changes nothing.
    if (isFresh) for (const report of begun.reports) applyReport(state, report);
    this.#state = state;
    this.#tally = Tally.of(state);
    return { before };
  }

  get isKnown(): boolean {
    return this.#state !== undefined;
  }

  /** Only after a first {@link refresh}. */
  get state(): ActualState {
    if (this.#state === undefined) throw new Error('the kernel has not been read yet');
    return this.#state;
  }

  /** How long the last reading took that did not fail as a whole. */
  get readingMs(): number {
    return this.#readingMs;
  }

  /** How much {@link state} holds, counted as it changes. */
  get tally(): Readonly<Tally> {
    return this.#tally;
  }

  /** On the dummy device, as known; none before the first reading. */
  get addresses(): ReadonlySet<Address> {
    return this.#state?.addresses ?? NONE;
  }

  /**
   * What the last reading could not read, and why; known from an earlier one unless it is `unknown`
   * in the state too.
   */
  get unread(): ReadonlyMap<Part, Error> {
    return this.#unread;
  }

  /** What was written and reads back as something else. */
  get unconfirmed(): ReadonlyMap<Part, Error> {
    return this.#state?.unconfirmed ?? new Map();
  }

  /**
   * Whether what the kernel tells is other than what is known: somebody else did it, or it is over
   * by now.
   */
  contradicts({ addresses, isDeviceGone }: DummyNews): boolean {
    const state = this.#state;
    if (state === undefined || state.unknown.has(ADDRESSES_PART)) return false;
    if (isDeviceGone && state.hasDummyDevice) return true;
    return [...addresses].some(([address, isBound]) => isBound !== state.addresses.has(address));
  }

  /**
   * Reads the dummy device alone; from here on that is known. Not while it is being written.
   *
   * @returns what differed
   * @throws when it cannot be read
   */
  async refreshDummy(): Promise<Disturbance> {
    const { hasDummyDevice, addresses } = await this.#dataplane.readDummy();
    const state = this.#state;
    if (state === undefined || state.unknown.has(ADDRESSES_PART)) return UNDISTURBED;
    const isDeviceLost = state.hasDummyDevice && !hasDummyDevice;
    const disturbed = new Set(
      [...state.addresses, ...addresses].filter(
        (address) => addresses.has(address) !== state.addresses.has(address),
      ),
    );
    const keys = { servers: NONE, addresses: disturbed };
    this.#tally.before(state, keys);
    state.hasDummyDevice = hasDummyDevice;
    for (const address of disturbed) {
      if (addresses.has(address)) state.addresses.add(address);
      else state.addresses.delete(address);
    }
    this.#tally.after(state, keys);
    return { addresses: disturbed, isDeviceLost };
  }

  record(report: ApplyReport): void {
    if (this.#state !== undefined) {
      const keys = keysOf(report.done);
      this.#tally.before(this.#state, keys);
      applyReport(this.#state, report);
      this.#tally.after(this.#state, keys);
    }
    this.#reading?.reports.push(report);
  }
}
