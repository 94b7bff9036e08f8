/**
 * The objects of a set of manifest files, and what changed in them since the last look. Decides
 * what stays in force: a file that is not well formed keeps its last good state; an edit that
 * leaves nothing of an object to be used is refused for that object, as an API server would, and
 * its last valid version stays; of an object that is defined twice, the file first by name wins.
 * When to look is decided in manifests.ts.
 */
import { readFile } from 'node:fs/promises';
import { sep } from 'node:path';
import { decodeText } from '../config/textEncoding.ts';
import { type Consequence, skipsObject } from '../model/consequence.ts';
import type { Problem } from '../model/problem.ts';
import type { ClusterChange, ClusterStore, ObjectState } from '../model/clusterStore.ts';
import { ALL_KINDS, type Need, NO_NEEDS } from '../model/kinds.ts';
import { findManifestFiles, type FoundFiles, isMissing, reasonOf } from './manifestFiles.ts';
import { type Manifest, type ManifestObject, readManifest } from './manifestText.ts';

/** What one look brought. */
export interface ManifestNews {
  readonly changes: readonly ClusterChange[];
  /**
   * file → all its problems now, for files whose problems are not what they were; empty when they
   * are gone
   */
  readonly problems: ReadonlyMap<string, readonly Problem[]>;
  /**
   * a file has just changed and is read when the next look finds it the same: it may be
   * half-written
   */
  readonly isUnsettled: boolean;
  /** file or folder → why it cannot be read; its objects stay in force */
  readonly unreadable: ReadonlyMap<string, string>;
}

interface FileState {
  readonly stamp: string;
  readonly objects: ReadonlyMap<string, ManifestObject>;
  readonly problems: readonly Problem[];
}

export class ManifestSet {
  readonly #paths: readonly string[];
  readonly #store: ClusterStore;
  readonly #needs: ReadonlySet<Need>;
  readonly #files = new Map<string, FileState>();
  #lastSeen: ReadonlyMap<string, string> = new Map();
  #hasLooked = false;
  /** by object id; in force */
  #winners: ReadonlyMap<string, ManifestObject> = new Map();
  /** by file, as JSON */
  #published: ReadonlyMap<string, string> = new Map();

  /**
   * @param store where the objects in force are put
   * @param needs of features, whose kinds are read besides
   */
  constructor(paths: readonly string[], store: ClusterStore, needs: ReadonlySet<Need> = NO_NEEDS) {
    this.#paths = paths;
    this.#store = store;
    this.#needs = needs;
  }

  get fileCount(): number {
    return this.#files.size;
  }

  get objectCount(): number {
    return this.#winners.size;
  }

