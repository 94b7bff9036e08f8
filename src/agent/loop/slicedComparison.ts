/**
 * A comparison that is done in turns of a few milliseconds, with the event loop's other work in
 * between: what it finds is taken when it is through.
 */
import type { Operation } from '../../dataplane/operations.ts';
import type { Clock } from '../../time/clock.ts';

/** What differs, and the time that finding it took. */
export interface Findings {
  readonly operations: readonly Operation[];
  readonly durationMs: number;
}

export class SlicedComparison {
  readonly #clock: Pick<Clock, 'monotonicMs' | 'after'>;
  readonly #turnMs: number;
  readonly #onDone: () => void;
  #slices: Iterator<readonly Operation[]> | undefined;
  #operations: Operation[] = [];
  #durationMs = 0;
  #isDone = false;
  #error: unknown;
  #cancelTurn = (): void => undefined;

  /**
   * @param turnMs after which a turn ends with the slice under way; 0: one slice a turn
   * @param onDone after a turn that was not the first one
   */
  constructor(clock: Pick<Clock, 'monotonicMs' | 'after'>, turnMs: number, onDone: () => void) {
    this.#clock = clock;
    this.#turnMs = turnMs;
    this.#onDone = onDone;
  }

  /** Something may be taken, or will be. */
  get isUnderWay(): boolean {
    return this.#slices !== undefined;
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  /** The first turn is now: small clusters need no other. */
  begin(slices: Iterator<readonly Operation[]>): void {
    this.giveUp();
    this.#slices = slices;
    this.#turn(slices);
  }

  /** Only when it is done. @throws what a slice threw */
  take(): Findings {
    const findings = { operations: this.#operations, durationMs: this.#durationMs };
    const error = this.#error;
    this.giveUp();
    // oxlint-disable-next-line no-throw-literal -- whatever it was
    if (error !== undefined) throw error;
    return findings;
  }

  giveUp(): void {
    this.#cancelTurn();
    this.#slices = undefined;
    this.#operations = [];
    this.#durationMs = 0;
    this.#isDone = false;
    this.#error = undefined;
  }

  #turn(slices: Iterator<readonly Operation[]>): void {
    const beganMs = this.#clock.monotonicMs();
    let nowMs = beganMs;
    try {
      do {
        const { done = false, value } = slices.next();
        if (done) this.#isDone = true;
        else for (const operation of value) this.#operations.push(operation);
        nowMs = this.#clock.monotonicMs();
      } while (!this.#isDone && nowMs < beganMs + this.#turnMs);
    } catch (error) {
      this.#error = error;
      this.#isDone = true;
    }
    this.#durationMs += nowMs - beganMs;
    if (this.#isDone) return;
    this.#cancelTurn = this.#clock.after(0, () => {
      this.#turn(slices);
      if (this.#isDone) this.#onDone();
    });
  }
}
