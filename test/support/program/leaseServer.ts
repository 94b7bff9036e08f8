/** An API server that has Leases and nothing else; what goes wrong the test says. */
import { ApiError } from '../../../src/cluster/apiError.ts';
import type { LeaseElectorOptions } from '../../../src/cluster/leaseElector.ts';
import type { FakeClock } from './fakeClock.ts';

type Transport = LeaseElectorOptions['transport'];

interface Stored {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
  readonly spec: Readonly<Record<string, unknown>>;
}

/** What happens to one request. */
export interface Fate {
  /** ms on its way to the server, and back */
  readonly there: number;
  readonly back: number;
  readonly end: 'answered' | 'lost before' | 'lost after';
}

const AT_ONCE: Fate = { there: 0, back: 0, end: 'answered' };

export class LeaseServer {
  readonly #clock: FakeClock;
  readonly #leases = new Map<string, Stored>();
  #version = 1;
  /** methods and paths, in order */
  readonly requests: string[] = [];
  isDown = false;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  lease(name: string): Stored | undefined {
    return this.#leases.get(name);
  }

  /** As somebody else would, past all checks. */
  write(name: string, spec: Stored['spec']): void {
    this.#leases.set(name, { metadata: { name, resourceVersion: String(++this.#version) }, spec });
  }

  transport(fateOf: () => Fate = () => AT_ONCE): Transport {
    const exchange = async <T>(signal: AbortSignal | undefined, act: () => T): Promise<T> => {
      const { there, back, end } = fateOf();
      await this.#travel(there, signal);
      if (this.isDown || end === 'lost before') throw lost();
      const answer = act();
      await this.#travel(back, signal);
      if (end === 'lost after') throw lost();
      return answer;
    };
    return {
      getJson: (path, _, { signal } = {}) => exchange(signal, () => this.#get(path)),
      sendJson: (method, path, body, { signal } = {}) =>
        exchange(signal, () => this.#put(method, path, body as Stored)),
    };
  }

  async #travel(ms: number, signal: AbortSignal | undefined): Promise<void> {
    if (ms === 0) return;
    await this.#clock.sleep(ms, signal).catch(() => {
      throw lost();
    });
  }

  #get(path: string): Stored {
    this.requests.push(`GET ${path}`);
    const found = this.#leases.get(path.split('/').at(-1)!);
    if (found === undefined) throw refused(404, 'NotFound', path);
    return structuredClone(found);
  }

  #put(method: string, path: string, body: Stored): Stored {
    this.requests.push(`${method} ${path}`);
    const { name, resourceVersion } = body.metadata;
    const before = this.#leases.get(name);
    const isStale = before?.metadata.resourceVersion !== resourceVersion;
    if (method === 'POST' ? before !== undefined : isStale) throw refused(409, 'Conflict', path);
    this.write(name, structuredClone(body.spec));
    return structuredClone(this.#leases.get(name)!);
  }
}

function refused(status: number, reason: string, url: string): ApiError {
  return new ApiError({ status, reason, message: `${reason} (${status})`, url });
}

function lost(): ApiError {
  return new ApiError({ status: 0, reason: 'Network', message: 'the connection broke', url: '' });
}
