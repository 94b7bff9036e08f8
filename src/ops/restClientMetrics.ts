/**
 * `rest_client_*`: requests to the API server, with client-go's names, labels, buckets and help.
 * Watches are counted and not timed: they last as long as they last.
 *
 * @see k8s.io/component-base metrics/prometheus/restclient
 */
import { Counter, Histogram, type Registry } from 'prom-client';

const SECONDS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60];
/** 64 bytes to 16 MiB */
const BYTES = [64, 256, 512, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216];

interface Request {
  readonly method: string;
  readonly host: string;
}

/** ApiClient tells it of its requests. */
export class RestClientMetrics {
  readonly #requests: Counter<'code' | 'method' | 'host'>;
  readonly #duration: Histogram<'verb' | 'host'>;
  readonly #wait: Histogram<'verb' | 'host'>;
  readonly #sent: Histogram<'verb' | 'host'>;
  readonly #received: Histogram<'verb' | 'host'>;

  constructor(register: Registry) {
    const registers = [register];
    const histogram = (name: string, help: string, buckets: readonly number[]) =>
      new Histogram({
        name: `rest_client_${name}`,
        help: `[ALPHA] ${help}`,
        buckets: [...buckets],
        labelNames: ['verb', 'host'],
        registers,
      });
    this.#requests = new Counter({
      name: 'rest_client_requests_total',
      help: '[ALPHA] Number of HTTP requests, partitioned by status code, method, and host.',
      labelNames: ['code', 'method', 'host'],
      registers,
    });
    this.#duration = histogram(
      'request_duration_seconds',
      'Request latency in seconds. Broken down by verb, and host.',
      SECONDS,
    );
    this.#wait = histogram(
      'rate_limiter_duration_seconds',
      'Client side rate limiter latency in seconds. Broken down by verb, and host.',
      SECONDS,
    );
    this.#sent = histogram(
      'request_size_bytes',
      'Request size in bytes. Broken down by verb and host.',
      BYTES,
    );
    this.#received = histogram(
      'response_size_bytes',
      'Response size in bytes. Broken down by verb and host.',
      BYTES,
    );
  }

  requested({ method, host, code }: Request & { readonly code: string }): void {
    this.#requests.inc({ code, method, host });
  }

  admitted({ method, host, waitedMs }: Request & { readonly waitedMs: number }): void {
    this.#wait.observe({ verb: method, host }, waitedMs / 1000);
  }

  /** Its answer has been read, or it has failed: then nothing was received. */
  exchanged({
    method,
    host,
    durationMs,
    sentBytes,
    receivedBytes,
  }: Request & {
    readonly durationMs: number;
    readonly sentBytes: number;
    readonly receivedBytes: number | undefined;
  }): void {
    const labels = { verb: method, host };
    this.#duration.observe(labels, durationMs / 1000);
    this.#sent.observe(labels, sentBytes);
    if (receivedBytes !== undefined) this.#received.observe(labels, receivedBytes);
  }
}
