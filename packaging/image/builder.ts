// buildah, as far as the image needs it: a base made from Debian packages where no registry of
// images can be reached, the build, and the result as an OCI archive and as a plain file tree.

import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { checkout, findProgram, must, say } from '../machine.mjs';
import { buildah, CONTEXT_PREFIX, imageFolder } from './storage.ts';

const debian = 'bookworm';
/** Of the Containerfile, but the last one. */
const STAGES = 'localhost/kube-ipvs-stage';
const localBase = `localhost/kube-ipvs-base:${debian}`;
/** What this machine trusts beside the public authorities, such as that of a company's proxy. */
const authorities = '/etc/ssl/certs/ca-certificates.crt';

/** The folder an image is built from, and what its labels say. */
export interface Context extends Identity {
  readonly folder: string;
  readonly remove: () => void;
}

interface Identity {
  readonly version: string;
  /** says when files differ from it */
  readonly revision: string;
  /** of the revision, ISO 8601 */
  readonly created: string;
}

export interface Manifest {
  /** of the manifest itself: `sha256:…` */
  readonly digest: string;
  /** sizes are compressed bytes */
  readonly layers: readonly { readonly digest: string; readonly size: number }[];
  /** what OCI calls so */
  readonly config: {
    readonly Entrypoint: readonly string[];
    readonly Env: readonly string[];
    readonly Labels: Readonly<Record<string, string>>;
  };
}

/** Installs buildah, mmdebstrap and crun where they are missing; needs root. */
export function ensureImageTools(): void {
  const missing = ['buildah', 'mmdebstrap', 'crun'].filter((name) => !findProgram(name));
  if (process.getuid?.() !== 0) throw new Error('building the image takes root');
  if (missing.length === 0) return;
  say(`installing Debian packages: ${missing.join(' ')}`);
  const quiet = { DEBIAN_FRONTEND: 'noninteractive' };
  must(['apt-get', 'update', '-qq'], quiet);
  must(['apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...missing], quiet);
}

function hasImage(name: string): boolean {
  return buildah(['images', '--format', '{{.Name}}:{{.Tag}}']).split('\n').includes(name);
}

/** A Debian base from Debian's own packages; half a minute, once. @returns its name */
export function ensureLocalBase(): string {
  if (hasImage(localBase)) return localBase;
  say(`making the base image from Debian packages (${debian})`);
  const archive = join(imageFolder(), 'base.tar');
  must(['mmdebstrap', '--quiet', '--variant=minbase', '--mode=root', debian, archive]);
  const container = buildah(['from', 'scratch']);
  buildah(['add', '--quiet', container, archive, '/']);
  buildah(['commit', '--quiet', '--rm', container, localBase]);
  rmSync(archive);
  return localBase;
}

function identity(): Identity {
  const git = (...argv: readonly string[]) =>
    execFileSync('git', argv, { cwd: checkout, encoding: 'utf8' }).trim();
  const { version } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')) as {
    version: string;
  };
  const isDirty = git('status', '--porcelain', '--', ...contextPaths()) !== '';
  return {
    version,
    revision: git('rev-parse', 'HEAD') + (isDirty ? '-dirty' : ''),
    created: new Date(Number(git('log', '-1', '--format=%ct')) * 1000).toISOString(),
  };
}

/** What the image is made of: the recipe and what .containerignore lets through to it. */
export function contextPaths(): readonly string[] {
  const lines = readFileSync(join(checkout, '.containerignore'), 'utf8').split('\n');
  const inputs = lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
  return ['Containerfile', '.containerignore', ...inputs];
}

/**
 * The files that the image is made of as they are now, in a folder of their own: two builds of it
 * are of the same sources whatever happens to the checkout meanwhile.
 */
export function snapshot(): Context {
  const folder = mkdtempSync(join(imageFolder(), CONTEXT_PREFIX));
  const listed = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--'];
  const names = execFileSync('git', [...listed, ...contextPaths()], {
    cwd: checkout,
    encoding: 'utf8',
  }).split('\0');
  for (const name of new Set(names.filter((path) => path && existsSync(join(checkout, path))))) {
    cpSync(join(checkout, name), join(folder, name), { preserveTimestamps: true });
  }
  const remove = () => rmSync(folder, { recursive: true, force: true });
  return { folder, remove, ...identity() };
}

export interface BuildOrder {
  /** of the image, e.g. `localhost/kube-ipvs:0.1.0` */
  readonly name: string;
  /** name of an image to build on */
  readonly base: string;
  readonly context: Context;
  /** false: every step anew */
  readonly cached: boolean;
}

export function build(order: BuildOrder): void {
  buildStage(order, []);
  // The stages before the last one are no part of the image: without names they would be pruned,
  // and the next build would find nothing of theirs in the cache.
  const file = readFileSync(join(order.context.folder, 'Containerfile'), 'utf8');
  for (const [, stage] of file.matchAll(/^FROM .* AS (\S+)$/gm))
    buildStage({ ...order, name: `${STAGES}:${stage}`, cached: true }, [`--target=${stage}`]);
}

function buildStage({ name, base, context, cached }: BuildOrder, flags: readonly string[]): void {
  const { folder, version, revision, created } = context;
  const stamps = { BASE: base, VERSION: version, REVISION: revision, CREATED: created };
  buildah([
    'bud',
    '--quiet',
    '--isolation=chroot',
    '--layers',
    ...(cached ? [] : ['--no-cache']),
    '--timestamp=0',
    '--format=oci',
    ...flags,
    ...(existsSync(authorities) ? [`--secret=id=ca,src=${authorities}`] : []),
    ...Object.entries(stamps).map(([key, value]) => `--build-arg=${key}=${value}`),
    `--file=${join(folder, 'Containerfile')}`,
    `--tag=${name}`,
    folder,
  ]);
}

/**
 * Writes an OCI archive, the form that `ctr images import` and `podman load` read. @returns what
 * its manifest says
 */
export function exportArchive(name: string, file: string): Manifest {
  rmSync(file, { force: true });
  buildah(['push', '--quiet', '--format=oci', name, `oci-archive:${file}:${name}`]);
  const read = (path: string): unknown =>
    JSON.parse(execFileSync('tar', ['-xOf', file, path], { encoding: 'utf8' }));
  const blob = (digest: string) => read(`blobs/${digest.replace(':', '/')}`);
  const { manifests } = read('index.json') as { manifests: readonly [{ digest: string }] };
  const [{ digest }] = manifests;
  const { layers, config } = blob(digest) as Pick<Manifest, 'layers'> & {
    config: { digest: string };
  };
  return { digest, layers, config: (blob(config.digest) as Pick<Manifest, 'config'>).config };
}

/** @returns a folder with the image's file tree, of this checkout, made once per image */
export function exportTree(name: string): string {
  const id = buildah(['images', '--quiet', '--no-trunc', name]).replace(/^sha256:/, '');
  const trees = join(checkout, '.cache', 'image', 'trees');
  const folder = join(trees, id);
  if (existsSync(folder)) return folder;
  rmSync(trees, { recursive: true, force: true });
  mkdirSync(trees, { recursive: true });
  const container = buildah(['from', '--pull-never', name]);
  try {
    const part = `${folder}.part`;
    execFileSync('cp', ['--archive', buildah(['mount', container]), part]);
    renameSync(part, folder);
    return folder;
  } finally {
    buildah(['rm', container]);
  }
}
