/**
 * One listening address with a few fixed paths. A port that is taken is tried again every five
 * seconds, unless the configuration wants a hard failure; what the paths answer is routes.ts.
 * Connections are few and short (connectionLimit.ts).
 */
import { joinHostPort } from '../net/address.ts';
import type { HostPort } from '../net/hostPort.ts';
import type { Clock } from '../time/clock.ts';
import type { Condition, Conditions } from './conditions.ts';
import { ConnectionLimit } from './connectionLimit.ts';
import { HttpListener, type HttpListenerOptions } from './httpListener.ts';

export interface HttpServerOptions extends Pick<
  HttpListenerOptions,
  'routes' | 'onError' | 'times' | 'isBare'
> {
  /** subject of the condition: `healthz` */
  readonly name: string;
  /** in sentences; `NAME server` by default */
  readonly title?: string;
  /** the unspecified address binds every one of both families; port 0 lets the kernel choose */
  readonly at: HostPort;
  /** the unspecified address binds those of its own family */
  readonly isOneFamily?: boolean;
  /** `bindAddressHardFail` */
  readonly isHardFail: boolean;
  readonly clock: Pick<Clock, 'sleep' | 'monotonicMs'>;
  readonly conditions: Pick<Conditions, 'set' | 'clear'>;
  /** stands, for this server's name, while it cannot listen */
  readonly notListening: Condition;
  /** at each attempt that fails, with what is the matter */
  readonly onNotListening?: (problem: string) => void;
  /** @param isLate another attempt had failed before */
  readonly onListening?: (isLate: boolean) => void;
  /** of several servers together; one of its own by default */
  readonly connections?: ConnectionLimit;
}

const RETRY_MS = 5_000;

/** The kubelet, a load balancer's probes and a few scrapers need some ten. */
const MAX_CONNECTIONS = 64;

const WILDCARDS: readonly string[] = ['0.0.0.0', '::'];
/** No such protocol in the kernel, or no such address because it is switched off. */
const WITHOUT_IPV6: readonly string[] = ['EAFNOSUPPORT', 'EADDRNOTAVAIL'];

/** The address cannot be listened on, and the configuration wants that to be the end. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #listener: HttpListener;
  readonly #closing = new AbortController();
  readonly #connections: ConnectionLimit;
  #retrying: Promise<void> | undefined;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#connections = options.connections ?? new ConnectionLimit(MAX_CONNECTIONS);
    this.#listener = new HttpListener({
      ...options,
      name: this.#title,
      onConnection: (socket) => this.#connections.admit(socket),
    });
  }

  get #title(): string {
    const { name, title = `${name} server` } = this.#options;
    return title;
  }

  /** The bound port; undefined while not listening. */
  get port(): number | undefined {
    return this.#listener.port;
  }

  /** How many clients are connected. */
  get connections(): number {
    return this.#connections.size;
  }

  /**
   * Resolves after the first attempt, whether it listens now or goes on trying.
   *
   * @throws ListenError when it cannot bind and `isHardFail` is set
   */
  async start(): Promise<void> {
    try {
      await this.#listen();
      this.#options.onListening?.(false);
    } catch (error) {
      if (this.#options.isHardFail) throw new ListenError(this.#problem(error), { cause: error });
      this.#cannotListen(error);
      this.#retrying = this.#retry();
    }
  }

  /** After {@link start} has resolved. What stood in its way does not any more. */
  async close(): Promise<void> {
    const { conditions, name, notListening } = this.#options;
    this.#closing.abort();
    await this.#retrying;
    conditions.clear(notListening, name);
    await this.#listener.close();
  }

  async #retry(): Promise<void> {
    const { clock, conditions, name, notListening } = this.#options;
    const { signal } = this.#closing;
    while (!signal.aborted && !this.#listener.isListening) {
      try {
        await clock.sleep(RETRY_MS, signal);
        await this.#listen();
        conditions.clear(notListening, name);
        this.#options.onListening?.(true);
      } catch (error) {
        if (!signal.aborted) this.#cannotListen(error);
      }
    }
  }

  #cannotListen(error: unknown): void {
    const { conditions, name, notListening, onNotListening } = this.#options;
    const problem = this.#problem(error);
    const message = `${problem}; trying again every ${RETRY_MS / 1000} s`;
    conditions.set(notListening, name, { message, error });
    onNotListening?.(problem);
  }

  /** As in Go an unspecified address means both families, where there are both. */
  async #listen(): Promise<void> {
    const { at, isOneFamily = false } = this.#options;
    const { address } = at;
    if (isOneFamily || !WILDCARDS.includes(address)) return this.#listenOn(address, isOneFamily);
    try {
      await this.#listenOn('::');
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (!WITHOUT_IPV6.includes(code)) throw error;
      await this.#listenOn('0.0.0.0');
    }
  }

  #listenOn(host: string, ipv6Only = false): Promise<void> {
    return this.#listener.listen({ host, port: this.#options.at.port, ipv6Only });
  }

  #problem(error: unknown): string {
    const { at } = this.#options;
    const { code, message } = error as NodeJS.ErrnoException;
    const where = joinHostPort(at.address, at.port);
    const why = code === 'EADDRINUSE' ? 'another process listens there' : message;
    return `${this.#title} cannot listen on ${where}: ${why}`;
  }
}
