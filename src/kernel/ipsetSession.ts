/**
 * One long-lived `ipset` that reads commands from its standard input, so that none costs a process
 * of its own. Behind one command or several comes a fence: a command that fails
 * inside the tool with a text of its own, without reaching the kernel. Errors go to stderr
 * unbuffered and in order, so what stands before a fence belongs to the commands in front of it,
 * and silence there means that the kernel has acknowledged them. What a refusal means is ipset.ts'.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { type Argv, start, startReason } from './exec.ts';
import { ExecError } from './errors.ts';

/**
 * For every address the program asks the resolver of the C library, which looks each time whether
 * /etc/resolv.conf has changed: that was 40 % of the time of many lines in the lab.
 */
const IPSET_ENVIRONMENT = { RES_OPTIONS: 'no-reload' };

/** What a command was answered: undefined = done, else the tool's text. */
export type Answer = string | undefined;

/**
 * A session stays usable after a failed command; a dead or silent tool is ended and started anew at
 * the next run.
 */
export class IpsetSession {
  readonly #argv: Argv;
  readonly #silenceMs: number;
  #process: Conversation | undefined;
  #queue: Promise<unknown> = Promise.resolve();

  /** @param silenceMs how long the tool may say nothing while an answer is due */
  constructor(argv: Argv = ['ipset', '-'], silenceMs = 30_000) {
    this.#argv = argv;
    this.#silenceMs = silenceMs;
  }

  /**
   * Runs commands in order, one caller after the other. When one of several fails or the tool dies,
   * they are given again: all that are used can be repeated.
   *
   * @returns one answer a command
   * @throws ExecError when the tool cannot be started or dies twice
   */
  run(commands: readonly string[]): Promise<readonly Answer[]> {
    const result = this.#queue.then(() => this.#runNow(commands));
    this.#queue = result.catch(() => undefined);
    return result;
  }

  async #runNow(commands: readonly string[]): Promise<readonly Answer[]> {
    if (await this.#isAllDone(commands)) return commands.map(() => undefined);
    const answers: Answer[] = [];
    try {
      await this.#open().run(commands, answers);
    } catch {
      await this.#open().run(commands.slice(answers.length), answers);
    }
    return answers;
  }

  /**
   * All of them behind one fence, which is what they mostly come to. Else each again with a fence
   * of its own tells which failed.
   */
  async #isAllDone(commands: readonly string[]): Promise<boolean> {
    if (commands.length < 2) return commands.length === 0;
    const answers: Answer[] = [];
    try {
      await this.#open().run([commands.join('\n')], answers);
    } catch {
      return false;
    }
    return answers[0] === undefined;
  }

  #open(): Conversation {
    if (this.#process?.isOver !== false)
      this.#process = new Conversation(this.#argv, this.#silenceMs);
    return this.#process;
  }

  /** Process id while one runs: for tests and reports. */
  get pid(): number | undefined {
    return this.#process?.isOver === false ? this.#process.pid : undefined;
  }

  async close(): Promise<void> {
    await this.#queue;
    await this.#process?.end();
  }
}

interface Pending {
  /** grows by one at each fence */
  readonly answers: Answer[];
  nextFence: number;
  /** fences still to come */
  left: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** One process from its start to its end. */
class Conversation {
  readonly #argv: Argv;
  readonly #silenceMs: number;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #silence: NodeJS.Timeout | undefined;
  #isOver = false;
  #fences = 0;
  #partial = '';
  #said: string[] = [];
  #pending: Pending | undefined;

  constructor(argv: Argv, silenceMs: number) {
    this.#argv = argv;
    this.#silenceMs = silenceMs;
    const [program, ...args] = argv;
    const env = { ...process.env, ...IPSET_ENVIRONMENT };
    this.#child = start(argv, () => spawn(program, args, { stdio: 'pipe', env }));
    this.#ended = new Promise((resolve) => {
      this.#child.on('error', (error) => {
        this.#fail(startReason(argv, error), error);
        resolve();
      });
      this.#child.on('close', (code, signal) => {
        this.#fail(`ended (${signal ?? `exit code ${code}`}) with answers due`);
        resolve();
      });
    });
    // Without a file descriptor to spare there are none. What is lost with one of them the end of
    // the process tells.
    const { stdin, stdout, stderr } = this.#child;
    for (const stream of [stdin, stdout, stderr]) stream?.on('error', () => undefined);
    stdout?.resume();
    stderr?.setEncoding('utf8').on('data', (text: string) => this.#hear(text));
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  run(commands: readonly string[], answers: Answer[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const nextFence = this.#fences;
      this.#fences += commands.length;
      this.#pending = { answers, nextFence, left: commands.length, resolve, reject };
      const text = commands.map((command, i) => `${command}\n${fenceCommand(nextFence + i)}\n`);
      this.#child.stdin?.write(text.join(''));
      this.#expectWords();
    });
  }

  async end(): Promise<void> {
    if (this.#isOver) return;
    this.#child.stdin?.end();
    await this.#ended;
  }

  #hear(text: string): void {
    const lines = (this.#partial + text).split('\n');
    this.#partial = lines.pop()!;
    for (const line of lines) this.#hearLine(line);
    if (this.#pending !== undefined) this.#expectWords();
  }

  #hearLine(line: string): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    if (!line.includes(`'${fenceName(pending.nextFence)}'`)) {
      this.#said.push(line);
      return;
    }
    pending.answers.push(errorIn(this.#said));
    this.#said = [];
    pending.nextFence++;
    pending.left--;
    if (pending.left > 0) return;
    this.#pending = undefined;
    clearTimeout(this.#silence);
    pending.resolve();
  }

  #expectWords(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      this.#child.kill('SIGKILL');
      this.#fail(`said nothing for ${this.#silenceMs} ms with answers due`);
    }, this.#silenceMs);
  }

  #fail(text: string, cause?: Error): void {
    this.#isOver = true;
    clearTimeout(this.#silence);
    const stderr = [...this.#said, this.#partial, text].filter((line) => line !== '').join('; ');
    this.#pending?.reject(new ExecError({ argv: this.#argv, stderr, cause }));
    this.#pending = undefined;
  }
}

function fenceName(n: number): string {
  return `fence:${n}`;
}

/** Answered by `ipset v7.17: Syntax error: typename 'fence:7' is unknown`. */
function fenceCommand(n: number): string {
  return `create x ${fenceName(n)}`;
}

/**
 * Errors carry the tool's name and version in front; warnings (other protocol version, say) do not.
 */
function errorIn(lines: readonly string[]): Answer {
  const first = lines.findIndex((line) => /^ipset v[\d.]+: /.test(line));
  if (first < 0) return undefined;
  return lines
    .slice(first)
    .join('; ')
    .replace(/^ipset v[\d.]+: /, '');
}
