/**
 * How many Nodes there are, by a list of one without what is in it: a server says how many it left
 * out.
 */
import { KINDS, pathOf } from '../model/kinds.ts';
import type { Clock } from '../time/clock.ts';
import { isRecord } from './apiError.ts';
import type { ApiTransport, RequestOptions } from './transport.ts';

/** @throws ApiError */
export async function countNodes(
  transport: Pick<ApiTransport, 'getJson'>,
  options: Pick<RequestOptions, 'signal'> = {},
): Promise<number> {
  const list = await transport.getJson(
    pathOf(KINDS.Node),
    { limit: '1' },
    { ...options, form: 'MetadataOnly' },
  );
  const { items, metadata } = isRecord(list) ? list : {};
  const given = Array.isArray(items) ? items.length : 0;
  const left = isRecord(metadata) ? Number(metadata['remainingItemCount'] ?? 0) : 0;
  return given + (Number.isSafeInteger(left) ? left : 0);
}

export interface NodeCountOptions {
  readonly transport: Pick<ApiTransport, 'getJson'>;
  readonly timing: Clock;
  /** 0 ≤ x < 1 */
  readonly random: () => number;
}

/** All nodes come to ask in one moment: when something is wrong that all of them see. */
const SPREAD_MS = 2_000;
const VALID_MS = 60 * 60_000;

/** For those to whom the number of an hour ago is as good. */
export class NodeCount {
  readonly #options: NodeCountOptions;
  readonly #ending = new AbortController();
  #known: { readonly count: number; readonly atMs: number } | undefined;

  constructor(options: NodeCountOptions) {
    this.#options = options;
  }

  /** @throws ApiError, and an AbortError once it is closed */
  async current(): Promise<number> {
    const { transport, timing, random } = this.#options;
    const { signal } = this.#ending;
    const nowMs = timing.monotonicMs();
    if (this.#known !== undefined && nowMs - this.#known.atMs < VALID_MS) return this.#known.count;
    await timing.sleep(random() * SPREAD_MS, signal);
    const count = await countNodes(transport, { signal });
    this.#known = { count, atMs: nowMs };
    return count;
  }

  close(): void {
    this.#ending.abort();
  }
}
