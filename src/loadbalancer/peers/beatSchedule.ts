/** When each peer gets its next beat; and the beats by which we take our leave. */

/** How far a beat may be from its time, so that nodes that start together do not stay together. */
const JITTER = 0.1;
/** After it is said that we leave: one loss more or less decides over half a second. */
const LEAVING_AT_MS = [0, 20, 50] as const;

export class BeatSchedule {
  readonly #random: () => number;
  #dueMs = new Map<string, number>();
  #leavingSinceMs: number | undefined;
  #leavingBeats = 0;

  /** @param random 0 ≤ x < 1 */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** @param nodes a new one gets its first beat at once */
  setNodes(nodes: Iterable<string>): void {
    const before = this.#dueMs;
    this.#dueMs = new Map([...nodes].map((node) => [node, before.get(node) ?? -Infinity]));
  }

  /** @returns those whose beat is due; the next one of each is planned */
  due(nowMs: number, intervalMs: number): ReadonlySet<string> {
    const due = [...this.#dueMs].filter(([, dueMs]) => dueMs <= nowMs);
    for (const [node, dueMs] of due) this.#dueMs.set(node, this.#next(dueMs, nowMs, intervalMs));
    return new Set(due.map(([node]) => node));
  }

  /** @returns whether everybody is to be told now that we leave */
  isLeavingBeatDue(isLeaving: boolean, nowMs: number): boolean {
    if (!isLeaving) {
      this.#leavingSinceMs = undefined;
      this.#leavingBeats = 0;
      return false;
    }
    this.#leavingSinceMs ??= nowMs;
    const afterMs = LEAVING_AT_MS[this.#leavingBeats];
    if (afterMs === undefined || nowMs - this.#leavingSinceMs < afterMs) return false;
    this.#leavingBeats++;
    return true;
  }

  /** Counted from when it was due, so that late ticks do not make beats rarer. */
  #next(dueMs: number, nowMs: number, intervalMs: number): number {
    // The first one of each goes out at once; from the second on they are spread.
    if (dueMs === -Infinity) return nowMs + intervalMs * this.#random();
    const from = nowMs - dueMs < intervalMs ? dueMs : nowMs;
    return from + intervalMs * (1 + JITTER * (2 * this.#random() - 1));
  }
}
