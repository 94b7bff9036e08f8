#!/usr/bin/env node
// `npm run image`: builds the container image and says what is in it. Works without a registry of
// images: the base is made from Debian packages. The archive it writes is what `ctr -n k8s.io
// images import` or `podman load` takes.
//
//   npm run image -- [--name NAME] [--base IMAGE] [--fresh] [--twice]
//
//   --name NAME    default localhost/kube-ipvs:VERSION
//   --base IMAGE   build on this image, e.g. debian:bookworm-slim, instead of a base made here
//   --fresh        no step from the cache: newest Debian packages
//   --twice        build twice, both without the cache, and compare

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { checkout, say } from '../machine.mjs';
import * as builder from './builder.ts';
import { type PartSize, billOfMaterials, sizeByPart } from './report.ts';
import { buildah, imageFolder, withStorage } from './storage.ts';

/** Files and folders as absolute paths. */
export interface Image extends builder.Manifest {
  readonly name: string;
  readonly tree: string;
  readonly archive: string;
  readonly sbom: string;
  readonly sizes: readonly PartSize[];
  /** to the second build, as text (none: the same digest); undefined without one */
  readonly differences?: readonly string[];
}

export interface ImageOptions {
  readonly name?: string | undefined;
  readonly base?: string | undefined;
  readonly cached?: boolean;
  /** build twice, both without the cache, and compare */
  readonly twice?: boolean | undefined;
}

export function makeImage(options: ImageOptions = {}): Image {
  builder.ensureImageTools();
  return withStorage(() => {
    const context = builder.snapshot();
    try {
      return made(context, options);
    } finally {
      context.remove();
    }
  });
}

function made(context: builder.Context, options: ImageOptions): Image {
  const { name, base, cached = true, twice = false } = options;
  const tag = name ?? `localhost/kube-ipvs:${context.version}`;
  const on = base ?? builder.ensureLocalBase();
  say(`building ${tag} of ${context.revision}`);
  // A step in the cache may be older than the newest Debian packages.
  builder.build({ name: tag, base: on, context, cached: cached && !twice });
  const image = exported(tag, context);
  if (!twice) return image;
  say('building a second time, every step anew');
  const second = 'localhost/kube-ipvs:second';
  builder.build({ name: second, base: on, context, cached: false });
  try {
    return { ...image, differences: differences(image, second) };
  } finally {
    buildah(['rmi', second]);
  }
}

function exported(tag: string, context: builder.Context): Image {
  const folder = join(checkout, '.cache', 'image');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `kube-ipvs-${tag.replace(/.*:/, '')}`);
  const archive = `${file}.tar`;
  const manifest = builder.exportArchive(tag, archive);
  const tree = builder.exportTree(tag);
  const sbom = `${file}.spdx.json`;
  writeFileSync(sbom, `${JSON.stringify(billOfMaterials(tree, context), null, 2)}\n`);
  return { name: tag, ...manifest, tree, archive, sbom, sizes: sizeByPart(tree) };
}

function differences(first: Image, name: string): readonly string[] {
  const archive = join(imageFolder(), 'second.tar');
  const second = builder.exportArchive(name, archive);
  rmSync(archive);
  if (second.digest === first.digest) return [];
  const layers = first.layers
    .map(({ digest }, i) => ({ i, digest, other: second.layers[i]?.digest }))
    .filter(({ digest, other }) => digest !== other)
    .map(({ i, digest, other }) => `layer ${i + 1}: ${digest} and ${other ?? 'none'}`);
  if (layers.length > 0) return layers;
  return [
    `the configuration: ${[first, second].map(({ config }) => JSON.stringify(config)).join(' and ')}`,
  ];
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1).padStart(7)} MB`;

function report({ name, digest, layers, archive, sbom, sizes }: Image): void {
  const total = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
  const packed = layers.reduce((sum, { size }) => sum + size, 0);
  const lines = [
    '',
    ...sizes.map(({ part, bytes }) => `${megabytes(bytes)}  ${part}`),
    `${megabytes(total)}  unpacked; ${megabytes(packed).trim()} to pull, of which the last layer ${megabytes(layers.at(-1)!.size).trim()}`,
    '',
    name,
    `  digest   ${digest}`,
    `  archive  ${relative(checkout, archive)}    (ctr -n k8s.io images import, podman load -i)`,
    `  SBOM     ${relative(checkout, sbom)}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

function main(): number {
  const { values } = parseArgs({
    options: {
      name: { type: 'string' },
      base: { type: 'string' },
      fresh: { type: 'boolean' },
      twice: { type: 'boolean' },
    },
  });
  const { name, base, fresh, twice } = values;
  const image = makeImage({ name, base, cached: !fresh, twice });
  report(image);
  if (image.differences === undefined) return 0;
  process.stdout.write(
    image.differences.length === 0
      ? '  a second build has the same digest\n'
      : `  a second build differs:\n${image.differences.map((line) => `    ${line}\n`).join('')}`,
  );
  return image.differences.length === 0 ? 0 : 1;
}

if (import.meta.main) {
  try {
    process.exitCode = main();
  } catch (error) {
    process.stderr.write(`npm run image: ${(error as Error).message}\n`);
    process.exitCode = 1;
  }
}
