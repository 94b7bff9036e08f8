// What is in the image: its size by part, and its bill of materials (SPDX) from `npm sbom` and the
// Debian packages' own records.

import { execFileSync } from 'node:child_process';
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkout } from '../machine.mjs';

export interface PartSize {
  readonly part: string;
  readonly bytes: number;
}

/** First match counts; paths are relative to the tree. */
const parts: readonly (readonly [string, RegExp])[] = [
  ['Node.js', /^usr\/local\/bin\/node$/],
  ['kube-ipvs: bundle and addon', /^usr\/(lib\/kube-ipvs|local\/bin)\//],
  ['libcrypto (kmod: module signatures)', /libcrypto/],
  ['C and C++ run time', /\/(ld-linux|libc\.|libm\.|libstdc|libgcc|libdl|libpthread)/],
  ['iptables extensions', /\/xtables\//],
  ['ipset, iptables, kmod and their libraries', /^usr\/(s?bin|lib|lib64)\//],
  ['licences, package records, files in /etc', /./],
];

/** @returns the largest first */
export function sizeByPart(tree: string): readonly PartSize[] {
  const sizes = new Map<string, number>();
  for (const path of filesBelow(tree, '')) {
    const [part] = parts.find(([, pattern]) => pattern.test(path))!;
    sizes.set(part, (sizes.get(part) ?? 0) + lstatSync(join(tree, path)).size);
  }
  return Array.from(sizes, ([part, bytes]) => ({ part, bytes })).toSorted(
    (a, b) => b.bytes - a.bytes,
  );
}

/** Real files only: a recursive readdir would walk through the links of the merged /usr as well. */
function filesBelow(tree: string, folder: string): readonly string[] {
  return readdirSync(join(tree, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesBelow(tree, path);
    return entry.isFile() ? [path] : [];
  });
}

/** Of an SPDX document, what is looked at here. */
interface SpdxPackage {
  readonly SPDXID: string;
  readonly name: string;
  readonly versionInfo?: string | undefined;
}

interface SpdxDocument {
  readonly documentDescribes: readonly [string];
  readonly packages: readonly SpdxPackage[];
  readonly relationships: readonly {
    readonly spdxElementId: string;
    readonly relatedSpdxElement: string;
    readonly relationshipType: string;
  }[];
}

type Lock = Readonly<Record<string, { readonly version: string }>>;

/**
 * `npm sbom` of the production dependencies, without those that the bundler left out, with Node and
 * Debian's packages.
 */
export function billOfMaterials(
  tree: string,
  { version }: { readonly version: string },
): SpdxDocument & { readonly name: string } {
  const bundled = new Set(
    readFileSync(join(tree, 'usr/share/doc/kube-ipvs/bundled'), 'utf8').trim().split('\n'),
  );
  const { packages: lock } = JSON.parse(
    readFileSync(join(checkout, 'package-lock.json'), 'utf8'),
  ) as { packages: Lock };
  const names = new Set(
    [...bundled].map((path) => `${path.replace(/.*node_modules\//, '')}@${lock[path]!.version}`),
  );
  const document = npmDocument();
  const [root] = document.documentDescribes;
  const isWanted = ({ SPDXID, name, versionInfo }: SpdxPackage) =>
    SPDXID === root || names.has(`${name}@${versionInfo}`);
  const npmPackages = document.packages.filter(isWanted);
  const added = [nodePackage(lock['node_modules/node']!.version), ...debianPackages(tree)];
  const packages = [...npmPackages, ...added];
  const ids = new Set(packages.map(({ SPDXID }) => SPDXID));
  const contains = added.map(({ SPDXID }) => ({
    spdxElementId: root,
    relatedSpdxElement: SPDXID,
    relationshipType: 'CONTAINS',
  }));
  const kept = document.relationships.filter(
    ({ spdxElementId, relatedSpdxElement }) =>
      (ids.has(spdxElementId) || spdxElementId === 'SPDXRef-DOCUMENT') &&
      ids.has(relatedSpdxElement),
  );
  return {
    ...document,
    name: `kube-ipvs@${version} (container image)`,
    packages,
    relationships: [...kept, ...contains],
  };
}

function npmDocument(): SpdxDocument {
  const argv = ['sbom', '--sbom-format=spdx', '--omit=dev'];
  return JSON.parse(
    execFileSync('npm', argv, { cwd: checkout, encoding: 'utf8', maxBuffer: 1 << 26 }),
  ) as SpdxDocument;
}

const unasserted = { downloadLocation: 'NOASSERTION', filesAnalyzed: false };
const reference = (locator: string) => ({
  referenceCategory: 'PACKAGE-MANAGER',
  referenceType: 'purl',
  referenceLocator: locator,
});

const nodePackage = (version: string) => ({
  name: 'node',
  SPDXID: 'SPDXRef-Package-runtime-node',
  versionInfo: version,
  licenseDeclared: 'MIT',
  externalRefs: [reference(`pkg:npm/node@${version}`)],
  ...unasserted,
});

/** From the records that tree.sh leaves for scanners, one file a package. */
function debianPackages(tree: string): readonly SpdxPackage[] {
  const folder = join(tree, 'var/lib/dpkg/status.d');
  return readdirSync(folder).map((name) => {
    const record = readFileSync(join(folder, name), 'utf8');
    const field = (key: string) => {
      const found = new RegExp(`^${key}: (.*)$`, 'm').exec(record)?.[1];
      if (found === undefined) throw new Error(`${join(folder, name)} has no field ${key}`);
      return found;
    };
    const version = field('Version');
    const locator = `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${field('Architecture')}`;
    return {
      name,
      SPDXID: `SPDXRef-Package-deb-${name.replaceAll(/[^\w.]/g, '-')}`,
      versionInfo: version,
      supplier: 'Organization: Debian',
      externalRefs: [reference(locator)],
      ...unasserted,
    };
  });
}
