/**
 * Requests to one API server over kept-alive connections: JSON bodies in and out, and the byte
 * stream of a watch. It turns every failure into ApiError and gives up on a server that goes
 * silent; retrying is for the caller.
 */
import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Clock } from '../time/clock.ts';
import { ACCEPTED_ENCODING, NO_ANSWER, readBody, readPieces, timeoutError } from './answerBody.ts';
import { ApiError, errorFromNetwork, errorFromStatus } from './apiError.ts';
import type { ClusterAccess } from './clusterAccess.ts';
import { TCP_KEEP_ALIVE_MS } from './connections.ts';
import { controllerRate, RateLimiter } from './rateLimiter.ts';
import type { RequestObserver } from './requestObserver.ts';
import type { ApiTransport, Query, RequestOptions, SendOptions } from './transport.ts';

export interface ApiClientOptions {
  readonly access: ClusterAccess;
  readonly userAgent: string;
  /** `clientConnection.qps` and `.burst`; a list counts once, watches do not count */
  readonly qps: number;
  readonly burst: number;
  readonly timing: Clock;
  readonly observer?: RequestObserver;
  /** longest wait for a connection with its TLS handshake; default 30 s, as in Go */
  readonly connectTimeoutMs?: number;
  /**
   * longest wait for the first byte of an answer, and between bytes of a body; default 65 s: an API
   * server that is busy lets requests queue, and ends each itself after 60 s
   */
  readonly answerTimeoutMs?: number;
  /** longest silence in a watch; servers send a bookmark about every minute; default 180 s */
  readonly streamIdleMs?: number;
}

const JSON_ONLY = 'application/json';
/** Of a server that has no such form the objects come whole. */
const FORMS = {
  MetadataOnly: `application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,${JSON_ONLY}`,
  Table: `application/json;as=Table;g=meta.k8s.io;v=v1,${JSON_ONLY}`,
};

interface Exchange {
  readonly method: string;
  readonly url: string;
  readonly body?: string;
  readonly contentType?: string;
  readonly signal?: AbortSignal;
  /** media types of the answer; default JSON */
  readonly accept?: string;
  /** the answer may come packed */
  readonly isPackable?: boolean;
}

const PATCHES = { merge: 'merge-patch', strategic: 'strategic-merge-patch' } as const;

export class ApiClient implements ApiTransport {
  readonly #options: ApiClientOptions;
  readonly #limiter: RateLimiter;
  readonly #controllerLimiter: RateLimiter;
  readonly #connectTimeoutMs: number;
  readonly #answerTimeoutMs: number;
  readonly #streamIdleMs: number;
  readonly #peers = new Set<string>();

  constructor(options: ApiClientOptions) {
    this.#options = options;
    const { qps, burst, timing } = options;
    const ofControllers = controllerRate(qps, burst);
    this.#limiter = new RateLimiter(qps, burst, timing);
    this.#controllerLimiter = new RateLimiter(ofControllers.qps, ofControllers.burst, timing);
    this.#connectTimeoutMs = options.connectTimeoutMs ?? 30_000;
    this.#answerTimeoutMs = options.answerTimeoutMs ?? 65_000;
    this.#streamIdleMs = options.streamIdleMs ?? 180_000;
  }

  get server(): string {
    return this.#options.access.server;
  }

  /**
   * Addresses that connections were made to so far. In a pod this is the ClusterIP of
   * default/kubernetes.
   */
  get peerAddresses(): ReadonlySet<string> {
    return this.#peers;
  }

  async getJson(path: string, query: Query, options: RequestOptions = {}): Promise<unknown> {
    const accept = options.form === undefined ? {} : { accept: FORMS[options.form] };
    const asked = this.#exchange('GET', path, query, options.signal);
    const exchange = { ...asked, ...accept, isPackable: true };
    return this.#call(exchange, options.isContinuation === true ? undefined : this.#limiter);
  }

  async sendJson(
    method: 'POST' | 'PUT' | 'PATCH',
    path: string,
    body: unknown,
    { signal, patch = 'merge', isForCluster = false }: SendOptions = {},
  ): Promise<unknown> {
    const contentType =
      method === 'PATCH' ? `application/${PATCHES[patch]}+json` : 'application/json';
    const text = JSON.stringify(body);
    const exchange = { ...this.#exchange(method, path, {}, signal), body: text, contentType };
    return this.#call(exchange, isForCluster ? this.#controllerLimiter : this.#limiter);
  }

  async openStream(
    path: string,
    query: Query,
    options: RequestOptions = {},
  ): Promise<AsyncIterable<Uint8Array>> {
    const { signal, isPackable = false } = options;
    const exchange = { ...this.#exchange('GET', path, query, signal), isPackable };
    const response = await this.#send(exchange);
    if (response.statusCode !== 200) throw await this.#failure(response, exchange.url);
    return readPieces(response, exchange.url, this.#streamIdleMs);
  }

  refreshCredentials(): void {
    this.#options.access.refresh();
  }

  close(): void {
    this.#options.access.close();
  }

  #exchange(method: string, path: string, query: Query, signal?: AbortSignal): Exchange {
    const parameters = new URLSearchParams(query).toString();
    const url = `${this.server}${path}${parameters === '' ? '' : `?${parameters}`}`;
    return { method, url, ...(signal === undefined ? {} : { signal }) };
  }

  /**
   * A request and its whole answer; how long that took is told with the wait for its turn. @param
   * limiter undefined: counted already
   */
  async #call(exchange: Exchange, limiter: RateLimiter | undefined): Promise<unknown> {
    const { timing, observer } = this.#options;
    const { method, url, body = '' } = exchange;
    const host = hostOf(url);
    const startMs = timing.monotonicMs();
    let receivedBytes: number | undefined;
    try {
      if (limiter !== undefined) await this.#admit(exchange, limiter);
      const response = await this.#send(exchange);
      const answer = await this.#bodyOf(response, url);
      receivedBytes = answer.length;
      return this.#parse(answer.toString('utf8'), response.statusCode, url);
    } finally {
      const durationMs = timing.monotonicMs() - startMs;
      const sentBytes = Buffer.byteLength(body);
      observer?.exchanged({ method, host, durationMs, sentBytes, receivedBytes });
    }
  }

  async #admit({ method, url, signal }: Exchange, limiter: RateLimiter): Promise<void> {
    const { timing, observer } = this.#options;
    const startMs = timing.monotonicMs();
    try {
      await limiter.take(signal);
    } catch (error) {
      throw errorFromNetwork(error, url.split('?')[0]!);
    }
    observer?.admitted({ method, host: hostOf(url), waitedMs: timing.monotonicMs() - startMs });
  }

