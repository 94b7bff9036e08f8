/** Who hears of requests to the API server, in the words and at the moments of client-go. */

/** Of each request that was sent, watches included, when its answer begins. */
export interface RequestOutcome {
  readonly method: string;
  /** HTTP status, or `<error>` without an answer, as client-go counts it */
  readonly code: string;
  readonly host: string;
}

/** Of each request but watches, when its answer has been read, or has failed. */
export interface ExchangeOutcome {
  readonly method: string;
  readonly host: string;
  /** with the wait for its turn */
  readonly durationMs: number;
  readonly sentBytes: number;
  /** undefined: there was no answer, or a refusal */
  readonly receivedBytes: number | undefined;
}

/** Of each request that `clientConnection.qps` counts, when its turn has come. */
export interface Admission {
  readonly method: string;
  readonly host: string;
  readonly waitedMs: number;
}

export interface RequestObserver {
  requested(outcome: RequestOutcome): void;
  exchanged(outcome: ExchangeOutcome): void;
  admitted(admission: Admission): void;
}
