/**
 * Manifest files as a source of Services, in place of an API server: read once for `plan`, or
 * watched for `run`. The watch looks at the files' stamps a few times a second. Unlike inotify that
 * sees swapped ConfigMap mounts, network file systems and folders that appear later, with nothing
 * to set up again after a file was replaced; the price, one stat a file, is kept below a fifth of
 * one core by looking less often when it costs much.
 */
import { kindsFor, type Need, NO_NEEDS } from '../model/kinds.ts';
import type { Problem } from '../model/problem.ts';
import { type ClusterSnapshot, ClusterStore, type Doors } from '../model/clusterStore.ts';
import { requireManifestPaths } from './manifestFiles.ts';
import { type ManifestNews, ManifestSet } from './manifestSet.ts';
import type { ClusterListener, ClusterSource } from './source.ts';

export interface LoadedManifests {
  readonly snapshot: ClusterSnapshot;
  /** by file */
  readonly problems: readonly Problem[];
}

export interface ManifestReading {
  readonly doors?: Doors;
  /** of features, whose kinds are read besides */
  readonly needs?: ReadonlySet<Need>;
}

/**
 * @throws ManifestPathError for a path that does not exist; anything else that is wrong is among
 * the problems
 */
export async function loadManifests(
  paths: readonly string[],
  { doors = {}, needs = NO_NEEDS }: ManifestReading = {},
): Promise<LoadedManifests> {
  await requireManifestPaths(paths);
  const snapshot = new ClusterStore(doors);
  const { problems } = await new ManifestSet(paths, snapshot, needs).look();
  return { snapshot, problems: [...problems.values()].flat() };
}

export interface ManifestTiming {
  /** between two looks; longer when a look costs more processor time than a quarter of it */
  readonly pollMs: number;
  /** how long a file must have kept still to count as written */
  readonly settleMs: number;
}

const TIMING: ManifestTiming = { pollMs: 250, settleMs: 100 };

export class ManifestSource implements ClusterSource {
  readonly #paths: readonly string[];
  readonly #needs: ReadonlySet<Need>;
  readonly #timing: ManifestTiming;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  #isStopped = false;
  /** of the last look */
  #costMs = 0;
  #status = '';

  constructor(
    paths: readonly string[],
    needs: ReadonlySet<Need> = NO_NEEDS,
    timing: ManifestTiming = TIMING,
  ) {
    this.#paths = paths;
    this.#needs = needs;
    this.#timing = timing;
  }

  /** @throws ManifestPathError for a path that does not exist */
  async start(listener: ClusterListener): Promise<void> {
    await requireManifestPaths(this.#paths);
    const files = new ManifestSet(this.#paths, listener.store, this.#needs);
    const news = await this.#look(files, listener);
    if (this.#isStopped) return;
    for (const { kind, isRequired } of kindsFor({ needs: this.#needs }))
      if (!isRequired) listener.onKindStatus?.({ kind, isListed: true });
    listener.onSynced();
    this.#schedule(files, listener, news.isUnsettled ? this.#timing.settleMs : this.#timing.pollMs);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#looking;
  }

  #schedule(files: ManifestSet, listener: ClusterListener, delayMs: number): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => {
      this.#looking = this.#lookAgain(files, listener);
    }, delayMs);
  }

  async #lookAgain(files: ManifestSet, listener: ClusterListener): Promise<void> {
    const meter = processorMeter();
    const { isUnsettled } = await this.#look(files, listener);
    const { pollMs, settleMs } = this.#timing;
    const costMs = meter();
    // One dear look says nothing: what else the process did meanwhile (an audit, say) is in it.
    const usualMs = Math.min(costMs, this.#costMs);
    this.#costMs = costMs;
    this.#schedule(files, listener, Math.max(isUnsettled ? settleMs : pollMs, 4 * usualMs));
  }

  async #look(files: ManifestSet, listener: ClusterListener): Promise<ManifestNews> {
    const news = await files.look();
    if (this.#isStopped) return news;
    for (const change of news.changes) listener.onChange(change);
    for (const [file, problems] of news.problems) listener.onProblems(file, problems);
    this.#tellStatus(files, listener, news.unreadable);
    return news;
  }

  #tellStatus(
    files: ManifestSet,
    listener: ClusterListener,
    unreadable: ReadonlyMap<string, string>,
  ): void {
    const [first] = unreadable;
    const { objectCount, fileCount } = files;
    const detail =
      first === undefined
        ? `watching ${objectCount} objects in ${fileCount} files of ${this.#paths.join(', ')}`
        : `cannot read ${first[0]}: ${first[1]}`;
    if (detail === this.#status) return;
    this.#status = detail;
    const isConnected = first === undefined;
    listener.onStatus({ isConnected, isFailing: !isConnected, detail });
  }
}

/**
 * @returns gives the milliseconds of processor time since: what this process used, which on a busy
 * machine or a slow file
 *   system is much less than the time that went by, and never more
 */
function processorMeter(): () => number {
  const began = performance.now();
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return Math.min(performance.now() - began, (user + system) / 1000);
  };
}
