/**
 * Follows what `--features` names while the proxy runs. Another good state is a reason to start
 * anew with it. A bad one is refused whole and told as long as it stands: the state in force stays,
 * since a proxy that ends for a typing error would not come back.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Features } from '../config/featureKinds.ts';
import { type FeatureFiles, findFeatureFiles, readFeatures } from '../inputs/features.ts';
import { formatProblem, type Problem } from '../model/problem.ts';
import type { Conditions } from '../ops/conditions.ts';
import type { Logger } from '../ops/log.ts';
import type { Clock } from '../time/clock.ts';
import { FEATURES_REFUSED } from './conditions.ts';

/** As for --config, by stamps: what a ConfigMap mount swaps is a link two folders up. */
const PERIOD_MS = 1_000;

/** What has the condition: all of it together is refused. */
const SUBJECT = '--features';

export interface FeaturesWatchParts {
  /** none: there is nothing to watch */
  readonly paths: readonly string[];
  /** what was read at the start */
  readonly inForce: Features;
  readonly log: Logger;
  readonly clock: Pick<Clock, 'sleep'>;
  /** Called once: something else is there, and right. */
  readonly onChange: () => void;
  readonly find?: typeof findFeatureFiles;
  readonly read?: typeof readFeatures;
}

export class FeaturesWatch {
  readonly #parts: Required<FeaturesWatchParts>;
  readonly #closing = new AbortController();
  readonly #expected = new Set<string>();
  #refusal: string | undefined;
  #conditions: Pick<Conditions, 'set' | 'clear'> | undefined;

  constructor(parts: FeaturesWatchParts) {
    this.#parts = { find: findFeatureFiles, read: readFeatures, ...parts };
  }

  start(): void {
    if (this.#parts.paths.length > 0) void this.#watch();
  }

  /** Nothing is told any more. A look at a file system that does not answer is not waited for. */
  close(): void {
    this.#closing.abort();
  }

  /**
   * Until there are conditions, and while another instance is waited for, the log alone is told.
   */
  tell(conditions: Pick<Conditions, 'set' | 'clear'>): void {
    this.#conditions = conditions;
    if (this.#refusal === undefined) return;
    conditions.set(FEATURES_REFUSED, SUBJECT, { message: this.#refusal, isTold: true });
  }

  async #watch(): Promise<void> {
    const { paths, clock, find } = this.#parts;
    const { signal } = this.#closing;
    const first = await find(paths);
    this.#expect(first);
    let judged = first.stamp;
    let seen = first.stamp;
    while (!signal.aborted) {
      await clock.sleep(PERIOD_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      const found = await find(paths);
      // What is still being written is not what somebody meant.
      const isStill = found.stamp === seen;
      seen = found.stamp;
      if (!isStill || found.stamp === judged) continue;
      const isOver = await this.#judge(found);
      if (isOver === undefined) continue;
      if (isOver) return;
      judged = found.stamp;
    }
  }

  /**
   * @returns whether the watch has done its work; undefined when files changed while they were read
   */
  async #judge(found: FeatureFiles): Promise<boolean | undefined> {
    const { paths, inForce, find, read, onChange } = this.#parts;
    const { features, problems } = await read(found);
    const after = await find(paths);
    if (after.stamp !== found.stamp || this.#closing.signal.aborted) return undefined;
    const gone = found.missing.filter((path) => this.#expected.has(path));
    const wrong = [...gone.map(goneProblem), ...problems];
    if (wrong.length > 0) {
      this.#refuse(wrong);
      return false;
    }
    this.#accept();
    this.#expect(found);
    if (isDeepStrictEqual(features, inForce)) return false;
    onChange();
    return true;
  }

  /** A path that has been there once is missed when it goes; one that never was may stay away. */
  #expect({ missing }: FeatureFiles): void {
    for (const path of this.#parts.paths) if (!missing.includes(path)) this.#expected.add(path);
  }

  #refuse(problems: readonly Problem[]): void {
    const told = problems.map(formatProblem).join('; ');
    this.#refusal = `what --features names is refused, and its last good state stays in force: ${told}`;
    if (this.#conditions === undefined) this.#parts.log.error(this.#refusal);
    else this.#conditions.set(FEATURES_REFUSED, SUBJECT, { message: this.#refusal });
  }

  #accept(): void {
    if (this.#refusal === undefined) return;
    this.#refusal = undefined;
    if (this.#conditions === undefined) this.#parts.log.info(FEATURES_REFUSED.end);
    else this.#conditions.clear(FEATURES_REFUSED, SUBJECT);
  }
}

function goneProblem(path: string): Problem {
  const problem = 'is gone; put it back, or empty it to turn what it held off';
  return { path: '--features', value: path, problem };
}
