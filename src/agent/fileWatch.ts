/**
 * Notices that the content of one file changed. It looks at the stamp once a second instead of
 * asking inotify: a ConfigMap mount swaps a link two folders up, which a watch on the path misses.
 */
import { readFileSync, statSync } from 'node:fs';

const PERIOD_MS = 1_000;

/** @returns a function that ends the watch */
export function watchFile(file: string, onChange: () => void): () => void {
  const content = new WatchedContent(file);
  const timer = setInterval(() => {
    if (!content.hasChanged()) return;
    clearInterval(timer);
    onChange();
  }, PERIOD_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/**
 * A file that is gone, or that cannot be read for a while, has not changed: what it will say is not
 * known yet.
 */
export class WatchedContent {
  readonly #file: string;
  readonly #content: string | undefined;
  #stamp: string | undefined;

  constructor(file: string) {
    this.#file = file;
    this.#stamp = this.#stampNow();
    this.#content = this.#read();
  }

  /** Since the beginning. */
  hasChanged(): boolean {
    const stamp = this.#stampNow();
    if (stamp === undefined || stamp === this.#stamp) return false;
    const content = this.#read();
    if (content === undefined) return false;
    this.#stamp = stamp;
    return content !== this.#content;
  }

  #stampNow(): string | undefined {
    try {
      const { ino, mtimeMs, size } = statSync(this.#file);
      return `${ino} ${mtimeMs} ${size}`;
    } catch {
      return undefined;
    }
  }

  #read(): string | undefined {
    try {
      return readFileSync(this.#file, 'utf8');
    } catch {
      return undefined;
    }
  }
}
