// The image as it is built here: what is in it, what is not, what it says of itself, and that it
// can be made again.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { type Image, makeImage } from '../../packaging/image/image.ts';

const isCi = Boolean(process.env['CI']) && process.env['CI'] !== 'false';
/** A second build from nothing takes minutes: in CI, and where it is asked for. */
const isBuiltTwice = isCi || Boolean(process.env['KUBE_IPVS_BUILD_TWICE']);

let image: Image;
let files: readonly string[];

beforeAll(() => {
  image = makeImage({ twice: isBuiltTwice });
  files = filesBelow('');
}, 1_200_000);

function filesBelow(folder: string): string[] {
  return readdirSync(join(image.tree, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

/** In the image's own root, with nothing of this machine. */
function inside(...argv: readonly string[]) {
  const env = { PATH: '/usr/local/bin:/usr/sbin:/usr/bin' };
  const { status, stdout, stderr } = spawnSync('chroot', [image.tree, ...argv], {
    env,
    encoding: 'utf8',
  });
  return { status, text: stdout + stderr };
}

test.each([
  [['kube-ipvs', 'version'], /kube-ipvs +\d/],
  [['kube-ipvs', 'version'], /addon +loaded/],
  [['kube-proxy', '--version'], /^Kubernetes v\d/],
  [['kube-proxy', '--help'], /--hostname-override/],
  [['ipvsadm', '--version'], /ipvs/],
  [['iptables-nft', '--version'], /nf_tables/],
  [['iptables-legacy', '--version'], /legacy/],
  [['ip6tables-nft-restore', '--version'], /nf_tables/],
  [['ip6tables-legacy-save', '--version'], /legacy/],
  [['iptables', '-m', 'set', '--help'], /match-set/],
  [['ipset', '--version'], /ipset v7/],
  [['modprobe', '--version'], /kmod/],
])('%j works in it', (argv, output) => {
  expect(inside(...argv).text).toMatch(output);
});

test('the entry point is the product, the programs are links to it', () => {
  expect(image.config.Entrypoint).toEqual(['/usr/local/bin/kube-ipvs']);
  for (const name of ['kube-ipvs', 'kube-proxy', 'ipvsadm']) {
    expect(lstatSync(join(image.tree, 'usr/local/bin', name)).isSymbolicLink()).toBe(true);
  }
});

test('there is no shell, compiler, package tool or source', () => {
  const unwanted =
    /(^|\/)(sh|bash|dash|busybox|gcc|g\+\+|cc|ld|make|python3?|npm|npx|apt|apt-get|dpkg|perl|env)$|\.(ts|cc|h|map)$|node_modules/;
  expect(files.filter((path) => unwanted.test(path))).toEqual([]);
});

test('every shared library that a program asks for is there', () => {
  const programs = [
    'usr/local/bin/node',
    'usr/lib/kube-ipvs/kube_ipvs.node',
    'usr/sbin/ipset',
    'usr/bin/kmod',
  ];
  const loader = '/lib64/ld-linux-x86-64.so.2';
  const list = existsSync(join(image.tree, loader)) ? programs : [];
  for (const program of list) {
    expect(inside(loader, '--list', `/${program}`).text).not.toMatch(/not found/);
  }
});

test('it is small', () => {
  const unpacked = image.sizes.reduce((sum, { bytes }) => sum + bytes, 0);
  const packed = image.layers.reduce((sum, { size }) => sum + size, 0);
  expect(unpacked).toBeLessThan(135e6);
  expect(packed).toBeLessThan(55e6);
  // What an upgrade of the product alone has to pull.
  expect(image.layers.at(-1)!.size).toBeLessThan(2e6);
});

test('its labels tell what it is, also when every step came from the cache of an earlier revision', () => {
  const head = execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' }).trim();
  expect(image.config.Labels).toMatchObject({
    'org.opencontainers.image.title': 'kube-ipvs',
    'org.opencontainers.image.licenses': 'Apache-2.0',
    'org.opencontainers.image.version': expect.stringMatching(/^\d+\.\d+\.\d+/),
    'org.opencontainers.image.revision': expect.stringMatching(`^${head}(-dirty)?$`),
    'org.opencontainers.image.created': expect.stringMatching(/^20\d\d-/),
  });
});

test('the bill of materials names Node, what is bundled and every package of Debian', () => {
  const document = JSON.parse(readFileSync(image.sbom, 'utf8')) as {
    readonly spdxVersion: string;
    readonly packages: readonly {
      readonly name: string;
      readonly SPDXID: string;
      readonly versionInfo: string;
    }[];
    readonly relationships: readonly {
      readonly spdxElementId: string;
      readonly relatedSpdxElement: string;
    }[];
  };
  const names = document.packages.map(({ name }) => name);
  expect(document.spdxVersion).toMatch(/^SPDX-2/);
  expect(names).toEqual(
    expect.arrayContaining([
      'kube-ipvs',
      'node',
      'prom-client',
      'valibot',
      '@kubernetes/client-node',
      'libc6',
      'iptables',
      'kmod',
    ]),
  );
  expect(names).not.toEqual(expect.arrayContaining(['jest']));
  expect(names).toEqual(
    expect.arrayContaining(readdirSync(join(image.tree, 'var/lib/dpkg/status.d'))),
  );
  expect(document.packages.filter(({ versionInfo }) => !versionInfo)).toEqual([]);
  const ids = new Set(['SPDXRef-DOCUMENT', ...document.packages.map(({ SPDXID }) => SPDXID)]);
  const dangling = document.relationships.filter(
    ({ spdxElementId, relatedSpdxElement }) =>
      !ids.has(spdxElementId) || !ids.has(relatedSpdxElement),
  );
  expect(dangling).toEqual([]);
});

test('the licence of every bundled package goes with it', () => {
  const folder = join(image.tree, 'usr/share/doc/kube-ipvs');
  const bundled = readFileSync(join(folder, 'bundled'), 'utf8').trim().split('\n');
  const licences = readFileSync(join(folder, 'kube-ipvs.js.LEGAL.txt'), 'utf8').replace(/^/, '\n');
  expect(bundled.length).toBeGreaterThan(20);
  for (const path of bundled) {
    expect(licences).toContain(`\n${path.replace('node_modules/', '')} `);
  }
});

test('no file of it depends on when it was built', () => {
  const times = new Set(files.map((path) => lstatSync(join(image.tree, path)).mtimeMs));
  // Mount points that a container run of another test has left are of today.
  const built = [...times].filter((time) => time < Date.UTC(2000, 0));
  expect(built).toEqual([0]);
});

(isBuiltTwice ? test : test.skip)('a second build from the same sources is the same image', () => {
  expect(image.differences).toEqual([]); // oxlint-disable-line jest/no-standalone-expect
});
