/**
 * Which endpoint of a nodePort the next connection goes to: in turn, or with ClientIP affinity the
 * one that the client had last. Every loopback address is a client of its own.
 */
import { type DestinationKey, destinationKey } from '../dataplane/state.ts';
import type { Endpoint } from '../model/servicePort.ts';
import type { Forward } from './forward.ts';

/** Clients remembered a port: a program may connect from all of 127.0.0.0/8. */
const MAX_CLIENTS = 1_024;

interface Memory {
  endpoint: DestinationKey;
  /** connections now */
  open: number;
  lastUsedMs: number;
}

export class EndpointPicker {
  readonly #now: () => number;
  /** the longest unused first */
  readonly #clients = new Map<string, Memory>();
  #turn = 0;

  /** @param now monotonic ms */
  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * @param tried that this connection cannot reach
   * @returns undefined when all have been tried
   */
  pick(
    { endpoints, affinityTimeoutSec }: Forward,
    client: string,
    tried: ReadonlySet<DestinationKey> = new Set(),
  ): Endpoint | undefined {
    const left = endpoints.filter((endpoint) => !tried.has(destinationKey(endpoint)));
    if (affinityTimeoutSec !== undefined) {
      const remembered = this.#remembered(client, affinityTimeoutSec * 1_000);
      const kept = left.find((endpoint) => destinationKey(endpoint) === remembered);
      if (kept !== undefined) return kept;
    }
    if (left.length === 0) return undefined;
    return left[this.#turn++ % left.length];
  }

  /** A connection to it is open. @returns to be called when it has ended */
  opened({ affinityTimeoutSec }: Forward, client: string, endpoint: Endpoint): () => void {
    if (affinityTimeoutSec === undefined) return () => undefined;
    const key = destinationKey(endpoint);
    const before = this.#clients.get(client);
    const memory =
      before?.endpoint === key ? before : { endpoint: key, open: 0, lastUsedMs: this.#now() };
    memory.open++;
    this.#keep(client, memory);
    return () => {
      memory.open--;
      memory.lastUsedMs = this.#now();
      if (this.#clients.get(client) === memory) this.#keep(client, memory);
    };
  }

  #remembered(client: string, timeoutMs: number): DestinationKey | undefined {
    const memory = this.#clients.get(client);
    if (memory === undefined) return undefined;
    const isOver = memory.open === 0 && this.#now() - memory.lastUsedMs >= timeoutMs;
    if (!isOver) return memory.endpoint;
    this.#clients.delete(client);
    return undefined;
  }

  #keep(client: string, memory: Memory): void {
    this.#clients.delete(client);
    this.#clients.set(client, memory);
    if (this.#clients.size <= MAX_CLIENTS) return;
    this.#clients.delete(this.#clients.keys().next().value!);
  }
}
