/** How long something took, counted as a histogram does; cheap enough for each batch of frames. */

/** Upper bounds in seconds: an answer takes some microseconds where the thread is at rest. */
export const DURATION_BOUNDS: readonly number[] = [
  0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.25,
];

export interface DurationCounts {
  /** by the bound that they are within; the last one: by none */
  readonly counts: readonly number[];
  /** seconds, of all */
  readonly sum: number;
}

export const NO_DURATIONS: DurationCounts = {
  counts: DURATION_BOUNDS.map(() => 0).concat(0),
  sum: 0,
};

export class Durations {
  readonly #counts = [...NO_DURATIONS.counts];
  #sum = 0;

  /** @param times so many took as long */
  add(seconds: number, times: number): void {
    let at = 0;
    while (at < DURATION_BOUNDS.length && seconds > DURATION_BOUNDS[at]!) at++;
    this.#counts[at]! += times;
    this.#sum += seconds * times;
  }

  get told(): DurationCounts {
    return { counts: [...this.#counts], sum: this.#sum };
  }
}
