/**
 * The built product as a process in a network namespace, for tests of how it begins, fails and
 * ends.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from './cluster.ts';
import { patience } from '../../lab/patience.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
export const BUNDLE = join(ROOT, 'dist', 'kube-ipvs.js');

/** Whoever started the tests may have done it: an emulated lab takes long over it. */
export async function buildProduct(): Promise<void> {
  if (process.env['KUBE_IPVS_BUILT'] === '1') return;
  await promisify(execFile)(process.execPath, [join(ROOT, 'packaging', 'bundle', 'bundle.ts')]);
}

export interface ProductOptions {
  /** of the network namespace */
  readonly namespace: string;
  /** after `run` */
  readonly flags: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** goes before the program: `setpriv …` */
  readonly prefix?: readonly string[];
  readonly bundle?: string;
  /** its /run/kube-ipvs, shared with others that name it; default: one of its own */
  readonly runFolder?: string;
}

export class ProductProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number>;
  #log = '';

  constructor(options: ProductOptions) {
    const { namespace, flags, env = {}, prefix = [], bundle = BUNDLE, runFolder } = options;
    // `ip netns exec` gives it a mount namespace too, in which it gets a ledger of its own.
    const mount = runFolder === undefined ? '-t tmpfs tmpfs' : `--bind ${runFolder}`;
    const script = `mkdir -p /run/kube-ipvs && mount ${mount} /run/kube-ipvs && exec "$@"`;
    const program = [...prefix, process.execPath, bundle, 'run', ...flags];
    const outer = ['netns', 'exec', namespace, '/bin/sh', '-c', script, 'sh'];
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const argv = [...outer, '/usr/bin/env', ...variables, ...program];
    this.#child = spawn('ip', argv, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.#log += text));
    }
    this.#ended = new Promise((resolve) =>
      this.#child.once('close', (code) => resolve(code ?? 128)),
    );
  }

  /** All it has written. */
  get log(): string {
    return this.#log;
  }

  /** @returns the exit code */
  end(signal?: NodeJS.Signals): Promise<number> {
    if (signal !== undefined) this.#child.kill(signal);
    return this.#ended;
  }

  /** It comes to write something like this. */
  says(what: RegExp, patienceMs = patience(45_000)): Promise<void> {
    return eventually(() => {
      if (!what.test(this.#log)) throw new Error(`not told: ${what}\n${this.#log}`);
    }, patienceMs);
  }
}
