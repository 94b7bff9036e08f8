/**
 * Everything there is of one kind by a list: from the server's cache, or in pages from etcd. What
 * vanished is deleted at the end of a complete one. What to do after a failure is for the
 * reflector.
 */
import { ApiError, isExpired } from './apiError.ts';
import { listNotOlderThan, MOST_RECENT, NOTHING_KNOWN } from './floor.ts';
import type { Intake } from './intake.ts';
import type { Query } from './transport.ts';
import type { ListPage } from './watchEvent.ts';

export interface ListReadingOptions {
  readonly intake: Intake;
  readonly pageSize: number;
  /** what it must not be older than */
  readonly floor: string;
  /** @throws ApiError */
  readonly page: (query: Query, isContinuation: boolean) => Promise<ListPage>;
}

export class ListReading {
  readonly #options: ListReadingOptions;
  #floor: string;

  constructor(options: ListReadingOptions) {
    this.#options = options;
    this.#floor = options.floor;
  }

  /** What the next reading must not be older than, should this one fail. */
  get floor(): string {
    return this.#floor;
  }

  /** @returns the version to watch from */
  async read(): Promise<string> {
    const first = listNotOlderThan(this.#floor, this.#options.pageSize);
    try {
      return await this.#readPages(first);
    } catch (error) {
      // The snapshot behind the continue token was compacted away: pages take too long here, so ask
      // for all in one.
      if (!(error instanceof ApiError) || !isExpired(error) || this.#floor !== MOST_RECENT)
        throw error;
      return await this.#readPages({});
    }
  }

  async #readPages(first: Query): Promise<string> {
    const { intake, page: read } = this.#options;
    const { resourceVersion: _, ...others } = first;
    const seen = new Set<string>();
    let page = await read(first, false);
    for (;;) {
      if (page.continueToken !== '' && this.#floor === NOTHING_KNOWN) this.#floor = MOST_RECENT;
      for (const raw of page.items) seen.add(intake.put(raw));
      if (page.continueToken === '') break;
      // The token says of which version.
      page = await read({ ...others, continue: page.continueToken }, true);
    }
    intake.retain(seen);
    return page.resourceVersion;
  }
}
