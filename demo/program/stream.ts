// A steady stream of requests, one new connection each, and what became of them.

import type { FlowResult, FlowTarget, Traffic } from '../../test/lab/traffic.ts';

export interface StreamedRequest {
  readonly startedMs: number;
  readonly result: FlowResult;
}

/** Counts of the requests that started within a span of time. */
export interface Tally {
  readonly total: number;
  /** by who answered */
  readonly answered: ReadonlyMap<string, number>;
  /** not answered */
  readonly failed: number;
}

export class RequestStream {
  readonly #requests: Promise<StreamedRequest>[] = [];
  readonly #timer: NodeJS.Timeout;

  /** Does not wait for an answer before the next request. */
  constructor(traffic: Traffic, target: FlowTarget, everyMs: number) {
    this.#timer = setInterval(() => this.#requests.push(request(traffic, target)), everyMs);
  }

  /** All requests, in the order they started; the last answer is waited for. */
  stop(): Promise<readonly StreamedRequest[]> {
    clearInterval(this.#timer);
    return Promise.all(this.#requests);
  }
}

async function request(traffic: Traffic, target: FlowTarget): Promise<StreamedRequest> {
  const startedMs = performance.now();
  return { startedMs, result: await traffic.probe(target) };
}

/** @param fromMs, untilMs moments of performance.now(); requests that started in between count */
export function tally(
  requests: readonly StreamedRequest[],
  fromMs = -Infinity,
  untilMs = Infinity,
): Tally {
  const within = requests.filter(({ startedMs }) => startedMs >= fromMs && startedMs < untilMs);
  const answered = new Map<string, number>();
  for (const { result } of within) {
    if (result.kind === 'answered') answered.set(result.by, (answered.get(result.by) ?? 0) + 1);
  }
  const successes = [...answered.values()].reduce((sum, count) => sum + count, 0);
  return { total: within.length, answered, failed: within.length - successes };
}
