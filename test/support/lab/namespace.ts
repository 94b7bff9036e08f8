/**
 * A network namespace of its own for a kernel test: nothing in it but a loopback device that is up.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const exec = promisify(execFile);

export interface Namespace {
  readonly name: string;
  /** for SocketOptions.networkNamespacePath */
  readonly networkNamespacePath: string;
  /** @returns stdout; throws when the command fails */
  run(...argv: readonly string[]): Promise<string>;
  remove(): Promise<void>;
}

let made = 0;

export async function freshNamespace(): Promise<Namespace> {
  made += 1;
  const name = `kube-ipvs-test-${process.pid}-${made}-${Date.now().toString(36)}`;
  await exec('ip', ['netns', 'add', name]);
  const run = async (...argv: readonly string[]) =>
    (await exec('ip', ['netns', 'exec', name, ...argv])).stdout;
  await exec('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
  return {
    name,
    networkNamespacePath: `/run/netns/${name}`,
    run,
    remove: async () => {
      await exec('ip', ['netns', 'del', name]);
    },
  };
}
