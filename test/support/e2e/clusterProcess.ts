// A native server of the tests (etcd, kube-apiserver): its output goes to a file, it dies with the
// test process, and its end can be waited for. What it serves and when it is ready is the caller's.

import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';

export class ClusterProcess {
  readonly name: string;
  readonly logFile: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #isRunning = true;

  /** @param namespace network namespace of this machine to run in; undefined for our own */
  constructor(name: string, argv: readonly string[], logFile: string, namespace?: string) {
    this.name = name;
    this.logFile = logFile;
    const log = openSync(logFile, 'a');
    // The death signal holds across the exec of the server itself: no server outlives a killed test
    // run.
    const wrapper = namespace === undefined ? [] : ['ip', 'netns', 'exec', namespace];
    const [file = '', ...rest] = [...wrapper, 'setpriv', '--pdeathsig', 'KILL', ...argv];
    this.#child = spawn(file, rest, { stdio: ['ignore', log, log] });
    closeSync(log);
    this.#ended = new Promise((resolve) => {
      const end = () => {
        this.#isRunning = false;
        resolve();
      };
      this.#child.once('exit', end);
      this.#child.once('error', end);
    });
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Any signal, e.g. SIGSTOP to make it hang; ended processes are left alone. */
  signal(name: NodeJS.Signals) {
    if (this.#isRunning) this.#child.kill(name);
  }

  /** Ends it and waits until it has ended. */
  async end(signal: NodeJS.Signals = 'SIGKILL') {
    this.signal('SIGCONT');
    this.signal(signal);
    await this.#ended;
  }

  /**
   * Waits until `check` is true.
   *
   * @throws with the last lines of the log when the process ends first or time is over
   */
  async ready(check: () => Promise<boolean>, timeoutMs: number) {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      if (!this.isRunning) throw new Error(`${this.name} ended at start:\n${this.#lastLines()}`);
      if (await check().catch(() => false)) return;
      if (Date.now() > deadline) {
        throw new Error(`${this.name} not ready after ${timeoutMs} ms:\n${this.#lastLines()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  #lastLines() {
    return readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-8).join('\n');
  }
}
