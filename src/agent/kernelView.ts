/**
 * What the kernel holds as far as we know: as last read, plus every operation that succeeded since. Incremental rounds
 * compare against it, so they cost what changed; the audit replaces it by a fresh reading.
 */
import type { ActualState } from '../desired/state.ts';
import type { Dataplane } from '../plan/dataplane.ts';
import type { ApplyReport } from '../plan/operations.ts';
import { applyReport, mutableState, type MutableState } from '../plan/applied.ts';

export class KernelView {
  readonly #dataplane: Dataplane;
  #state: MutableState | undefined;

  constructor(dataplane: Dataplane) {
    this.#dataplane = dataplane;
  }

  /** Reads everything; throws KernelError or ExecError when the kernel cannot be read. */
  async refresh(sysctls: Iterable<string>): Promise<void> {
    this.#state = mutableState(await this.#dataplane.read([...sysctls]));
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
