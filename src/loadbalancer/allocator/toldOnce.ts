/** Of what holds at each run and changes no object: what has been told already. */
import type { AllocationEvent } from '../events.ts';

export class ToldOnce {
  #told: ReadonlySet<string> = new Set();

  /**
   * @param standing all that holds now; what is missing is told again should it come back
   * @returns those that have not been told
   */
  news(standing: readonly AllocationEvent[]): readonly AllocationEvent[] {
    const before = this.#told;
    this.#told = new Set(standing.map(keyOf));
    return standing.filter((event) => !before.has(keyOf(event)));
  }

  forget(): void {
    this.#told = new Set();
  }
}

function keyOf({ service, reason, note }: AllocationEvent): string {
  return JSON.stringify([service, reason, note]);
}
