/**
 * Notices that the content of one file changed. It looks at the stamp once a second instead of asking inotify: a ConfigMap mount
 * swaps a link two folders up, which a watch on the path misses.
 */
import { readFileSync, statSync } from 'node:fs';

const PERIOD_MS = 1_000;

/** @returns a function that ends the watch; a file that is gone for a while does not count as changed */
export function watchFile(file: string, onChange: () => void): () => void {
  const content = readFileSync(file, 'utf8');
  let stamp = stampOf(file);
  const timer = setInterval(() => {
    const now = stampOf(file);
    if (now === undefined || now === stamp) return;
    stamp = now;
    if (readFileSync(file, 'utf8') === content) return;
    clearInterval(timer);
    onChange();
  }, PERIOD_MS);
  timer.unref();
  return () => clearInterval(timer);
}

function stampOf(file: string): string | undefined {
  const found = statSync(file, { throwIfNoEntry: false });
  return found === undefined ? undefined : `${found.ino} ${found.mtimeMs} ${found.size}`;
}