  /**
   * Never two at a time. The first look reads every file at once, later ones what changed and has
   * settled.
   */
  async look(): Promise<ManifestNews> {
    const found = await findManifestFiles(this.#paths);
    const unreadable = new Map(found.unreadable);
    const changed = this.#changedFiles(found);
    const settled = changed.filter((path) => this.#isSettled(path, found));
    for (const path of settled) await this.#load(path, found.stamps.get(path), unreadable);
    this.#lastSeen = found.stamps;
    this.#hasLooked = true;
    const isUnsettled = settled.length < changed.length;
    return { ...this.#merge(unreadable), isUnsettled, unreadable };
  }

  #changedFiles({ stamps, unreadable }: FoundFiles): string[] {
    const isHidden = (path: string) =>
      [...unreadable.keys()].some((at) => path === at || path.startsWith(at + sep));
    const gone = [...this.#files.keys()].filter((path) => !stamps.has(path) && !isHidden(path));
    const changed = [...stamps].filter(([path, stamp]) => this.#files.get(path)?.stamp !== stamp);
    return [...gone, ...changed.map(([path]) => path)];
  }

  /** Gone files too: an editor may replace a file by removing it first. */
  #isSettled(path: string, { stamps }: FoundFiles): boolean {
    return !this.#hasLooked || this.#lastSeen.get(path) === stamps.get(path);
  }

  async #load(path: string, stamp: string | undefined, unreadable: Map<string, string>) {
    if (stamp === undefined) {
      this.#files.delete(path);
      return;
    }
    try {
      const text = decodeText(await readFile(path));
      this.#files.set(
        path,
        nextState(this.#files.get(path), stamp, readManifest(text, path, this.#needs)),
      );
    } catch (error) {
      // a file that went while we looked is seen as gone next time
      if (!isMissing(error)) unreadable.set(path, reasonOf(error));
    }
  }

  #merge(unreadable: ReadonlyMap<string, string>): Pick<ManifestNews, 'changes' | 'problems'> {
    const winners = new Map<string, ManifestObject>();
    const problems = new Map<string, Problem[]>();
    for (const path of [...this.#files.keys()].toSorted()) {
      const file = this.#files.get(path)!;
      const ofFile = [...file.problems];
      for (const object of file.objects.values()) {
        const other = winners.get(object.id);
        if (other === undefined) winners.set(object.id, object);
        else ofFile.push(secondDefinition(object, other));
      }
      problems.set(path, ofFile);
    }
    for (const [path, reason] of unreadable) {
      const problem = `cannot be read (${reason}); its last state stays in force`;
      problems.set(path, [...(problems.get(path) ?? []), { path, value: undefined, problem }]);
    }
    const changes = statesBetween(this.#winners, winners)
      .map((state) => this.#store.put(state))
      .filter((change) => change !== undefined);
    this.#winners = winners;
    return { changes, problems: this.#publish(problems) };
  }

  #publish(problems: ReadonlyMap<string, readonly Problem[]>): Map<string, readonly Problem[]> {
    const published = new Map<string, string>();
    const news = new Map<string, readonly Problem[]>();
    for (const [path, ofFile] of problems) {
      if (ofFile.length > 0) published.set(path, JSON.stringify(ofFile));
      if (this.#published.get(path) !== published.get(path)) news.set(path, ofFile);
    }
    for (const path of this.#published.keys()) if (!problems.has(path)) news.set(path, []);
    this.#published = published;
    return news;
  }
}

function nextState(before: FileState | undefined, stamp: string, manifest: Manifest): FileState {
  if (manifest.problems.length > 0 && before !== undefined) {
    const problems = withConsequence(manifest.problems, 'LastStateKept');
    return { stamp, objects: before.objects, problems };
  }
  const problems = withConsequence(manifest.problems, 'DocumentSkipped');
  const objects = new Map<string, ManifestObject>();
  for (const object of manifest.objects) {
    const twin = objects.get(object.id);
    if (twin !== undefined) {
      problems.push(secondDefinition(object, twin));
      continue;
    }
    const last = before?.objects.get(object.id);
    const isRefused = isSkipped(object) && last !== undefined && !isSkipped(last);
    problems.push(
      ...(isRefused ? withConsequence(object.problems, 'LastVersionKept') : object.problems),
    );
    objects.set(object.id, isRefused ? last : object);
  }
  return { stamp, objects, problems };
}

/**
 * As a whole: a port, an endpoint or a value less is what an API server's object would be served
 * with too.
 */
function isSkipped({ problems }: ManifestObject): boolean {
  return problems.some(({ consequence }) => consequence !== undefined && skipsObject(consequence));
}

function withConsequence(problems: readonly Problem[], consequence: Consequence): Problem[] {
  return problems.map((problem) => ({ ...problem, consequence }));
}

function secondDefinition(object: ManifestObject, first: ManifestObject): Problem {
  return {
    path: object.id,
    value: undefined,
    problem: `is defined a second time and ignored here: the definition at ${first.source} counts`,
    source: object.source,
  };
}

/**
 * What goes, goes first; then from the end of the table, so that a new Service finds its endpoints
 * and its Node.
 */
function statesBetween(
  before: ReadonlyMap<string, ManifestObject>,
  after: ReadonlyMap<string, ManifestObject>,
): ObjectState[] {
  const removals: ObjectState[] = [];
  const updates: ObjectState[] = [];
  for (const [id, { state }] of before) {
    if (state !== undefined && after.get(id)?.state === undefined)
      removals.push({ ...state, object: undefined });
  }
  for (const [id, object] of after) {
    if (object !== before.get(id) && object.state !== undefined) updates.push(object.state);
  }
  return [...removals, ...updates.toSorted((a, b) => rank(a) - rank(b))];
}

function rank({ kind }: ObjectState): number {
  return -ALL_KINDS.findIndex((each) => each.kind === kind);
}
