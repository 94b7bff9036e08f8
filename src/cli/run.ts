/**
 * `kube-ipvs run`, also as `kube-proxy`: makes one configuration of flags and file, does what ends
 * at once (--help, --version, --write-config-to, --cleanup, --init-only), and hands the rest to the
 * agent.
 */
import { stat, writeFile } from 'node:fs/promises';
import { setFlagsFromString } from 'node:v8';
import { DEFAULT_MANIFESTS, RUN_FLAGS } from '../config/flags.ts';
import { flagTexts } from '../config/flagTexts.ts';
import type { ResolvedConfig } from '../config/resolve.ts';
import { writtenConfiguration } from '../config/writtenConfiguration.ts';
import { formatYamlText } from '../config/yamlText.ts';
import { loadConfiguration } from '../inputs/configuration.ts';
import { preciseWallClock } from '../ops/clock.ts';
import { type Logger, createLogger } from '../ops/log.ts';
import { Verbosity } from '../ops/verbosity.ts';
import { type CommandHelp, readCommandLine, refuse } from './commandLine.ts';
import { EXIT, type Io } from './io.ts';
import { goVersion, goVersionInfo } from './kubeProxyVersion.ts';
import { VERSION } from './packageVersion.ts';

const HELP: CommandHelp = {
  name: 'kube-ipvs run',
  summary:
    'Proxies the Services of a cluster with IPVS on this node. Takes every flag of kube-proxy and its configuration file.',
  examples: [
    [
      'kube-ipvs --config=/var/lib/kube-proxy/config.conf --hostname-override=$(NODE_NAME)',
      'as the DaemonSet of kubeadm calls kube-proxy',
    ],
    ['kube-ipvs --kubeconfig=admin.conf --cluster-cidr=10.244.0.0/16', 'by flags alone'],
    ['kube-ipvs --manifests ./services', 'without an API server, from files'],
    [
      'kube-ipvs --config=config.yaml --features=features/',
      'with documents of ours beside it, see docs/features.md',
    ],
    ['kube-ipvs --ipvs-scheduler=sh --write-config-to=config.yaml', 'flags as a file'],
  ],
  flags: RUN_FLAGS,
};

/** @param program the name that it was called by, where that is another program's */
export async function run(words: readonly string[], io: Io, program?: string): Promise<number> {
  const line = readCommandLine(words, HELP, io);
  if (!line.values) return line.exitCode;
  const asked = (line.values.get('version') ?? 'false') as string;
  if (/^(true|raw)$/.test(asked) && line.problems.length === 0) {
    return printVersion(asked, program === 'kube-proxy', io);
  }

  const { config, problems = [] } = await loadConfiguration(line.values, io.env);
  if (!config || line.problems.length > 0) return refuse([...line.problems, ...problems], io);
  const verbosity = new Verbosity(config.logging);
  const logger = createLogger({
    format: config.logging.format,
    verbosity,
    destination: io.stderr,
    wallMs: preciseWallClock(),
    pid: process.pid,
  });
  const flags = flagTexts(line.values);
  if (logger.isVerbose(1)) tellFlags(flags, logger);
  for (const warning of config.warnings) logger.warning(warning);
  if (config.writeConfigTo !== undefined) return writeConfiguration(config, logger, io);
  if (config.isCleanup) {
    const { performCleanup } = await import('./cleanup.ts');
    return performCleanup(config, 'text', { log: logger, io });
  }
  if (config.isInitOnly) {
    const { initNode } = await import('../node/initNode.ts');
    return initNode(config, logger);
  }
  if (await lacksSource(config)) return refuse([NO_SOURCE], io);
  // The middle one of V8's three compilers: beside a start of seconds it takes more CPU on other
  // threads than it saves on ours.
  setFlagsFromString('--no-maglev');
  const { runProxy } = await import('../agent/runProxy.ts');
  return runProxy(config, { version: VERSION, log: logger, verbosity, flags, env: io.env });
}

/** As kube-proxy begins its log: what it was started with, whatever a file says. */
function tellFlags(texts: ReadonlyMap<string, string>, logger: Logger): void {
  for (const [name, text] of texts) logger.plain(1, `FLAG: --${name}=${JSON.stringify(text)}`);
}

/**
 * kube-proxy's forms: one line for `true`, the structure for `raw`. In its place its own answer is
 * given, since who asks compares it with the versions of Kubernetes.
 */
async function printVersion(asked: string, isKubeProxy: boolean, io: Io): Promise<number> {
  if (isKubeProxy) {
    io.stdout.write(`${asked === 'raw' ? goVersionInfo(VERSION) : goVersion()}\n`);
  } else if (asked === 'raw') {
    const { readVersions } = await import('./version.ts');
    io.stdout.write(`${JSON.stringify(await readVersions())}\n`);
  } else {
    io.stdout.write(`kube-ipvs v${VERSION}\n`);
  }
  return EXIT.done;
}

async function writeConfiguration(config: ResolvedConfig, logger: Logger, io: Io): Promise<number> {
  const path = config.writeConfigTo!;
  try {
    await writeFile(path, formatYamlText(writtenConfiguration(config.document)));
  } catch (error) {
    io.stderr.write(`error: --write-config-to: ${(error as Error).message}\n`);
    return EXIT.failed;
  }
  logger.info('configuration written', { file: path });
  return EXIT.done;
}

const NO_SOURCE = {
  path: '--manifests',
  value: DEFAULT_MANIFESTS,
  problem:
    'no Services to proxy: neither --kubeconfig nor --master nor --manifests is given, this is no pod, and the default folder of ' +
    'manifests does not exist; give --kubeconfig FILE or --manifests PATH, or put manifests into that folder',
};

/** Only the default folder may be missing here: a named one is the source's to complain about. */
async function lacksSource({ source }: ResolvedConfig): Promise<boolean> {
  if (source.kind !== 'manifests' || !source.isDefault) return false;
  return !(await stat(DEFAULT_MANIFESTS).catch(() => undefined));
}
