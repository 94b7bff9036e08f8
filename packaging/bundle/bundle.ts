/**
 * Makes the product: dist/kube-ipvs.js, one file with all JavaScript in it, and the addon beside
 * it. One file because the Kubernetes client costs a second and 60 MB when its package is loaded
 * file by file and whole.
 *
 *   node packaging/bundle/bundle.ts [--outdir FOLDER] [--minify] [--meta FILE]
 */
import { chmod, copyFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { builtinModules } from 'node:module';
import { type BuildOptions, type Metafile, type Plugin, build } from 'esbuild';
import { BANNER, joinParts, LOADER } from './parts.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const ADDON = join(ROOT, 'build', 'Release', 'kube_ipvs.node');

const { values } = parseArgs({
  options: {
    outdir: { type: 'string', default: join(ROOT, 'dist') },
    minify: { type: 'boolean' },
    meta: { type: 'string' },
  },
});

/**
 * A static import of `node:https` anywhere would be hoisted to the top of the one file and cost
 * every command 25 MB and 50 ms. As a CommonJS module it is loaded with the first module of ours
 * that needs it.
 */
const lazyBuiltins: Plugin = {
  name: 'lazy-builtins',
  setup(bundler) {
    const names = builtinModules.map((name) => name.replace(/^node:/, ''));
    bundler.onResolve({ filter: new RegExp(`^(node:)?(${names.join('|')})$`) }, ({ path }) => ({
      path: `node:${path.replace(/^node:/, '')}`,
      namespace: 'builtin',
    }));
    bundler.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`,
    }));
  },
};

/**
 * Of the Kubernetes client only KubeConfig is used (src/cluster/kubeconfig.ts), and of that only
 * what authenticates Node's own https. Taken from its module, without the generated API and the
 * fetch stack, which esbuild cannot drop by itself in code that is loaded lazily. A name that is
 * not there fails here, a call that is not meant fails with a word of where to look.
 */
const ABSENT: Readonly<Record<string, readonly string[]>> = {
  undici: ['Agent', 'ProxyAgent'],
  './gen/index.js': ['createConfiguration', 'ServerConfiguration'],
};
const slimClient: Plugin = {
  name: 'slim-client',
  setup(bundler) {
    const folder = join(ROOT, 'node_modules', '@kubernetes', 'client-node', 'dist');
    bundler.onResolve({ filter: /^@kubernetes\/client-node$/ }, () => ({
      path: join(folder, 'config.js'),
    }));
    // It gets JSON from us (src/cluster/kubeconfig.ts), which is YAML and which Node reads itself.
    bundler.onResolve({ filter: /^js-yaml$/ }, ({ path }) => ({ path, namespace: 'json-yaml' }));
    bundler.onLoad({ filter: /.*/, namespace: 'json-yaml' }, () => ({
      contents: 'export const load = (text) => JSON.parse(text);',
    }));
    bundler.onResolve({ filter: /^(undici|\.\/gen\/index\.js)$/ }, ({ path, importer }) =>
      importer === join(folder, 'config.js') ? { path, namespace: 'absent' } : undefined,
    );
    bundler.onLoad({ filter: /.*/, namespace: 'absent' }, ({ path }) => ({
      contents: ABSENT[path]!.map(
        (name) =>
          `export function ${name}() { throw new Error('${name} of ${path} is not in the bundle: packaging/bundle/bundle.ts'); }`,
      ).join('\n'),
    }));
  },
};

/**
 * What neither a listing nor ipvsadm needs: modules that are loaded by `import()` only, and all
 * that they stand on.
 */
const DEFERRED = [
  'src/cli/run.ts',
  'src/cli/plan.ts',
  'src/cli/config.ts',
  'src/cli/lb.ts',
  'src/cli/cleanup.ts',
  'src/cli/version.ts',
  'src/loadbalancer/shell/announcerWorker.ts',
  'src/cli/listing/readOwners.ts',
  'src/cli/listing/printValues.ts',
];
const LOADER_NAME = 'bundle:deferred';
const deferred: Plugin = {
  name: 'deferred',
  setup(bundler) {
    bundler.onResolve({ filter: /\.ts$/ }, ({ kind, path, resolveDir }) => {
      const file = relative(ROOT, resolve(resolveDir, path));
      if (kind !== 'dynamic-import' || !DEFERRED.includes(file)) return undefined;
      return { path: file, namespace: 'deferred' };
    });
    bundler.onLoad({ filter: /.*/, namespace: 'deferred' }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(LOADER_NAME)})[${JSON.stringify(path)}]();`,
    }));
    bundler.onResolve({ filter: new RegExp(`^${LOADER_NAME}$`) }, ({ path }) => ({
      path,
      namespace: 'loader',
    }));
    bundler.onLoad({ filter: /.*/, namespace: 'loader' }, () => ({ contents: LOADER }));
  },
};

