/**
 * Builds the addon: `npm run build:addon`, and `npm ci` by the install script. Decides whether
 * there is anything to do (the built file is older than its sources) and where the Node headers
 * come from; the rest is node-gyp and binding.gyp. With `--force` it builds in any case.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const built = join(root, 'build', 'Release', 'kube_ipvs.node');

function isUpToDate() {
  if (!existsSync(built)) return false;
  const sources = readdirSync(join(root, 'addon'))
    .filter((name) => /\.(cc|h)$/.test(name))
    .map((name) => join(root, 'addon', name));
  const newest = [...sources, join(root, 'binding.gyp')].map((file) => statSync(file).mtimeMs);
  return Math.max(...newest) <= statSync(built).mtimeMs;
}

/**
 * Headers beside the running Node first (its own archive and the official images have them), then
 * the system's, which may be of an older Node: Node-API 9 has not changed since. Without either,
 * node-gyp downloads them.
 */
function headerArguments() {
  const prefixes = [dirname(dirname(process.execPath)), '/usr/local', '/usr'];
  const found = prefixes.find((prefix) => existsSync(join(prefix, 'include/node/node_api.h')));
  return found === undefined ? [] : [`--nodedir=${found}`];
}

function build() {
  const path = [join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter);
  const { status, error } = spawnSync(
    'node-gyp',
    ['rebuild', '--loglevel=warn', ...headerArguments()],
    { cwd: root, stdio: 'inherit', env: { ...process.env, PATH: path } },
  );
  if (error !== undefined) {
    console.error(`cannot run node-gyp (${error.message}); install the development packages first`);
  }
  return status ?? 1;
}

if (process.platform === 'linux' && (process.argv.includes('--force') || !isUpToDate())) {
  process.exitCode = build();
}
