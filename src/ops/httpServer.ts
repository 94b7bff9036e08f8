/**
 * One listening address with a few fixed paths. A port that is taken is tried again every five seconds, unless the
 * configuration wants a hard failure; what the paths answer is routes.ts.
 */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
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
  readonly clock: Pick<Clock, 'sleep'>;
  /** told once per row of failures to bind, and when a request fails by a bug of ours */
  readonly onError: (message: string, error: unknown) => void;
}

/** What the Server header says: how another instance of ours is told from kube-proxy (agent/otherProxy.ts). */
export const SERVER_NAME = 'kube-ipvs';

const RETRY_MS = 5_000;
const NOT_FOUND: HttpAnswer = {
  status: 404,
  contentType: 'text/plain; charset=utf-8',
  body: '404 page not found\n',
};

/** The address cannot be listened on, and the configuration wants that to be the end. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #closing = new AbortController();
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

  #listen(): Promise<void> {
    const { host, port } = this.#options.address;
    const server = http.createServer((request, response) => void this.#answer(request, response));
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port }, () => {
        server.off('error', reject);
        server.on('error', (error) => this.#options.onError(`${this.#options.name} server`, error));
        this.#server = server;
        resolve();
      });
    });
  }

  async #answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    try {
      const route = this.#options.routes.get(path);
      send(response, route === undefined ? NOT_FOUND : await route());
    } catch (error) {
      this.#options.onError(`${this.#options.name} server: ${path}`, error);
      send(response, { ...NOT_FOUND, status: 500, body: 'internal error, see the log\n' });
    }
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
