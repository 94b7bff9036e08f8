/**
 * One listening address with a few fixed paths. A port that is taken is tried again every five
 * seconds, unless the configuration wants a hard failure; what the paths answer is routes.ts. Every
 * pod may connect, so connections are few and short: file descriptors are what the proxy starts
 * iptables with.
 */
import type { ServerOptions } from 'node:http';
import type { Socket } from 'node:net';
import { joinHostPort } from '../net/address.ts';
import type { HostPort } from '../net/hostPort.ts';
import type { Clock } from '../time/clock.ts';
import type { Condition, Conditions } from './conditions.ts';
import { HttpListener, type Routes } from './httpListener.ts';

export interface HttpServerOptions {
  /** for messages: `healthz` */
  readonly name: string;
  /** the unspecified address binds every one of both families; port 0 lets the kernel choose */
  readonly at: HostPort;
  /** any method is answered, as Go's servers for these paths do */
  readonly routes: Routes;
  /** `bindAddressHardFail` */
  readonly isHardFail: boolean;
  readonly clock: Pick<Clock, 'sleep' | 'monotonicMs'>;
  readonly conditions: Conditions;
  /** stands, for this server's name, while it cannot listen */
  readonly notListening: Condition;
  /** told once per row of failures to accept, and when a request fails by a bug of ours */
  readonly onError: (message: string, error: unknown) => void;
  /** in milliseconds; shorter ones for tests */
  readonly times?: ServerOptions;
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
  /** the oldest first */
  readonly #connections = new Set<Socket>();
  #retrying: Promise<void> | undefined;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#listener = new HttpListener({
      ...options,
      name: `${options.name} server`,
      onConnection: (socket) => this.#admit(socket),
    });
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
    } catch (error) {
      if (this.#options.isHardFail) throw new ListenError(this.#problem(error), { cause: error });
      this.#cannotListen(error);
      this.#retrying = this.#retry();
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#retrying;
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
      } catch (error) {
        if (!signal.aborted) this.#cannotListen(error);
      }
    }
  }

  #cannotListen(error: unknown): void {
    const { conditions, name, notListening } = this.#options;
    const message = `${this.#problem(error)}; trying again every ${RETRY_MS / 1000} s`;
    conditions.set(notListening, name, { message, error });
  }

  /** As in Go an unspecified address means both families, where there are both. */
  async #listen(): Promise<void> {
    const { address } = this.#options.at;
    if (!WILDCARDS.includes(address)) return this.#listenOn(address);
    try {
      await this.#listenOn('::');
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (!WITHOUT_IPV6.includes(code)) throw error;
      await this.#listenOn('0.0.0.0');
    }
  }

  #listenOn(host: string): Promise<void> {
    return this.#listener.listen({ host, port: this.#options.at.port, ipv6Only: false });
  }

  /**
   * The oldest makes room, and not the newest: else whoever holds them all would keep the kubelet's
   * probes out. The oldest of the peer that has most: a pod that opens thousands ends its own.
   */
  #admit(socket: Socket): void {
    this.#connections.add(socket);
    socket.on('close', () => this.#connections.delete(socket));
    if (this.#connections.size <= MAX_CONNECTIONS) return;
    const ofPeers = [...Map.groupBy(this.#connections, (each) => each.remoteAddress).values()];
    const most = ofPeers.reduce((one, other) => (other.length > one.length ? other : one));
    this.#connections.delete(most[0]!);
    most[0]!.destroy();
  }

  #problem(error: unknown): string {
    const { name, at } = this.#options;
    const { code, message } = error as NodeJS.ErrnoException;
    const where = joinHostPort(at.address, at.port);
    const why = code === 'EADDRINUSE' ? 'another process listens there' : message;
    return `${name} server cannot listen on ${where}: ${why}`;
  }
}
