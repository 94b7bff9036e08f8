/**
 * What all our HTTP servers share: answers by path, failures told and never thrown, an end that
 * waits for nobody. Where one listens, and what becomes of a place that is taken, is its owner's:
 * an address (httpServer.ts), a file (localserver/).
 */
import http from 'node:http';
import type { ListenOptions, Socket } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Clock } from '../time/clock.ts';

export interface HttpRequest {
  readonly method: string;
  /** without what follows a question mark */
  readonly path: string;
  readonly query: URLSearchParams;
  /** undefined where there is no such header */
  readonly accept: string | undefined;
  /** fires when whoever asks has gone, or has everything */
  readonly gone: AbortSignal;
  /** What came with it, or undefined where that is longer. */
  text(maxBytes: number): Promise<string | undefined>;
}

export interface HttpAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** in pieces where it is long: each is made when the one before is on its way */
  readonly body: string | AsyncIterable<string | Uint8Array>;
  /** how long a piece of it may take, where that is more than a moment */
  readonly patienceMs?: number;
}

export interface Route {
  (request: HttpRequest): HttpAnswer | Promise<HttpAnswer>;
  /** whom the local server lets ask; default GET */
  readonly method?: 'GET' | 'POST';
}

/** Why there is no other answer, in one line. */
export function refusal(status: number, text: string): HttpAnswer {
  return { status, contentType: TEXT, body: `${text}\n` };
}

/** By path; a map, or what can be asked like one. */
export interface Routes {
  get(path: string): Route | undefined;
}

export interface HttpListenerOptions {
  /** for messages: `healthz server` */
  readonly name: string;
  readonly routes: Routes;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** told when a request fails by a bug of ours, and once per row of failures to accept */
  readonly onError: (message: string, error: unknown) => void;
  readonly onConnection?: (socket: Socket) => void;
  /** answers are, byte by byte, what one of Go's servers sends: nothing in them is ours */
  readonly isBare?: boolean;
  /** in milliseconds; shorter ones for tests */
  readonly times?: http.ServerOptions;
}

/**
 * What the Server header says: how another instance of ours is told from kube-proxy
 * (agent/otherProxy.ts).
 */
export const SERVER_NAME = 'kube-ipvs';

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

const TEXT = 'text/plain; charset=utf-8';
const NOT_FOUND: HttpAnswer = { status: 404, contentType: TEXT, body: '404 page not found\n' };
const OUR_BUG: HttpAnswer = {
  status: 500,
  contentType: TEXT,
  body: 'internal error, see the log\n',
};

export class HttpListener {
  readonly #options: HttpListenerOptions;
  #acceptToldAtMs = -Infinity;
  #server: http.Server | undefined;

  constructor(options: HttpListenerOptions) {
    this.#options = options;
  }

  get isListening(): boolean {
    return this.#server !== undefined;
  }

  /** The bound port; undefined while not listening, and for a file. */
  get port(): number | undefined {
    const address = this.#server?.address();
    return typeof address === 'object' ? address?.port : undefined;
  }

  /** Rejects when the place cannot be had; may be called again then. */
  listen(place: ListenOptions): Promise<void> {
    const { times, onConnection } = this.#options;
    const server = http.createServer({ ...TIMES, ...times }, (request, response) =>
      this.#take(request, response),
    );
    server.timeout = SILENCE_MS;
    if (onConnection !== undefined) server.on('connection', onConnection);
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(place, () => {
        server.off('error', reject);
        server.on('error', (error) => this.#cannotAccept(error));
        this.#server = server;
        resolve();
      });
    });
  }

  /** With all connections; nothing happens while not listening. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  #cannotAccept(error: Error): void {
    const { clock, name, onError } = this.#options;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#acceptToldAtMs < ACCEPT_QUIET_MS) return;
    this.#acceptToldAtMs = nowMs;
    onError(`${name} cannot accept connections`, error);
  }

  #take(request: http.IncomingMessage, response: http.ServerResponse): void {
    const [path = '/', ...rest] = (request.url ?? '/').split('?');
    const asked = new Request(path, new URLSearchParams(rest.join('?')), request, response);
    this.#answer(asked, response).catch((error: NodeJS.ErrnoException) => {
      response.destroy();
      // Else whoever asked has gone.
      if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE') this.#failed(path, error);
    });
  }

  async #answer(request: HttpRequest, response: http.ServerResponse): Promise<void> {
    const { path } = request;
    let answer: HttpAnswer;
    try {
      const route = this.#options.routes.get(path);
      answer = route === undefined ? NOT_FOUND : await route(request);
    } catch (error) {
      this.#failed(path, error);
      answer = OUR_BUG;
    }
    await send(response, answer, this.#options.isBare === true);
  }

  #failed(path: string, error: unknown): void {
    this.#options.onError(`${this.#options.name}: ${path}`, error);
  }
}

class Request implements HttpRequest {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly #request: http.IncomingMessage;
  readonly #response: http.ServerResponse;

  constructor(
    path: string,
    query: URLSearchParams,
    request: http.IncomingMessage,
    response: http.ServerResponse,
  ) {
    this.path = path;
    this.query = query;
    this.#request = request;
    this.#response = response;
  }

  get method(): string {
    return this.#request.method ?? 'GET';
  }

  get accept(): string | undefined {
    return this.#request.headers.accept;
  }

  get gone(): AbortSignal {
    const controller = new AbortController();
    if (this.#response.closed) controller.abort();
    this.#response.once('close', () => controller.abort());
    return controller.signal;
  }

  async text(maxBytes: number): Promise<string | undefined> {
    const pieces: Buffer[] = [];
    let sizeBytes = 0;
    for await (const piece of this.#request as AsyncIterable<Buffer>) {
      sizeBytes += piece.length;
      // Read to its end all the same, or the answer would not arrive.
      if (sizeBytes <= maxBytes) pieces.push(piece);
    }
    return sizeBytes > maxBytes ? undefined : Buffer.concat(pieces).toString();
  }
}

async function send(
  response: http.ServerResponse,
  { status, contentType, headers, body, patienceMs }: HttpAnswer,
  isBare: boolean,
): Promise<void> {
  if (isBare) withoutTheObvious(response);
  if (patienceMs !== undefined) response.socket?.setTimeout(patienceMs);
  response.writeHead(status, {
    ...(!isBare && { Server: SERVER_NAME }),
    'Content-Type': contentType,
    'X-Content-Type-Options': 'nosniff',
    ...headers,
    Date: new Date().toUTCString(),
    // The patience ends with the connection.
    ...(patienceMs !== undefined && { Connection: 'close' }),
    ...(typeof body === 'string' && { 'Content-Length': Buffer.byteLength(body) }),
  });
  if (patienceMs !== undefined) response.flushHeaders();
  if (typeof body === 'string') response.end(body);
  else await pipeline(Readable.from(body), response);
}

/** That a connection goes on is the rule since HTTP/1.1, and Go says nothing of it. */
function withoutTheObvious(response: http.ServerResponse): void {
  const isRule = response.req.httpVersion !== '1.0';
  if (isRule && response.shouldKeepAlive) response.removeHeader('Connection');
}
