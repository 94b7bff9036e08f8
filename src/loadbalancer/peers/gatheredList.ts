/** One list of a peer, put together from the parts that its datagrams had room for. */
import type { Part } from '../../wire/heartbeatBody.ts';
import { isLater } from './generation.ts';

/**
 * More than that are refused: some 50,000 addresses, ten times of what a node is to announce. It
 * bounds what one who has no key to show (heartbeat.insecure) can make us remember.
 */
export const MAX_PARTS = 1024;

interface Gathering<T> {
  readonly generation: number;
  readonly parts: number;
  readonly received: Map<number, readonly T[]>;
}

export interface CompleteList<T> {
  readonly generation: number;
  readonly entries: readonly T[];
}

/** Parts of one generation at a time, the latest seen; what came before is not waited for. */
export class GatheredList<T> {
  #complete: CompleteList<T> | undefined;
  #gathering: Gathering<T> | undefined;

  /** the latest one of which all parts came */
  get complete(): CompleteList<T> | undefined {
    return this.#complete;
  }

  /** @returns whether there is a new complete list now */
  add({ part, parts, entries }: Part<T>, generation: number): boolean {
    if (this.#complete !== undefined && !isLater(generation, this.#complete.generation)) {
      return false;
    }
    const gathering = this.#gatheringOf(generation, parts);
    if (gathering === undefined) return false;
    gathering.received.set(part, entries);
    if (gathering.received.size < parts) return false;
    const ordered = Array.from({ length: parts }, (_, i) => gathering.received.get(i)!);
    this.#complete = { generation, entries: ordered.flat() };
    this.#gathering = undefined;
    return true;
  }

  #gatheringOf(generation: number, parts: number): Gathering<T> | undefined {
    const present = this.#gathering;
    if (present?.generation === generation && present.parts === parts) return present;
    if (present !== undefined && isLater(present.generation, generation)) return undefined;
    this.#gathering = { generation, parts, received: new Map() };
    return this.#gathering;
  }
}
