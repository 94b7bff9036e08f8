/**
 * The addon's tests under AddressSanitizer and UndefinedBehaviorSanitizer: builds it once more,
 * instrumented, in .cache/sanitize (the normal build stays as it is) and runs
 * test/kernel/addon*.test.ts and packetSocket*.test.ts with the sanitizers' libraries preloaded
 * into Node. Leaks are not looked for: Node and V8 keep what they have until the end. Extra
 * arguments go to jest.
 */
import { type SpawnSyncOptions, execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { checkout } from '../../packaging/machine.mjs';

const folder = join(checkout, '.cache', 'sanitize');
const flags = '-fsanitize=address,undefined -fno-sanitize-recover=undefined';

function run(command: string, argv: readonly string[], options: SpawnSyncOptions): void {
  const { status, error } = spawnSync(command, argv, { stdio: 'inherit', ...options });
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

/**
 * A copy of the addon below the checkout, so that node-addon-api is found; node-gyp always builds
 * in the folder it is in.
 */
function buildInstrumented(): string {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  cpSync(join(checkout, 'addon'), join(folder, 'addon'), { recursive: true });
  cpSync(join(checkout, 'binding.gyp'), join(folder, 'binding.gyp'));
  cpSync(join(checkout, 'package.json'), join(folder, 'package.json'));
  const compiler = { CXXFLAGS: `${flags} -O1 -g -fno-omit-frame-pointer`, LDFLAGS: flags };
  const path = `${join(checkout, 'node_modules', '.bin')}:${process.env['PATH']}`;
  run(process.execPath, [join(folder, 'addon', 'build.mjs'), '--force'], {
    env: { ...process.env, ...compiler, PATH: path },
  });
  return join(folder, 'build', 'Release', 'kube_ipvs.node');
}

/** Where this compiler keeps its runtime libraries. */
function sanitizerLibraries(): readonly string[] {
  return ['libasan.so', 'libubsan.so'].map((name) => {
    const path = execFileSync('g++', [`-print-file-name=${name}`], { encoding: 'utf8' }).trim();
    if (!existsSync(path)) throw new Error(`${name} is missing: install g++'s sanitizer libraries`);
    return path;
  });
}

const addon = buildInstrumented();
const jest = join(checkout, 'node_modules', 'jest', 'bin', 'jest.js');
const files = 'test/kernel/(addon|packetSocket)';
const tests = ['--selectProjects', 'kernel', '--testPathPatterns', files];
run(
  process.execPath,
  ['--experimental-vm-modules', jest, '--runInBand', ...tests, ...process.argv.slice(2)],
  {
    cwd: checkout,
    env: {
      ...process.env,
      // These tests stay inside namespaces that they make, so this machine will do for a lab.
      KUBE_IPVS_LAB: process.env['KUBE_IPVS_LAB'] ?? 'host',
      KUBE_IPVS_ADDON: addon,
      LD_PRELOAD: sanitizerLibraries().join(':'),
      ASAN_OPTIONS: 'detect_leaks=0:abort_on_error=0:exitcode=99',
      UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
    },
  },
);
