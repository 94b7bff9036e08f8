// The lab seen from a test outside it, for tests that also handle native processes (an API server
// that is killed while the proxy in the lab watches it). A test that needs nothing native simply
// runs inside, as a kernel test.

import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { Finished } from '../../lab/netns.ts';
import { checkout } from '../../../packaging/machine.mjs';

export interface LabOptions {
  /** Network namespace of this machine to join, e.g. that of an ApiServer. */
  readonly namespace?: string;
  /** Hard limit for the whole life of the lab; default 600. */
  readonly timeoutSec?: number;
}

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Arguments and results cross as JSON: no functions, no class instances, no undefined inside
 * arrays.
 */
type Remote = (...args: never[]) => unknown;

export class Lab {
  readonly #process: ChildProcess;
  readonly #line: Writable;
  readonly #waiting = new Map<number, Waiting>();
  readonly #ended: Promise<void>;
  #count = 0;
  #end: Error | undefined;

  private constructor({ namespace, timeoutSec = 600 }: LabOptions) {
    const argv = [
      join(checkout, 'test', 'lab', 'run.mjs'),
      '--line',
      '--timeout',
      String(timeoutSec),
      ...(namespace === undefined ? [] : ['--netns', namespace]),
      '--',
      'node',
      '--disable-warning=ExperimentalWarning',
      'test/lab/line.ts',
    ];
    this.#process = spawn(process.execPath, argv, {
      cwd: checkout,
      stdio: ['ignore', 'inherit', 'inherit', 'pipe', 'pipe'],
    });
    this.#line = this.#process.stdio[3] as Writable;
    this.#line.on('error', () => {}); // the lab's end is seen by its exit
    createInterface({ input: this.#process.stdio[4] as Readable }).on('line', (line) =>
      this.#answered(JSON.parse(line) as Answer),
    );
    this.#ended = new Promise((resolve) => {
      this.#process.once('exit', (status) => {
        this.#end = new Error(`the lab ended with status ${status}`);
        for (const { reject } of this.#waiting.values()) reject(this.#end);
        this.#waiting.clear();
        resolve();
      });
    });
  }

  /** Boots it; about 4 s with User-Mode Linux. */
  static async start(options: LabOptions = {}): Promise<Lab> {
    const lab = new Lab(options);
    await lab.#wait(0);
    return lab;
  }

  /**
   * Calls an exported function inside the lab: `lab.call<typeof addPod>('test/e2e/agent/inLab.ts',
   * 'addPod', 'node1')`.
   *
   * @throws with the stack of what the function threw; when the lab has ended
   */
  async call<F extends Remote>(
    module: string,
    name: string,
    ...args: Parameters<F>
  ): Promise<Awaited<ReturnType<F>>> {
    if (this.#end !== undefined) throw this.#end;
    const id = ++this.#count;
    const answer = this.#wait(id);
    this.#line.write(`${JSON.stringify({ id, module, name, args })}\n`);
    return (await answer) as Awaited<ReturnType<F>>;
  }

  /**
   * A command in the lab, in a network namespace of it when one is named; a bad exit status does
   * not throw.
   */
  exec(argv: readonly string[], namespace?: string, timeoutMs?: number): Promise<Finished> {
    const options = timeoutMs === undefined ? {} : { timeoutMs };
    const netns = 'test/lab/netns.ts';
    return namespace === undefined
      ? this.call<typeof import('../../lab/netns.ts').exec>(netns, 'exec', argv, options)
      : this.call<typeof import('../../lab/netns.ts').execIn>(
          netns,
          'execIn',
          namespace,
          argv,
          options,
        );
  }

  /** Ends it and everything in it. */
  async close() {
    this.#line.write('end\n');
    const slow = setTimeout(() => this.#process.kill('SIGTERM'), 10_000);
    await this.#ended;
    clearTimeout(slow);
  }

  #wait(id: number) {
    return new Promise<unknown>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  #answered({ id, result, error }: Answer) {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(result);
    else waiting?.reject(new Error(`in the lab: ${error}`));
  }
}
