/**
 * Which verbose lines are written: `-v` for all of them, which may be changed while running (`PUT
 * /debug/flags/v`), and `--vmodule` for those of single source files.
 */
import type { VmodulePattern } from '../config/parseFlags.ts';
import { matchesGlob } from '../net/glob.ts';

export interface VerbositySettings {
  /** `-v` */
  readonly verbosity: number;
  /** `--vmodule`: names of source files without `.ts`, or globs; of several the first counts */
  readonly vmodule?: readonly VmodulePattern[];
}

export class Verbosity {
  /** `-v` */
  level: number;
  readonly #patterns: readonly VmodulePattern[];
  /** of all patterns: what is above it is written by nobody, whoever asks */
  readonly #highestOfFiles: number;
  readonly #byCaller = new Map<string, number>();

  constructor({ verbosity, vmodule = [] }: VerbositySettings) {
    this.level = verbosity;
    this.#patterns = vmodule;
    this.#highestOfFiles = Math.max(-1, ...vmodule.map((pattern) => pattern.verbosity));
  }

  /**
   * @param caller who asks, as `callerOf` says it; called only where the answer depends on it, for
   *   it costs more than everything else here
   */
  allows(level: number, caller: () => string): boolean {
    if (level <= this.level) return true;
    return level <= this.#highestOfFiles && level <= this.#ofCaller(caller());
  }

  #ofCaller(caller: string): number {
    let verbosity = this.#byCaller.get(caller);
    if (verbosity === undefined) {
      const file = /([^/]*?)(\.[cm]?[jt]s)?:\d+$/.exec(caller)?.[1] ?? caller;
      const pattern = this.#patterns.find(({ filePattern }) => matchesGlob(filePattern, file));
      verbosity = pattern?.verbosity ?? -1;
      this.#byCaller.set(caller, verbosity);
    }
    return verbosity;
  }
}