const BUNDLE = resolve(values.outdir, 'kube-ipvs.js');

const options = {
  absWorkingDir: ROOT,
  outfile: BUNDLE,
  bundle: true,
  platform: 'node',
  target: 'node24',
  minify: values.minify ?? false,
  // Errors are told by their class, in logs too.
  keepNames: true,
  // Licences are whole in the file that goes with the bundle.
  legalComments: 'none',
  // Its main file hides what it requires from a bundler.
  alias: { 'jsonc-parser': 'jsonc-parser/lib/esm/main.js' },
  define: { 'import.meta.url': 'bundleUrl' },
  metafile: true,
  write: false,
  logLevel: 'warning',
} satisfies BuildOptions;

await mkdir(dirname(BUNDLE), { recursive: true });
const direct = await build({
  ...options,
  entryPoints: ['src/cli/main.ts'],
  format: 'esm',
  plugins: [deferred, lazyBuiltins],
  banner: { js: BANNER },
});
const entries = DEFERRED.map((path) => `${JSON.stringify(path)}: () => require('./${path}')`);
const later = await build({
  ...options,
  stdin: { contents: `module.exports = {${entries.join(', ')}};`, resolveDir: ROOT },
  format: 'cjs',
  sourcemap: 'external',
  sourcesContent: false,
  plugins: [slimClient, lazyBuiltins],
});
const output = (end: string) => later.outputFiles.find(({ path }) => path.endsWith(end))!.text;
const metafile = { inputs: { ...direct.metafile.inputs, ...later.metafile.inputs } };
await writeFile(
  BUNDLE,
  joinParts(direct.outputFiles[0]!.text, { text: output('.js'), map: output('.map') }),
);
await chmod(BUNDLE, 0o755);
await copyAddon();
await writeFile(`${BUNDLE}.LEGAL.txt`, await licences(metafile));
if (values.meta !== undefined) await writeFile(values.meta, JSON.stringify(metafile));

const { size } = await stat(BUNDLE);
console.log(`${relative(process.cwd(), BUNDLE)}: ${(size / 1024).toFixed(0)} KiB`);

async function copyAddon(): Promise<void> {
  try {
    await copyFile(ADDON, join(dirname(BUNDLE), 'kube_ipvs.node'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    console.error('the addon is not built yet: run `npm run build:addon`, then this again');
    process.exitCode = 1;
  }
}

/** The text under which each bundled package may be passed on. */
async function licences({ inputs }: Pick<Metafile, 'inputs'>): Promise<string> {
  const names = Object.keys(inputs).map(
    (path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1],
  );
  const packages = [...new Set(names.filter((name) => name !== undefined))].toSorted();
  const texts = packages.map(async (name) => {
    const folder = join(ROOT, 'node_modules', name);
    const { version, license } = JSON.parse(
      await readFile(join(folder, 'package.json'), 'utf8'),
    ) as { version: string; license: string };
    const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file === undefined ? '' : await readFile(join(folder, file), 'utf8');
    return `${name} ${version} (${license})\n\n${text.trim()}\n`;
  });
  return (await Promise.all(texts)).join(`\n${'-'.repeat(80)}\n\n`);
}
