/**
 * A log that keeps its lines: `error device kube-ipvs0: createDummyDevice failed: no right
 * {"failed":1}`.
 */
import type { LogFields, Logger } from '../../../src/ops/log.ts';

export class FakeLog implements Logger {
  /** as they would be written at `verbosity` */
  readonly lines: string[] = [];
  readonly #verbosity: number;

  constructor(verbosity = 0) {
    this.#verbosity = verbosity;
  }

  /** Takes them, so that the next ones are those of the next step. */
  take(): string[] {
    return this.lines.splice(0);
  }

  info(message: string, fields?: LogFields): void {
    this.#write(`info ${message}`, fields);
  }

  verbose(level: number, message: string, fields?: LogFields): void {
    if (level <= this.#verbosity) this.#write(`v${level} ${message}`, fields);
  }

  plain(level: number, text: string): void {
    this.verbose(level, text);
  }

  isVerbose(level: number): boolean {
    return level <= this.#verbosity;
  }

  warning(message: string, fields?: LogFields): void {
    this.#write(`warning ${message}`, fields);
  }

  error(message: string, error?: unknown, fields?: LogFields): void {
    const cause = error instanceof Error ? `: ${error.message}` : '';
    this.#write(`error ${message}${cause}`, fields);
  }

  #write(line: string, fields: LogFields | undefined): void {
    this.lines.push(fields === undefined ? line : `${line} ${JSON.stringify(fields)}`);
  }
}
