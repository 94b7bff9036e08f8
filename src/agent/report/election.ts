/**
 * Events of what every node sees: told by the few that the hash chooses (speaker.ts), which takes
 * to know how many Nodes there are. Until that is known they wait here.
 */
import type { EventRecorder, ProxyEvent } from '../../cluster/events.ts';
import type { Logger } from '../../ops/log.ts';
import { causeOf } from './problemEvent.ts';
import { speaksFor } from './speaker.ts';

export interface ElectionParts {
  readonly log: Pick<Logger, 'verbose'>;
  readonly nodeName: string;
  readonly events: Pick<EventRecorder, 'record'>;
  readonly countNodes: () => Promise<number>;
}

/** Of a cluster in which very much is wrong. */
const MAX_WAITING = 10_000;

export class Election {
  readonly #parts: ElectionParts;
  readonly #waiting: ProxyEvent[] = [];
  #isAsking = false;

  constructor(parts: ElectionParts) {
    this.#parts = parts;
  }

  /** Soon, if this node is one of those that tell of it. */
  tell(events: readonly ProxyEvent[]): void {
    this.#waiting.push(...events.slice(0, MAX_WAITING - this.#waiting.length));
    if (this.#isAsking || this.#waiting.length === 0) return;
    this.#isAsking = true;
    void this.#decide();
  }

  async #decide(): Promise<void> {
    const { log, nodeName, events, countNodes } = this.#parts;
    const count = await countNodes().catch((error: unknown) => {
      log.verbose(
        1,
        `${this.#waiting.length} Events are left out: Nodes cannot be counted: ${String(error)}`,
      );
      return undefined;
    });
    this.#isAsking = false;
    for (const event of this.#waiting.splice(0)) {
      if (count !== undefined && speaksFor(count, nodeName, causeOf(event))) events.record(event);
    }
  }
}
