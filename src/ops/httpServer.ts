/**
 * One listening address with a few fixed paths. A port that is taken is tried again every five seconds, unless the
 * configuration wants a hard failure; what the paths answer is routes.ts. Every pod may connect, so connections are few and short:
 * file descriptors are what the proxy starts iptables with.
 */
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Clock } from './clock.ts';
import type { HostPort } from './hostPort.ts';

export interface HttpAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** Path → answer; any method, as Go's servers for these paths do. */
export type Routes = ReadonlyMap<string, () => HttpAnswer | Promise<HttpAnswer>>;

export interface HttpServerOptions {
  /** for messages: `healthz` */
  readonly name: string;
  readonly address: HostPort;
  readonly routes: Routes;
  /** `bindAddressHardFail` */
  readonly isHardFail: boolean;
  readonly clock: Pick<Clock, 'sleep' | 'monotonicMs'>;
  /** told once per row of failures to bind or to accept, and when a request fails by a bug of ours */
  readonly onError: (message: string, error: unknown) => void;
  /** in milliseconds; shorter ones for tests */
  readonly times?: http.ServerOptions;
}

/** What the Server header says: how another instance of ours is told from kube-proxy (agent/otherProxy.ts). */
export const SERVER_NAME = 'kube-ipvs';

const RETRY_MS = 5_000;

/** The kubelet, a load balancer's probes and a few scrapers need some ten. */
const MAX_CONNECTIONS = 64;

/** A request is one packet and an answer a few: what takes longer is nobody who wants to know. */
const TIMES: http.ServerOptions = {
  headersTimeout: 3_000,
  requestTimeout: 5_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
};
/** Without a byte in either direction. */
const SILENCE_MS = 10_000;
/** Failures to accept come by the thousand, all for the same reason. */
const ACCEPT_QUIET_MS = 60_000;

const NOT_FOUND: HttpAnswer = {
  status: 404,
  contentType: 'text/plain; charset=utf-8',
  body: '404 page not found\n',
};

const WILDCARDS: readonly string[] = ['0.0.0.0', '::'];
/** No such protocol in the kernel, or no such address because it is switched off. */
const WITHOUT_IPV6: readonly string[] = ['EAFNOSUPPORT', 'EADDRNOTAVAIL'];

/** The address cannot be listened on, and the configuration wants that to be the end. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #closing = new AbortController();
  /** the oldest first */
  readonly #connections = new Set<Socket>();
  #acceptToldAtMs = -Infinity;
  #server: http.Server | undefined;
  #retrying: Promise<void> | undefined;

  constructor(options: HttpServerOptions) {
    this.#options = options;
  }

  /** The bound port; undefined while not listening. */
  get port(): number | undefined {
    const address = this.#server?.address() as AddressInfo | null | undefined;
    return address?.port;
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
      const problem = this.#problem(error);
      if (this.#options.isHardFail) throw new ListenError(problem, { cause: error });
      this.#options.onError(`${problem}; trying again every ${RETRY_MS / 1000} s`, error);
      this.#retrying = this.#retry();
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#retrying;
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  async #retry(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted && this.#server === undefined) {
      try {
        await this.#options.clock.sleep(RETRY_MS, signal);
        await this.#listen();
      } catch {
        // told once already; an aborted sleep ends the loop
      }
    }
  }

  /** As in Go an unspecified address means both families, where there are both. */
  async #listen(): Promise<void> {
    const { host } = this.#options.address;
    if (!WILDCARDS.includes(host)) return this.#listenOn(host);
    try {
      await this.#listenOn('::');
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (!WITHOUT_IPV6.includes(code)) throw error;
      await this.#listenOn('0.0.0.0');
    }
  }

  #listenOn(host: string): Promise<void> {
    const { address, times } = this.#options;
    const server = http.createServer({ ...TIMES, ...times }, (request, response) =>
      this.#take(request, response),
    );
    server.timeout = SILENCE_MS;
    server.on('connection', (socket) => this.#admit(socket));
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port: address.port, ipv6Only: false }, () => {
        server.off('error', reject);
        server.on('error', (error) => this.#cannotAccept(error));
        this.#server = server;
        resolve();
      });
    });
  }

  /**
   * The oldest makes room, and not the newest: else whoever holds them all would keep the kubelet's probes out. The oldest of the peer
   * that has most: a pod that opens thousands ends its own.
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

  #cannotAccept(error: Error): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - this.#acceptToldAtMs < ACCEPT_QUIET_MS) return;
    this.#acceptToldAtMs = nowMs;
    this.#options.onError(`${this.#options.name} server cannot accept connections`, error);
  }

  #take(request: http.IncomingMessage, response: http.ServerResponse): void {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    this.#answer(path, response).catch((error: unknown) => {
      this.#options.onError(`${this.#options.name} server: ${path}`, error);
      response.destroy();
    });
  }

  async #answer(path: string, response: http.ServerResponse): Promise<void> {
    let answer: HttpAnswer;
    try {
      const route = this.#options.routes.get(path);
      answer = route === undefined ? NOT_FOUND : await route();
    } catch (error) {
      this.#options.onError(`${this.#options.name} server: ${path}`, error);
      answer = { ...NOT_FOUND, status: 500, body: 'internal error, see the log\n' };
    }
    send(response, answer);
  }

  #problem(error: unknown): string {
    const { name, address } = this.#options;
    const { code, message } = error as NodeJS.ErrnoException;
    const where = `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
    const why = code === 'EADDRINUSE' ? 'another process listens there' : message;
    return `${name} server cannot listen on ${where}: ${why}`;
  }
}

function send(response: http.ServerResponse, answer: HttpAnswer): void {
  response.writeHead(answer.status, {
    Server: SERVER_NAME,
    'Content-Type': answer.contentType,
    'X-Content-Type-Options': 'nosniff',
    'Content-Length': Buffer.byteLength(answer.body),
  });
  response.end(answer.body);
}
