/**
 * What the running proxy knows of its virtual servers, for programs on this node (`kube-ipvs list --services`): HTTP over a
 * local socket, reading only. It can never hinder the proxy: a socket that cannot be made is told and done without, and an
 * answer of any size is made piece by piece between other work.
 */
import { randomUUID } from 'node:crypto';
import { chmod, lstat, mkdir, rename, rm } from 'node:fs/promises';
import http from 'node:http';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { DesiredState, VirtualServer } from '../dataplane/state.ts';
import { AGENT_SOCKET, serverLine, serviceFilter, VIRTUAL_SERVERS_PATH } from './serverLines.ts';

export interface LocalSocketOptions {
  readonly path?: string;
  /** undefined while the cluster has not been read */
  readonly state: () => DesiredState | undefined;
  readonly onError: (message: string, error: unknown) => void;
}

/** Lines made without a break: about a millisecond. */
const PIECE = 256;

export class LocalSocket {
  readonly #options: LocalSocketOptions;
  readonly #path: string;
  #server: http.Server | undefined;
  /** what the path leads to as long as it is ours: a process that came after us has put its own there */
  #inode: bigint | undefined;

  constructor(options: LocalSocketOptions) {
    this.#options = options;
    this.#path = options.path ?? AGENT_SOCKET;
  }

  /** Never throws. A socket that another process left, or still has while it ends, is replaced. */
  async start(): Promise<void> {
    const server = http.createServer((request, response) => this.#take(request, response));
    // Under another name until it is complete: Node removes at the end the name under which it listened, whosever it is by then.
    const ownPath = `${this.#path}.${randomUUID().slice(0, 8)}`;
    try {
      await mkdir(dirname(this.#path), { recursive: true });
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(ownPath, () => {
          server.off('error', reject);
          resolve();
        });
      });
      server.on('error', (error) => this.#options.onError('local socket', error));
      await chmod(ownPath, 0o600);
      this.#inode = (await lstat(ownPath, { bigint: true })).ino;
      await rename(ownPath, this.#path);
      this.#server = server;
    } catch (error) {
      server.close();
      const message = `local socket ${this.#path} cannot be made; \`list --services\` has to read the cluster itself`;
      this.#options.onError(message, error);
    }
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
    const present = await lstat(this.#path, { bigint: true }).catch(() => undefined);
    if (present?.ino === this.#inode) await rm(this.#path, { force: true });
  }

  #take(request: http.IncomingMessage, response: http.ServerResponse): void {
    this.#answer(request, response).catch((error: NodeJS.ErrnoException) => {
      response.destroy();
      // Else whoever asked has gone.
      if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE') {
        this.#options.onError('local socket: an answer failed', error);
      }
    });
  }

  async #answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const url = URL.parse(request.url ?? '/', 'http://agent');
    if (url === null) return refuse(response, 400, 'no such thing as this path');
    const { pathname, searchParams } = url;
    if (pathname !== VIRTUAL_SERVERS_PATH) return refuse(response, 404, 'no such path');
    if (request.method !== 'GET') return refuse(response, 405, 'only GET');
    const state = this.#options.state();
    if (state === undefined) return refuse(response, 503, 'the cluster has not been read yet');
    response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
    const isWanted = serviceFilter(searchParams.get('namespace'), searchParams.get('service'));
    await pipeline(Readable.from(pieces(state.virtualServers.values(), isWanted)), response);
  }
}

function refuse(response: http.ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' });
  response.end(`${text}\n`);
}

/** The state lives on meanwhile: what comes or goes during the answer may be in it or not. */
async function* pieces(
  servers: Iterable<VirtualServer>,
  isWanted: (service: string) => boolean,
): AsyncGenerator<string> {
  let piece = '';
  let count = 0;
  for (const server of servers) {
    if (server.service === undefined || !isWanted(server.service)) continue;
    piece += `${JSON.stringify(serverLine(server, server.service))}\n`;
    count += 1;
    if (count % PIECE !== 0) continue;
    yield piece;
    piece = '';
    await new Promise(setImmediate);
  }
  if (piece !== '') yield piece;
}
