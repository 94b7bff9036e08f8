/**
 * What the kernel holds as far as we know: as last read, plus every operation that succeeded since. Incremental rounds
 * compare against it, so they cost what changed; the audit replaces it by a fresh reading.
 */
import type { ActualState } from '../desired/state.ts';
import type { Dataplane } from '../plan/dataplane.ts';
import type { ApplyReport } from '../plan/operations.ts';
import { applyReport, mutableState, type MutableState } from '../plan/applied.ts';

/** After a longer wait for the cluster the kernel may have changed. */
const PREFETCH_KEEPS_MS = 10_000;

export class KernelView {
  readonly #dataplane: Dataplane;
  #state: MutableState | undefined;
  #begun: { readonly reading: Promise<ActualState>; readonly atMs: number } | undefined;

  constructor(dataplane: Dataplane) {
    this.#dataplane = dataplane;
  }

  /** Begins the reading that the next {@link refresh} takes: it can go on while the cluster is listed. */
  prefetch(sysctls: Iterable<string>): void {
    const reading = this.#dataplane.read([...sysctls]);
    reading.catch(() => undefined);
    this.#begun = { reading, atMs: performance.now() };
  }

  /** Reads everything; throws KernelError or ExecError when the kernel cannot be read. */
  async refresh(sysctls: Iterable<string>): Promise<void> {
    const begun = this.#begun;
    this.#begun = undefined;
    const isFresh = begun !== undefined && performance.now() - begun.atMs < PREFETCH_KEEPS_MS;
    this.#state = mutableState(
      await (isFresh ? begun.reading : this.#dataplane.read([...sysctls])),
    );
  }

  get isKnown(): boolean {
    return this.#state !== undefined;
  }

  /** Only after a first {@link refresh}. */
  get state(): ActualState {
    if (this.#state === undefined) throw new Error('the kernel has not been read yet');
    return this.#state;
  }

  record(report: ApplyReport): void {
    if (this.#state !== undefined) applyReport(this.#state, report);
  }
}
