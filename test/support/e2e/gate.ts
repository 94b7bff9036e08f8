// A gate between the product and the API server, in the lab: plain HTTP in, HTTPS out. Rules make
// it answer by itself, hold answers back, or cut a watch in the middle of a line, as a broken load
// balancer or network does.

import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { forward } from './forward.ts';

export interface GateOptions {
  /** URL of the API server */
  readonly url: string;
  /** PEM */
  readonly ca: string;
}

export interface GateRule {
  /** part of the request's URL: `/endpointslices?`, `watch=1` */
  readonly path: string;
  /** answer this status instead of asking the API server */
  readonly status?: number;
  /** pass the request on only after this long */
  readonly delayMs?: number;
  /** end the answer, as by a reset, three bytes after this text was in it; once */
  readonly cutAfter?: string;
}

export class ApiGate {
  rules: readonly GateRule[] = [];
  /** how often each rule acted, by its path */
  readonly counts = new Map<string, number>();
  readonly #options: GateOptions;
  readonly #agent: https.Agent;
  readonly #server: http.Server;
  readonly #cut = new Set<string>();

  constructor(options: GateOptions) {
    this.#options = options;
    this.#agent = new https.Agent({ keepAlive: true, ca: options.ca });
    this.#server = http.createServer((request, response) => void this.#pass(request, response));
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  dropAll(): void {
    this.#server.closeAllConnections();
  }

  async #pass(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const rule = this.rules.find(({ path }) => request.url!.includes(path));
    if (rule?.status !== undefined) {
      this.#count(rule);
      response.writeHead(rule.status, { 'content-type': 'application/json' });
      const status = { kind: 'Status', code: rule.status, message: 'the gate says no' };
      response.end(JSON.stringify(status));
      return;
    }
    if (rule?.delayMs !== undefined) {
      this.#count(rule);
      await new Promise((resolve) => setTimeout(resolve, rule.delayMs));
    }
    this.#forward(request, response);
  }

  #forward(request: http.IncomingMessage, response: http.ServerResponse): void {
    const { url } = this.#options;
    // Rules look for text, so nothing may be packed.
    const headers = {
      ...request.headers,
      host: new URL(url).host,
      'accept-encoding': 'identity',
    };
    const onward = { url: `${url}${request.url}`, headers, agent: this.#agent };
    forward(request, response, onward, (bytes) => this.#deliver(request, response, bytes));
  }

  /** Rules may change while a watch lasts, so they are looked up for each piece. */
  #deliver(request: http.IncomingMessage, response: http.ServerResponse, bytes: Buffer): void {
    for (const rule of this.rules) {
      const { path, cutAfter } = rule;
      if (cutAfter === undefined || this.#cut.has(cutAfter) || !request.url!.includes(path))
        continue;
      const at = bytes.indexOf(cutAfter);
      if (at < 0) continue;
      this.#cut.add(cutAfter);
      this.#count(rule);
      const end = at + Buffer.byteLength(cutAfter) + 3;
      response.write(bytes.subarray(0, end), () => response.destroy());
      return;
    }
    if (!response.destroyed) response.write(bytes);
  }

  #count({ path }: GateRule): void {
    this.counts.set(path, (this.counts.get(path) ?? 0) + 1);
  }
}
