// Where helm comes from: $HELM_BIN (helm's own name for it), PATH where it is of the pinned
// version, our cache, and at last a build of the pinned tool module test/tools/helm with Go.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { goProgram, isExecutable } from './kubernetes.mjs';

const moduleFolder = join(dirname(fileURLToPath(import.meta.url)), 'helm');

/** Pinned in the tool module, e.g. `4.3.1`. */
export function helmVersion() {
  const text = readFileSync(join(moduleFolder, 'go.mod'), 'utf8');
  const found = /^(?:require)?\s*helm\.sh\/helm\/v4 v([\d.]+)( \/\/ indirect)?$/m.exec(text);
  if (!found?.[1]) throw new Error('test/tools/helm/go.mod does not require helm.sh/helm/v4');
  return found[1];
}

function cached() {
  const base = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  return join(base, 'kube-ipvs', `helm-${helmVersion()}`, 'helm');
}

/**
 * @returns absolute path of a helm of the pinned version, or undefined; what $HELM_BIN names is
 * taken as it is
 */
export function findHelm() {
  const asked = process.env['HELM_BIN'];
  if (asked && isExecutable(asked)) return asked;
  const inPath = (process.env['PATH'] ?? '').split(':').map((folder) => join(folder, 'helm'));
  return [...inPath, cached()].find((path) => isExecutable(path) && isPinned(path));
}

/** @param {string} path */
function isPinned(path) {
  const { stdout } = spawnSync(path, ['version', '--short'], { encoding: 'utf8' });
  return new RegExp(`^v${helmVersion().replaceAll('.', '\\.')}\\b`).test(stdout);
}

/**
 * Builds it into our cache; three to five minutes from nothing on two processors. @throws with the
 * reason and the cure
 */
export function buildHelm() {
  const target = cached();
  mkdirSync(dirname(target), { recursive: true });
  const part = `${target}.${process.pid}`;
  const flags = `-s -w -X helm.sh/helm/v4/internal/version.version=v${helmVersion()}`;
  const { status, signal } = spawnSync(
    goProgram(),
    ['build', '-trimpath', '-ldflags', flags, '-o', part, 'helm.sh/helm/v4/cmd/helm'],
    {
      cwd: moduleFolder,
      env: { ...process.env, CGO_ENABLED: '0' },
      stdio: ['ignore', 2, 2],
    },
  );
  if (status !== 0) {
    throw new Error(
      `go build of helm ended with ${signal ?? status}; see above, or put helm v${helmVersion()} into PATH`,
    );
  }
  renameSync(part, target);
  return target;
}
