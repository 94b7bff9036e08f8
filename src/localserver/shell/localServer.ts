/**
 * The proxy's own server for programs on this node: HTTP over a file that only root may use. What
 * it answers is registered by whoever knows it; an answer of any size is made piece by piece
 * between other work.
 */
import { randomUUID } from 'node:crypto';
import { chmod, lstat, mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '../../time/clock.ts';
import { HttpListener, refusal, type Routes } from '../../ops/httpListener.ts';
import { AGENT_SOCKET } from '../serverLines.ts';

export interface LocalServerOptions {
  readonly path?: string;
  readonly routes: Routes;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly onError: (message: string, error: unknown) => void;
}

export class LocalServer {
  readonly #path: string;
  readonly #listener: HttpListener;
  /**
   * what the path leads to as long as it is ours: a process that came after us has put its own
   * there
   */
  #inode: bigint | undefined;

  constructor({ path = AGENT_SOCKET, routes, ...options }: LocalServerOptions) {
    this.#path = path;
    this.#listener = new HttpListener({
      ...options,
      name: 'local server',
      routes: { get: (wanted) => guarded(routes, wanted) },
    });
  }

  /**
   * A socket that another process left, or still has while it ends, is replaced. @throws Error; may
   * be tried again
   */
  async start(): Promise<void> {
    // Under another name until it is complete: Node removes at the end the name under which it
    // listened, whosever it is by then.
    const ownPath = `${this.#path}.${randomUUID().slice(0, 8)}`;
    try {
      await mkdir(dirname(this.#path), { recursive: true });
      await this.#listener.listen({ path: ownPath });
      await chmod(ownPath, 0o600);
      this.#inode = (await lstat(ownPath, { bigint: true })).ino;
      await rename(ownPath, this.#path);
    } catch (error) {
      await this.#listener.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    if (!this.#listener.isListening) return;
    await this.#listener.close();
    const present = await lstat(this.#path, { bigint: true }).catch(() => undefined);
    if (present?.ino === this.#inode) await rm(this.#path, { force: true });
  }
}

/** What changes something is not done by looking at it. */
function guarded(routes: Routes, path: string): ReturnType<Routes['get']> {
  const route = routes.get(path);
  if (route === undefined) return () => refusal(404, 'no such path');
  const { method = 'GET' } = route;
  return (request) => (request.method === method ? route(request) : refusal(405, `only ${method}`));
}
