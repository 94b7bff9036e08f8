#!/usr/bin/env -S node --max-semi-space-size=1
/**
 * The program: from the process' arguments to its exit code. Everything else is below commands.ts.
 *
 * Node's flag above keeps V8's nursery at 1 MiB a half instead of 16: a proxy holds what it has
 * read, so a larger one only takes memory, a quarter of the whole, and page faults at the start
 * (docs/benchmarks.md). It can be set in no later place.
 */
import { basename } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { dispatch } from './commands.ts';
import { EXIT } from './io.ts';

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return endBySignal('SIGPIPE');
  // Half of `list -S` on a full disk must not look like all of it.
  process.stderr.write(`error: cannot write to stdout: ${error.message}\n`);
  process.exit(EXIT.failed);
});

/**
 * As every program ends whose reader has seen enough (`kube-ipvs list | head`). Node ignores the
 * signal; a listener that goes away leaves the system's own handling behind.
 */
function endBySignal(signal: 'SIGPIPE'): void {
  const nothing = () => undefined;
  process.on(signal, nothing).off(signal, nothing);
  process.kill(process.pid, signal);
}

const OLDEST_NODE = 24;

async function exitCode(): Promise<number> {
  const { node } = process.versions;
  if (Number.parseInt(node, 10) < OLDEST_NODE) {
    process.stderr.write(
      `error: Node ${OLDEST_NODE} or later is needed, this is ${node} (${process.execPath}); ` +
        'put a newer one first in PATH, for example node_modules/.bin of a checkout after npm ci\n',
    );
    return EXIT.failed;
  }
  const [, program = '', ...words] = process.argv;
  try {
    return await dispatch(basename(program).replace(/\.[cm]?[jt]s$/, ''), words, {
      stdout: process.stdout,
      stderr: process.stderr,
      env: process.env,
    });
  } catch (error) {
    // Commands report what they foresee; this is a bug, and its place matters.
    process.stderr.write(`error: ${error instanceof Error ? error.stack : String(error)}\n`);
    return EXIT.failed;
  }
}

/** A pipe takes 64 KiB at a time; what is still waiting then would be lost with the process. */
function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write('', () => resolve()));
}

if (isMainThread) {
  const code = await exitCode();
  await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
  process.exit(code);
} else {
  // The one thread that the program has besides its first one (announcerHandle.ts).
  const { runAnnouncerWorker } = await import('../loadbalancer/shell/announcerWorker.ts');
  await runAnnouncerWorker();
}
