/**
 * Paths in a folder of the machine's temporary one, made when it is first asked for and removed at
 * the end of the test file.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';

let folder: string | undefined;
let count = 0;

/** @returns one that nobody else has; nothing is there, and its folder is not there either */
export function temporaryPath(name: string): string {
  folder ??= mkdtempSync(join(tmpdir(), 'kube-ipvs-test-'));
  return join(folder, String(++count), name);
}

afterAll(() => {
  if (folder !== undefined) rmSync(folder, { recursive: true });
  folder = undefined;
});