  /** @throws the server's refusal */
  async #bodyOf(response: http.IncomingMessage, url: string): Promise<Buffer> {
    const status = response.statusCode ?? 0;
    if (status < 200 || status > 299) throw await this.#failure(response, url);
    return readBody(response, url, this.#answerTimeoutMs);
  }

  #parse(text: string, status = 0, url: string): unknown {
    try {
      return JSON.parse(text) as unknown;
    } catch (error) {
      const message = `the answer is not JSON (it begins ${JSON.stringify(text.slice(0, 40))}): is this an API server?`;
      throw new ApiError({ status, reason: 'NotJson', message, url }, error);
    }
  }

  async #failure(response: http.IncomingMessage, url: string): Promise<ApiError> {
    const retryAfter = Number(response.headers['retry-after'] ?? Number.NaN);
    const body = await readBody(response, url, this.#answerTimeoutMs).catch(() => Buffer.of());
    const retryAfterSec = Number.isFinite(retryAfter) ? retryAfter : undefined;
    const answer = parseOrText(body.toString('utf8'));
    return errorFromStatus(response.statusCode ?? 0, answer, url, retryAfterSec);
  }

  /** @returns the answer with its headers; the body is still to come */
  async #send(exchange: Exchange): Promise<http.IncomingMessage> {
    const { access, observer } = this.#options;
    const host = hostOf(exchange.url);
    try {
      const { agent, headers } = await access.authenticate(exchange.signal);
      const response = await this.#sendOnce(exchange, agent, headers).catch((error: unknown) => {
        // The server closed an idle connection at the moment we used it: nothing was processed.
        if (!(error instanceof StaleConnection)) throw error;
        return this.#sendOnce(exchange, agent, headers);
      });
      observer?.requested({ method: exchange.method, code: String(response.statusCode), host });
      return response;
    } catch (error) {
      observer?.requested({ method: exchange.method, code: '<error>', host });
      const cause = error instanceof StaleConnection ? error.cause : error;
      throw errorFromNetwork(cause, exchange.url, access.proxy);
    }
  }

  #sendOnce(
    exchange: Exchange,
    agent: http.Agent,
    credentials: Readonly<Record<string, string>>,
  ): Promise<http.IncomingMessage> {
    const { method, url, body, contentType, signal, isPackable = false } = exchange;
    const { accept = JSON_ONLY } = exchange;
    const headers = {
      ...credentials,
      Accept: accept,
      ...(isPackable ? { 'Accept-Encoding': ACCEPTED_ENCODING } : {}),
      'User-Agent': this.#options.userAgent,
      ...(body === undefined ? {} : { 'Content-Type': contentType }),
    };
    return new Promise((resolve, reject) => {
      const { request: start } = url.startsWith('http:') ? http : https;
      const request = start(url, {
        method,
        agent,
        headers,
        ...(signal === undefined ? {} : { signal }),
      });
      const giveUpAfter = (ms: number, problem: string) =>
        setTimeout(() => request.destroy(timeoutError(problem, ms, url)), ms);
      let deadline = giveUpAfter(this.#connectTimeoutMs, 'no connection');
      request.on('socket', (socket) => {
        whenConnected(socket, () => {
          clearTimeout(deadline);
          deadline = giveUpAfter(this.#answerTimeoutMs, NO_ANSWER);
        });
        // Else a peer that vanished without a word would be noticed only by the next deadline.
        socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
        // The agent's timeout is for idle connections; a quiet watch is not idle.
        socket.setTimeout(0);
      });
      request.on('response', (response) => {
        clearTimeout(deadline);
        const peer = response.socket.remoteAddress;
        if (peer !== undefined) this.#peers.add(peer.replace(/^::ffff:/, ''));
        resolve(response);
      });
      request.on('error', (error: NodeJS.ErrnoException) => {
        clearTimeout(deadline);
        const isStale =
          request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
        reject(isStale ? new StaleConnection(error) : error);
      });
      // In one piece, for which Node gives the length: some proxies refuse a body in chunks.
      request.end(body);
    });
  }
}

class StaleConnection extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause });
  }
}

/** At once for a connection that is kept alive, or that came through a proxy. */
function whenConnected(socket: Socket, then: () => void): void {
  const isTls = socket instanceof TLSSocket;
  // Node does not document the second; without it the handshake would count as waiting for an
  // answer.
  const { connecting, secureConnecting } = socket as Socket & { secureConnecting?: boolean };
  if (connecting || secureConnecting === true) {
    socket.once(isTls ? 'secureConnect' : 'connect', then);
  } else then();
}

function hostOf(url: string): string {
  return new URL(url).host;
}

function parseOrText(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
