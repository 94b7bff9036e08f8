/**
 * Finds manifest files and tells, by a stamp, when one has changed. Folders are searched for .yaml,
 * .yml and .json; names that begin with a dot are passed over: editors' swap files, and the
 * `..data` folders of a mounted ConfigMap, whose visible files are links that get a new stamp when
 * the mount is swapped.
 */
import { readdir, stat } from 'node:fs/promises';
import { join, normalize, resolve } from 'node:path';
import type { BigIntStats } from 'node:fs';

export interface FoundFiles {
  /** path as a person would write it → a text that changes when the content does; sorted by path */
  readonly stamps: ReadonlyMap<string, string>;
  /**
   * file or folder that is there but cannot be looked at → reason; what is known of it stays in
   * force
   */
  readonly unreadable: ReadonlyMap<string, string>;
}

/** A path that the operator named does not exist. */
export class ManifestPathError extends Error {
  override readonly name = 'ManifestPathError';
  readonly path: string;

  constructor(path: string, cause: unknown) {
    super(`manifest path ${path} does not exist; name a file or a folder of manifests`, { cause });
    this.path = path;
  }
}

const EXTENSION = /\.(?:ya?ml|json)$/i;

/** @throws ManifestPathError for one of `paths` that does not exist */
export async function requireManifestPaths(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    try {
      await stat(path);
    } catch (error) {
      if (isMissing(error)) throw new ManifestPathError(path, error);
    }
  }
}

/** @param paths files, of any name, and folders; a file reached in two ways is found once */
export async function findManifestFiles(paths: readonly string[]): Promise<FoundFiles> {
  const search = new FileSearch();
  for (const path of paths) await search.visit(normalize(path), true);
  const sorted = [...search.stamps.values()].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return { stamps: new Map(sorted), unreadable: search.unreadable };
}

class FileSearch {
  /** by absolute path */
  readonly stamps = new Map<string, readonly [path: string, stamp: string]>();
  readonly unreadable = new Map<string, string>();
  /** device and inode of each folder seen: linked folders may form a ring */
  readonly #folders = new Set<string>();

  async visit(path: string, isNamed: boolean): Promise<void> {
    try {
      const status = await stat(path, { bigint: true });
      if (status.isDirectory()) await this.#visitFolder(path, status);
      else if (isNamed || (status.isFile() && EXTENSION.test(path))) {
        this.stamps.set(resolve(path), [path, stampOf(status)]);
      }
    } catch (error) {
      // gone between listing and looking, or a link to nothing; a folder that was named may just be
      // unmounted
      if (!isMissing(error) || (isNamed && !EXTENSION.test(path))) {
        this.unreadable.set(path, reasonOf(error));
      }
    }
  }

  async #visitFolder(folder: string, status: BigIntStats): Promise<void> {
    const identity = `${status.dev}:${status.ino}`;
    if (this.#folders.has(identity)) return;
    this.#folders.add(identity);
    const names = (await readdir(folder)).filter((name) => !name.startsWith('.')).toSorted();
    await Promise.all(names.map((name) => this.visit(join(folder, name), false)));
  }
}

function stampOf(status: BigIntStats): string {
  return [status.dev, status.ino, status.size, status.mtimeNs, status.ctimeNs].join(':');
}

export function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** First line of what the operating system said: `EACCES: permission denied, open 'web.yaml'`. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
