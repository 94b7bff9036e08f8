/**
 * How many numbers are remembered, the highest included: datagrams overtake each other. A sender
 * has one count for all receivers, so what lies between two of one receiver grows with the nodes
 * and with how much is told at once; 64, which RFC 4303 has for a count of one's own, is too few.
 */
const WINDOW = 1024n;
const MASK = (1n << WINDOW) - 1n;

/**
 * Lets each sequence number of one sender pass once: a recorded datagram that is sent again does
 * not. Numbers further below the highest than the window are old, seen or not.
 *
 * @see RFC 4303 §3.4.3
 */
export class ReplayWindow {
  #highest = 0n;
  /** Bit i: highest - i has been seen. */
  #seen = 0n;

  /** The highest number that has passed, 0 before the first one. */
  get highest(): bigint {
    return this.#highest;
  }

  /** @returns whether it is new; it is not from then on. Ask only for what is authentic. */
  accept(sequence: bigint): boolean {
    if (sequence > this.#highest) {
      const step = sequence - this.#highest;
      this.#seen = step < WINDOW ? ((this.#seen << step) & MASK) | 1n : 1n;
      this.#highest = sequence;
      return true;
    }
    const below = this.#highest - sequence;
    if (sequence < 1n || below >= WINDOW || ((this.#seen >> below) & 1n) === 1n) return false;
    this.#seen |= 1n << below;
    return true;
  }
}
