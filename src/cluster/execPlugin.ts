/**
 * Runs the credential plug-in of a kubeconfig user and keeps its answer until that expires. A
 * plug-in cannot hold anything up: it has no terminal and no standard input to ask on, its time is
 * limited, and then it is killed with all that it has started. What it is told and what it says is
 * execCredential.ts; why not client-node's: docs/adr/0004-exec-plug-ins.md.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  type ExecCluster,
  type ExecCredential,
  execInfo,
  parseExecCredential,
} from './execCredential.ts';

/** `user.exec`, with defaults filled in. */
export interface ExecSettings {
  /** a path, or a name for PATH */
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly apiVersion: string;
  /** for those who have not installed it; may be empty */
  readonly installHint: string;
  /** `interactiveMode: Always` */
  readonly needsTerminal: boolean;
}

/** An answer is a token or two certificates; one of a plug-in that does not end fills no memory. */
const MAX_OUTPUT_BYTES = 1024 * 1024;
/** Of what it says on standard error the end is kept: that is where the reason stands. */
const MAX_ERROR_CHARS = 1_000;
const DEFAULT_TIMEOUT_MS = 60_000;

export class ExecPlugin {
  readonly #settings: ExecSettings;
  readonly #clusterInfo: () => ExecCluster | undefined;
  readonly #timeoutMs: number;
  #known: ExecCredential | undefined;
  /** of those under way, which end with this object */
  readonly #children = new Set<ChildProcess>();

  /** @param clusterInfo asked at each start, since it may have to read a file */
  constructor(
    settings: ExecSettings,
    clusterInfo: () => ExecCluster | undefined,
    timeoutMs = DEFAULT_TIMEOUT_MS,
  ) {
    this.#settings = settings;
    this.#clusterInfo = clusterInfo;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * @throws Error whose message names the plug-in; nothing is kept then, so the next call starts it
   * again
   */
  async credential(): Promise<ExecCredential> {
    if (this.#known !== undefined && Date.now() < this.#known.expiresAtMs) return this.#known;
    this.#known = undefined;
    const { command, apiVersion, needsTerminal } = this.#settings;
    try {
      if (needsTerminal)
        throw new Error('interactiveMode Always needs a terminal, and here is none');
      const output = await this.#run(execInfo(apiVersion, this.#clusterInfo()));
      this.#known = parseExecCredential(output, apiVersion);
    } catch (error) {
      throw new Error(`exec plug-in ${command}: ${(error as Error).message}`, { cause: error });
    }
    return this.#known;
  }

  /** The server refused what it gave. */
  forget(): void {
    this.#known = undefined;
  }

  /** Kills what is under way; its caller gets an error. */
  close(): void {
    for (const child of this.#children) killGroup(child);
  }

  #run(info: string): Promise<string> {
    const { command, args, env } = this.#settings;
    const child = spawn(command, [...args], {
      env: { ...process.env, ...env, KUBERNETES_EXEC_INFO: info },
      // It is the leader of a group of its own, so that a shell's own children can be killed with
      // it.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#children.add(child);
    const ended = this.#outcome(child);
    return ended.finally(() => this.#children.delete(child));
  }

  #outcome(child: ChildProcess): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const giveUp = (problem: string) => {
      killGroup(child);
      reject(new Error(problem));
    };
    const deadline = setTimeout(
      () => giveUp(`no answer within ${this.#timeoutMs / 1000} s; it was killed`),
      this.#timeoutMs,
    );
    let output = '';
    let errors = '';
    child.stdout?.setEncoding('utf8').on('data', (piece: string) => {
      output += piece;
      if (output.length > MAX_OUTPUT_BYTES) giveUp('it prints without end; it was killed');
    });
    child.stderr?.setEncoding('utf8').on('data', (piece: string) => {
      errors = (errors + piece).slice(-MAX_ERROR_CHARS);
    });
    child.on('error', (error) => reject(new Error(this.#startFailure(error), { cause: error })));
    child.on('close', (code, signal) => {
      if (code === 0) resolve(output);
      else reject(new Error(endOf(code, signal, errors.trim())));
    });
    return promise.finally(() => clearTimeout(deadline));
  }

  #startFailure(error: NodeJS.ErrnoException): string {
    const { command, installHint } = this.#settings;
    if (error.code === 'EACCES') return `${error.message}; make it executable`;
    if (error.code !== 'ENOENT') return error.message;
    const where = command.includes('/') ? '' : ' in any folder of PATH';
    return `not found${where} (${error.message})${installHint === '' ? '' : `; ${installHint}`}`;
  }
}

function endOf(code: number | null, signal: NodeJS.Signals | null, errors: string): string {
  const end = signal === null ? `it ended with exit code ${code}` : `it was ended by ${signal}`;
  return errors === '' ? `${end} and said nothing` : `${end}: ${errors}`;
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // all of it has ended
  }
  // One that has left the group may hold the pipes open, and so this process.
  child.stdout?.destroy();
  child.stderr?.destroy();
}
