// Where etcd and the Kubernetes binaries come from: $KUBEBUILDER_ASSETS, PATH, our cache, and at
// last a build of the pinned tool module test/tools/kubernetes with Go. Never downloads a ready
// binary.

import { spawnSync } from 'node:child_process';
import { accessSync, constants, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const moduleFolder = join(dirname(fileURLToPath(import.meta.url)), 'kubernetes');

/** Pinned in the tool module, e.g. `1.37.2`. */
export function kubernetesVersion() {
  const found = /^\s*k8s\.io\/kubernetes v([\d.]+)( \/\/ indirect)?$/m.exec(
    readFileSync(join(moduleFolder, 'go.mod'), 'utf8'),
  );
  if (!found?.[1]) {
    throw new Error('test/tools/kubernetes/go.mod does not require k8s.io/kubernetes');
  }
  return found[1];
}

/** Folder of our own builds, one per version. */
export function buildFolder() {
  const base = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  return join(base, 'kube-ipvs', `kubernetes-${kubernetesVersion()}`);
}

/**
 * @param {string} name
 * @returns absolute path of a program, or undefined
 */
export function findBinary(name) {
  const assets = process.env['KUBEBUILDER_ASSETS'];
  const folders = [
    ...(assets ? [assets] : []),
    ...(process.env['PATH'] ?? '').split(':'),
    '/usr/bin',
    buildFolder(),
  ];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/**
 * Builds a command of Kubernetes into our cache; about 5 minutes from nothing on two processors.
 *
 * @param {string} name
 * @throws with the reason and the cure where there is no Go or the build fails
 */
export function buildBinary(name) {
  return buildPackage(`k8s.io/kubernetes/cmd/${name}`, join(buildFolder(), name));
}

/**
 * Builds any command of the tool module.
 *
 * @param {string} path of the package
 * @param {string} target of the program
 * @returns the target
 * @throws with the reason and the cure where there is no Go or the build fails
 */
export function buildPackage(path, target) {
  const version = kubernetesVersion();
  const [major, minor] = version.split('.');
  const stamp = { gitVersion: `v${version}`, gitMajor: major, gitMinor: minor };
  // Without these the version is v0.0.0-master and defaults that depend on it go wrong.
  const stamps = Object.entries(stamp).map(
    ([key, value]) => `-X k8s.io/component-base/version.${key}=${value}`,
  );
  mkdirSync(dirname(target), { recursive: true });
  const part = `${target}.${process.pid}`;
  const argv = ['build', '-trimpath', '-ldflags', ['-s -w', ...stamps].join(' '), '-o', part, path];
  const { status, signal } = spawnSync(goProgram(), argv, {
    cwd: moduleFolder,
    env: { ...process.env, CGO_ENABLED: '0' },
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) {
    throw new Error(
      `go build of ${path} ended with ${signal ?? status}; see above, or put its program into PATH`,
    );
  }
  renameSync(part, target);
  return target;
}

/** @returns path of a Go 1.26 or later; @throws with the cure */
export function goProgram() {
  const found = [findBinary('go'), '/usr/local/go/bin/go'].find(
    (path) => path && isExecutable(path),
  );
  const version =
    found && /go1\.(\d+)/.exec(spawnSync(found, ['version'], { encoding: 'utf8' }).stdout)?.[1];
  if (!version || Number(version) < 26) {
    throw new Error(
      `no Go 1.26 or later to build the tools with (${version ? `found 1.${version}` : 'none found'}); ` +
        'install one, or point KUBEBUILDER_ASSETS at a folder with etcd and kube-apiserver',
    );
  }
  return found;
}

/** @param {string} path */
export function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
