/**
 * What ends `run`: SIGTERM and SIGINT, or a configuration file that changed, for the supervisor to
 * start the process anew with it. The end is to be an orderly one, but it never waits: not for a
 * kernel, a server or a program that does not answer, and not for anything at all once a second
 * signal has come.
 */
import type { Logger } from '../ops/log.ts';
import type { Clock } from '../time/clock.ts';
import { watchFile } from './fileWatch.ts';

/** The process is gone 2 s after the signal; the rest is for the leaving itself. */
const IN_ORDER_MS = 1_800;

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

export interface EndSignalParts {
  readonly configFile: string | undefined;
  readonly log: Logger;
  readonly clock: Pick<Clock, 'sleep'>;
  /** the process in production */
  readonly signals?: Pick<NodeJS.Process, 'on' | 'off'>;
  /** stands in for the look at the file in tests */
  readonly watch?: typeof watchFile;
}

export class EndSignal {
  readonly #parts: EndSignalParts;
  readonly #controller = new AbortController();
  readonly #released = new AbortController();
  readonly #overdue = Promise.withResolvers<void>();
  readonly #stopWatching: (() => void) | undefined;
  #exitCode = 0;

  constructor(parts: EndSignalParts) {
    this.#parts = parts;
    const { configFile, signals = process, watch = watchFile } = parts;
    for (const name of SIGNALS) signals.on(name, this.#onSignal);
    if (configFile === undefined) return;
    this.#stopWatching = watch(configFile, () => this.changed(configFile));
  }

  /** @param what the configuration that is another now, as the log calls it */
  changed(what: string): void {
    this.#parts.log.error(`${what} changed: ending, to be started anew with it`);
    if (!this.signal.aborted) this.#exitCode = 1;
    this.#begin();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get exitCode(): number {
    return this.#exitCode;
  }

  /** Resolves when whatever has not ended yet is not to be waited for. */
  get overdue(): Promise<void> {
    return this.#overdue.promise;
  }

  release(): void {
    const { signals = process } = this.#parts;
    for (const name of SIGNALS) signals.off(name, this.#onSignal);
    this.#stopWatching?.();
    this.#released.abort();
  }

  readonly #onSignal = (signal: NodeJS.Signals): void => {
    const { log } = this.#parts;
    if (this.signal.aborted) {
      log.warning('ending at once; what is programmed stays', { signal });
      this.#overdue.resolve();
      return;
    }
    log.info('stopping; what is programmed stays', { signal });
    this.#begin();
  };

  #begin(): void {
    if (this.signal.aborted) return;
    this.#controller.abort();
    const { clock, log } = this.#parts;
    clock
      .sleep(IN_ORDER_MS, this.#released.signal)
      .then(() => {
        log.warning('not everything ended in time; ending all the same, what is programmed stays');
        this.#overdue.resolve();
      })
      .catch(() => undefined);
  }
}

/**
 * Ends the process although something in it is stuck. `process.exit` would wait for the threads of
 * the pool, so for a system call that does not return; a process of its own namespace's number 1,
 * as in a container, cannot even kill itself. Becoming another program is always possible: one that
 * does nothing but end.
 */
export function leaveAtOnce(exitCode: number): void {
  // Node says of execve that it is experimental, which is of no use to a reader of the log.
  process.removeAllListeners('warning');
  process.execve?.(process.execPath, [process.execPath, '-e', `process.exit(${exitCode})`], {});
}
