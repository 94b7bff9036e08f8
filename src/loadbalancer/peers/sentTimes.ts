/**
 * When a datagram of ours was sent, by its number: an echo names the number, and its age tells
 * whether we are still heard. Kept in steps, for as long as an age matters.
 */

/** Over the time that is kept: what an age may be too great by. */
const STEPS = 64;

interface Mark {
  /** everything from this number on was sent no earlier */
  readonly sequence: bigint;
  readonly atMs: number;
}

export class SentTimes {
  #marks: Mark[] = [];

  /** @param sequence of the next datagram @param keepMs how old an echo may be and count */
  note(sequence: bigint, nowMs: number, keepMs: number): void {
    const last = this.#marks.at(-1);
    if (last !== undefined && nowMs - last.atMs < keepMs / STEPS) return;
    this.#marks.push({ sequence, atMs: nowMs });
    const kept = this.#marks.findIndex(({ atMs }) => nowMs - atMs <= keepMs);
    this.#marks.splice(0, kept);
  }

  /** @returns no later than it was; undefined: so long ago that it does not matter, or never */
  of(sequence: bigint): number | undefined {
    return this.#marks.findLast((mark) => mark.sequence <= sequence)?.atMs;
  }
}
