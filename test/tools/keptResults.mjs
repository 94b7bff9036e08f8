// What test files came to on each kernel, kept file by file as they end, by kernel and commit:
// KERNEL/COMMIT/kernel/ipvs.test.ts.json. So a run that was cut off goes on where it was.

import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { checkout } from '../../packaging/machine.mjs';
import { resultsFolder } from './totals.mjs';

/**
 * @typedef {object} FileResult
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 * @property {number} seconds
 * @property {string} at when it ended, ISO 8601
 * @property {readonly string[]} failures full titles
 *
 * @typedef {object} About what a kernel says of itself
 * @property {string} release
 * @property {string} processors how many
 * @property {string} iptables version and variant: `1.8.9 (nf_tables)`
 *
 * @typedef {FileResult & { commit: string }} KeptResult
 *
 * @typedef {object} Kept
 * @property {About} about of the newest
 * @property {Record<string, KeptResult>} files the newest of each, by path under test
 */

/** Of a tree with changes of its own; what ran there is worth nothing for the next run. */
const CHANGED = 'changed';
/** What is written about it changes no result. */
const CODE = ['.', ':(exclude)docs', ':(exclude)*.md'];

export class KeptResults {
  #folder;
  #tree;

  /** @param {string} folder @param {string} tree the checkout, under git */
  constructor(folder = join(resultsFolder, 'kernels'), tree = checkout) {
    this.#folder = folder;
    this.#tree = tree;
  }

  /**
   * @param {string} kernel as `--kernel` takes it
   * @returns where to keep what runs now
   */
  folderOfNow(kernel) {
    const commit = this.#git('rev-parse', '--short=10', 'HEAD');
    const name = this.#isThisCode('HEAD') ? commit : CHANGED;
    const folder = join(this.#folder, kernel, name);
    if (name === CHANGED) rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  /**
   * @param {string} kernel
   * @returns {ReadonlySet<string>} paths under test of files that have run with the code as it is
   */
  doneNow(kernel) {
    const commits = this.#commits(kernel).filter((commit) => this.#isThisCode(commit));
    return new Set(commits.flatMap((commit) => Object.keys(this.#filesOf(kernel, commit))));
  }

  /** @param {string} kernel forgets what has run with the code as it is */
  forgetNow(kernel) {
    for (const commit of this.#commits(kernel)) {
      if (!this.#isThisCode(commit)) continue;
      rmSync(join(this.#folder, kernel, commit), { recursive: true, force: true });
    }
  }

  /**
   * @param {string} kernel
   * @param {readonly string[]} paths under test; of others nothing is told
   * @returns {Kept | undefined} undefined: nothing has run on it yet
   */
  read(kernel, paths) {
    /** @type {Record<string, KeptResult>} */
    const files = {};
    for (const commit of this.#commits(kernel)) {
      for (const [path, result] of Object.entries(this.#filesOf(kernel, commit))) {
        const known = files[path];
        if (!paths.includes(path) || (known !== undefined && known.at > result.at)) continue;
        files[path] = { ...result, commit };
      }
    }
    const newest = Object.values(files).reduce(
      (a, b) => (a === undefined || b.at > a.at ? b : a),
      /** @type {KeptResult | undefined} */ (undefined),
    );
    if (newest === undefined) return undefined;
    return { about: readJson(join(this.#folder, kernel, newest.commit, 'about.json')), files };
  }

  /** @param {string} kernel */
  #commits(kernel) {
    const folder = join(this.#folder, kernel);
    return existsSync(folder) ? readdirSync(folder) : [];
  }

  /**
   * @param {string} kernel
   * @param {string} commit
   * @returns {Record<string, FileResult>}
   */
  #filesOf(kernel, commit) {
    const folder = join(this.#folder, kernel, commit);
    const paths = testsIn(folder, '.json');
    return Object.fromEntries(paths.map((path) => [path, readJson(join(folder, `${path}.json`))]));
  }

  /** @param {string} commit one that is gone is another */
  #isThisCode(commit) {
    try {
      this.#git('diff', '--quiet', commit, '--', ...CODE);
      return true;
    } catch {
      return false;
    }
  }

  /** @param {readonly string[]} argv */
  #git(...argv) {
    const options = { cwd: this.#tree, encoding: /** @type {const} */ ('utf8') };
    return execFileSync('git', argv, { ...options, stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  }
}

/**
 * Whole or not at all, whenever it is cut off.
 *
 * @param {string} path absolute
 * @param {unknown} value
 */
export function writeWhole(path, value) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.part`, `${JSON.stringify(value, null, 2)}\n`);
  renameSync(`${path}.part`, path);
}

/**
 * @param {string} folder absolute
 * @param {string} ending after `.test.ts`
 * @returns paths in it, without that ending
 */
export function testsIn(folder, ending = '') {
  const entries = /** @type {readonly string[]} */ (readdirSync(folder, { recursive: true }));
  const names = entries.filter((path) => path.endsWith(`.test.ts${ending}`));
  return names.map((path) => path.slice(0, path.length - ending.length)).sort();
}

/** @param {string} path */
const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));
