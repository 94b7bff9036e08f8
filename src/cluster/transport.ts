/**
 * What the API-server source needs of the world: requests and time. client.ts and ops/clock.ts are
 * the real ones; unit tests put scripts in their place.
 */

export type Query = Readonly<Record<string, string>>;

export interface RequestOptions {
  readonly signal?: AbortSignal;
  /** a further page of a list whose first page has been counted already against qps and burst */
  readonly isContinuation?: boolean;
  /**
   * of a list, where the server has it: without what the objects say, or the rows that people see
   */
  readonly form?: 'MetadataOnly' | 'Table';
  /** of a stream: it may come packed; lists always may */
  readonly isPackable?: boolean;
}

export interface SendOptions extends RequestOptions {
  /** what kind of patch it is; default a merge patch (RFC 7386) */
  readonly patch?: 'merge' | 'strategic';
  /**
   * what one process alone does for the whole cluster: counted by itself, at the pace of
   * controllers, so that a proxy's own few requests neither wait for it nor slow it down
   */
  readonly isForCluster?: boolean;
}

/** All failures are ApiError. An aborted request fails too. */
export interface ApiTransport {
  /** @returns the parsed body of a 200 */
  getJson(path: string, query: Query, options?: RequestOptions): Promise<unknown>;
  /**
   * Resolves when the server has accepted the request; the pieces are bytes as they come, cut
   * anywhere. Iterating ends when the server ends the answer and throws ApiError when the
   * connection breaks. Leaving the loop closes it.
   */
  openStream(
    path: string,
    query: Query,
    options?: RequestOptions,
  ): Promise<AsyncIterable<Uint8Array>>;
  sendJson(
    method: 'POST' | 'PUT' | 'PATCH',
    path: string,
    body: unknown,
    options?: SendOptions,
  ): Promise<unknown>;
  /** credentials were refused: read them anew before the next request */
  refreshCredentials(): void;
}
