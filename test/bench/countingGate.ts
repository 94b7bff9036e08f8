/**
 * Plain HTTP in, HTTPS to the API server out: counts the requests and the bytes of answers as they
 * are on the wire, and lets a request look as an older client or server would have it.
 */
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { ApiServer } from '../support/e2e/apiServer.ts';
import { forward } from '../support/e2e/forward.ts';

export interface Asked {
  readonly url: URL;
  readonly headers: http.IncomingHttpHeaders;
}

/** @returns what is asked instead; undefined for what a server without it refuses */
export type Disguise = (asked: Asked) => Asked | undefined;

export class CountingGate {
  requests = 0;
  /** of the requests, those that the disguise refused */
  refusals = 0;
  bytes = 0;
  disguise: Disguise = (asked) => asked;
  readonly #plane: ApiServer;
  readonly #server = http.createServer((request, response) => this.#pass(request, response));
  readonly #agent: https.Agent;

  constructor(plane: ApiServer) {
    this.#plane = plane;
    this.#agent = new https.Agent({ keepAlive: true, ca: plane.ca });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
    this.#agent.destroy();
  }

  reset(disguise: Disguise): void {
    this.disguise = disguise;
    this.requests = 0;
    this.refusals = 0;
    this.bytes = 0;
  }

  #pass(request: http.IncomingMessage, response: http.ServerResponse): void {
    this.requests += 1;
    const url = new URL(request.url ?? '', this.#plane.url);
    const asked = this.disguise({ url, headers: request.headers });
    if (asked === undefined) {
      this.refusals += 1;
      response.writeHead(422, { 'content-type': 'application/json' }).end('{"code":422}');
      return;
    }
    const authorization = `Bearer ${this.#plane.token}`;
    const headers = { ...asked.headers, host: url.host, authorization };
    forward(request, response, { url: asked.url, headers, agent: this.#agent }, (bytes) => {
      this.bytes += bytes.length;
      response.write(bytes);
    });
  }
}
