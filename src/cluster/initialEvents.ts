/**
 * The first part of a watch that was asked to begin with everything that exists (KEP-3157,
 * `sendInitialEvents`): each object goes to the intake as it comes, none is held, and what was not
 * among them is deleted when the server says that this was all, not before.
 */
import type { ObjectKey } from '../model/resources.ts';
import type { ApiError } from './apiError.ts';
import type { Intake } from './intake.ts';
import type { Query } from './transport.ts';
import type { WatchEvent } from './watchEvent.ts';

/** What makes a watch begin with everything, not older than its `resourceVersion`. */
export const WITH_INITIAL_EVENTS: Query = {
  sendInitialEvents: 'true',
  resourceVersionMatch: 'NotOlderThan',
};

export class InitialEvents {
  readonly #intake: Intake;
  readonly #seen = new Set<ObjectKey>();
  #hasBegun = false;
  #isComplete = false;

  constructor(intake: Intake) {
    this.#intake = intake;
  }

  /** Something of it has reached the store. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  get isComplete(): boolean {
    return this.#isComplete;
  }

  take(event: WatchEvent): void {
    if (event.type === 'BOOKMARK') {
      if (event.endsInitialEvents) this.#complete();
      return;
    }
    this.#hasBegun = true;
    // Changes since the server began may come before the end.
    if (event.type === 'DELETED') this.#seen.delete(this.#intake.remove(event.object));
    else this.#seen.add(this.#intake.put(event.object));
  }

  #complete(): void {
    this.#intake.retain(this.#seen);
    this.#seen.clear();
    this.#isComplete = true;
  }
}

/** Reason of our own for a watch that is none with initial events. */
export const NOT_BEGUN = 'NoInitialEvents';
/** These say that it is not our turn, not that the server has no such thing. */
const NOT_NOW: ReadonlySet<number> = new Set([401, 408, 410, 429]);

/**
 * The server has no initial events to give: 422 before 1.32 and where the feature gate is off; 500
 * at the head of the stream where its etcd cannot report progress (before 3.4.25 and 3.5.8).
 */
export function isRefusal({ status, reason }: ApiError, { hasBegun }: InitialEvents): boolean {
  if (reason === NOT_BEGUN) return true;
  if (status === 500) return !hasBegun;
  return status >= 400 && status < 500 && !NOT_NOW.has(status);
}
