/**
 * One writer a node: two instances that program at once (a DaemonSet beside a systemd unit, a
 * rolling update that overlaps) repeat and undo each other's work. The second one waits until the
 * first has ended. A file that is locked, named after the network namespace whose kernel state is
 * written: several nodes on one machine do not meet. The kernel unlocks it when its process ends,
 * however that is, so there is nothing to clean up.
 */
import { type FileHandle, mkdir, open, readlink } from 'node:fs/promises';
import path from 'node:path';
import { tryLock as lockFile } from '../kernel/addon.ts';
import { isNotImplemented } from '../kernel/errors.ts';
import type { Logger } from '../ops/log.ts';
import { backoffMs } from '../time/backoff.ts';
import type { Clock } from '../time/clock.ts';

/** On the host in a pod too: the chart mounts it. */
export const LOCK_FOLDER = '/run/kube-ipvs';

const TRIES = { firstMs: 200, maxMs: 1_000 };

export interface WriterLockOptions {
  readonly log: Logger;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly folder?: string;
  /** stands in for the kernel's in tests */
  readonly tryLock?: (descriptor: number) => boolean;
}

/** To be held as long as this process writes. */
export interface WriterLock {
  release(): Promise<void>;
}

/**
 * Waits its turn, and says so. Where there can be no lock (a read-only /run) it says that and goes
 * on: to serve is more.
 *
 * @returns undefined when `signal` fired first
 */
export async function becomeWriter(
  signal: AbortSignal,
  { log, clock, folder = LOCK_FOLDER, tryLock = lockFile }: WriterLockOptions,
): Promise<WriterLock | undefined> {
  let file: FileHandle | undefined;
  try {
    const name = path.join(folder, `writer-${await thisNamespace()}.lock`);
    await mkdir(folder, { recursive: true });
    // Not to be emptied: it names the holder.
    file = await open(name, 'a+', 0o600);
    const hasTurn = await takeTurn(file, name, signal, { log, clock, tryLock });
    if (hasTurn) await file.truncate().then(() => file!.appendFile(`${process.pid}\n`));
    if (hasTurn) return { release: () => file!.close() };
    await file.close();
    return undefined;
  } catch (error) {
    await file?.close().catch(() => undefined);
    if (isNotImplemented(error)) throw error;
    const message = `no lock in ${folder}: a second kube-ipvs on this node would not wait for this one`;
    log.error(message, error);
    return { release: async () => undefined };
  }
}

async function takeTurn(
  file: FileHandle,
  name: string,
  signal: AbortSignal,
  { log, clock, tryLock }: Required<Omit<WriterLockOptions, 'folder'>>,
): Promise<boolean> {
  for (let tries = 0; !tryLock(file.fd); tries++) {
    if (tries === 0) {
      const holder = (await file.readFile('utf8')).trim();
      log.warning('another kube-ipvs programs this node: waiting until it has ended', {
        lock: name,
        pid: holder,
      });
    }
    try {
      await clock.sleep(backoffMs(tries, TRIES), signal);
    } catch (error) {
      if (signal.aborted) return false;
      throw error;
    }
  }
  return !signal.aborted;
}

/** Inode of this network namespace: `4026531840`. */
async function thisNamespace(): Promise<string> {
  const link = await readlink('/proc/self/ns/net');
  return /\d+/.exec(link)?.[0] ?? 'unknown';
}
