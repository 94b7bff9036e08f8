/**
 * `kube-ipvs cleanup`, also `--cleanup` as kube-proxy has it: takes what is programmed out of the
 * kernel and says what that was. Not beside a proxy that runs, which would program it anew.
 */
import { everyFootprint } from '../inputs/contributors.ts';
import { loadConfiguration } from '../inputs/configuration.ts';
import { ownNames } from '../cleanup/names.ts';
import { reportText } from '../cleanup/report.ts';
import { RUN_FLAGS } from '../config/flags.ts';
import type { ResolvedConfig } from '../config/resolve.ts';
import { preciseWallClock, SystemClock } from '../ops/clock.ts';
import { createLogger, type Logger } from '../ops/log.ts';
import { Verbosity } from '../ops/verbosity.ts';
import { type CommandHelp, readCommandLine, refuse } from './commandLine.ts';
import { EXIT, type Io } from './io.ts';
import { OUTPUT_FLAG, outputFormat, type OutputFormat } from './outputFormat.ts';
import { render } from './render.ts';

/** Flags of run that ask for something else. */
const NOT_FOR_CLEANUP = new Set([
  'write-config-to',
  'cleanup',
  'init-only',
  'takeover',
  'manifests',
  'version',
]);

const HELP: CommandHelp = {
  name: 'kube-ipvs cleanup',
  summary:
    'Removes what this proxy, or a kube-proxy in mode ipvs, has programmed on this node, in both families: virtual servers, addresses, ' +
    'rules, ipsets; and puts sysctls back to what they were. What is not theirs stays. Takes the flags of run.',
  examples: [
    ['kube-ipvs cleanup --dry-run', 'what would be removed'],
    ['kube-ipvs cleanup', 'remove it; a second time finds nothing'],
    [
      'kube-ipvs cleanup --cleanup-other-modes',
      "also what kube-proxy's modes iptables and nftables have left",
    ],
    [
      'kube-ipvs cleanup --ipvs-exclude-cidrs=192.0.2.0/24 -o json',
      'virtual servers there stay; the report for programs',
    ],
  ],
  flags: [OUTPUT_FLAG, ...RUN_FLAGS.filter(({ name }) => !NOT_FOR_CLEANUP.has(name))],
};

export async function cleanup(words: readonly string[], io: Io): Promise<number> {
  const line = readCommandLine(words, HELP, io);
  if (!line.values) return line.exitCode;
  const output = outputFormat(line.values);
  const values = new Map([...line.values, ['cleanup', true] as const]);
  const { config, problems = [] } = await loadConfiguration(values, io.env);
  const bad = [...line.problems, ...output.problems, ...problems];
  if (!config || bad.length > 0) return refuse(bad, io);
  const log = createLogger({
    format: config.logging.format,
    verbosity: new Verbosity(config.logging),
    destination: io.stderr,
    wallMs: preciseWallClock(),
    pid: process.pid,
  });
  return performCleanup(config, output.format, { log, io });
}

/** Another one that writes has this long to end. */
const PATIENCE_MS = 5_000;

export async function performCleanup(
  config: ResolvedConfig,
  format: OutputFormat,
  { log, io }: { readonly log: Logger; readonly io: Io },
): Promise<number> {
  if (config.isDryRun) return report(config, format, io);
  const { findProxies, placesOf } = await import('../node/otherProxy.ts');
  const running = (await findProxies(placesOf(config))).filter(({ kind }) => kind === 'kube-proxy');
  if (running.length > 0) {
    const evidence = running.map((each) => each.evidence).join('; ');
    io.stderr.write(
      `error: kube-proxy is running on this node (${evidence}) and would program it anew: stop it first\n`,
    );
    return EXIT.failed;
  }
  const { becomeWriter } = await import('../node/writerLock.ts');
  const patience = AbortSignal.timeout(PATIENCE_MS);
  const lock = await becomeWriter(patience, { log, clock: new SystemClock() });
  if (lock === undefined) {
    io.stderr.write(
      'error: kube-ipvs is running on this node and would program it anew: stop it first\n',
    );
    return EXIT.failed;
  }
  try {
    return await report(config, format, io);
  } finally {
    await lock.release();
  }
}

async function report(config: ResolvedConfig, format: OutputFormat, io: Io): Promise<number> {
  const { cleanUp } = await import('../cleanup/shell/cleanup.ts');
  const { thisMachine } = await import('../cleanup/shell/thisMachine.ts');
  const { parts, close } = thisMachine();
  try {
    const done = await cleanUp(
      {
        isDryRun: config.isDryRun,
        hasOtherModes: config.cleansOtherModes,
        excludeCidrs: config.dataplane.excludeCidrs,
        names: ownNames(everyFootprint()),
      },
      parts,
    );
    io.stdout.write(format === 'text' ? reportText(done) : render(done, format));
    return done.failed.length === 0 ? EXIT.done : EXIT.failed;
  } finally {
    await close();
  }
}
