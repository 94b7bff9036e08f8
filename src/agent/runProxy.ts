/**
 * `run` from a resolved configuration to the exit code: puts the parts together and takes them
 * apart again.
 */
import { Registry } from 'prom-client';
import { KubeconfigError } from '../cluster/kubeconfigFile.ts';
import { ManifestPathError } from '../cluster/manifestFiles.ts';
import type { ResolvedConfig } from '../config/resolve.ts';
import { type Contributors, openContributors } from '../inputs/contributors.ts';
import { thisNodeName } from '../inputs/host.ts';
import { openSource } from '../inputs/source.ts';
import { ExecError, KernelError } from '../kernel/errors.ts';
import type { IptablesTools } from '../kernel/iptablesBackend.ts';
import { registerConfigOk } from '../loadbalancer/shell/configMetric.ts';
import { FAMILIES } from '../net/family.ts';
import type { Conditions } from '../ops/conditions.ts';
import { ProxyHealth } from '../ops/health.ts';
import { ListenError } from '../ops/httpServer.ts';
import type { Logger } from '../ops/log.ts';
import { Metrics } from '../ops/metrics.ts';
import type { Verbosity } from '../ops/verbosity.ts';
import { Agent } from './agent.ts';
import { FEATURES_REFUSED, openConditions } from './conditions.ts';
import { EndSignal } from './endSignal.ts';
import { FeatureSet } from './featureSet.ts';
import { askedFeatures, needsOf } from './features.ts';
import { FeaturesWatch } from './featuresWatch.ts';
import { type Machine, thisMachine } from './machine.ts';
import { EnvironmentError } from '../node/nodeEnvironment.ts';
import { NodeMismatchError } from './ownNode.ts';
import { Reporter } from './report/reporter.ts';
import { ProxyServers } from './servers.ts';

export interface Program {
  readonly version: string;
  /** that of `log` */
  readonly verbosity: Verbosity;
  /** all flags by name, as the command line left them */
  readonly flags: ReadonlyMap<string, string>;
  readonly log: Logger;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * @returns the exit code: 0 after a signal, 1 when it cannot go on here, or must be started anew
 *   with a changed --config or --features, 2 when what the configuration names is wrong
 */
export async function runProxy(
  config: ResolvedConfig,
  program: Program,
  machine: Machine = thisMachine(),
): Promise<number> {
  const { log } = program;
  const { clock, signals } = machine;
  const end = new EndSignal({ configFile: config.configFile, log, clock, signals });
  const featuresWatch = new FeaturesWatch({
    paths: config.featurePaths,
    inForce: config.features,
    log,
    clock,
    onChange: () => end.changed('what --features names'),
  });
  featuresWatch.start();
  try {
    const ended = proxyUntil(end.signal, config, program, { ...machine, featuresWatch }).then(
      () => true,
    );
    const isInOrder = await Promise.race([ended, end.overdue.then(() => false)]);
    if (!isInOrder) machine.leaveAtOnce(end.exitCode);
    return end.exitCode;
  } catch (error) {
    if (!isExplained(error)) throw error;
    log.error(`kube-ipvs cannot run here: ${error.message}`);
    return isBadInput(error) ? 2 : 1;
  } finally {
    end.release();
    featuresWatch.close();
  }
}

async function proxyUntil(
  signal: AbortSignal,
  config: ResolvedConfig,
  program: Program,
  machine: WatchedMachine,
): Promise<void> {
  const { version, log } = program;
  const nodeName = thisNodeName(config, machine.hostname());
  if (nodeName === undefined) {
    throw new EnvironmentError('this host has no name; give --hostname-override');
  }
  log.info('starting', { version: `v${version}`, node: nodeName });
  await machine.checkCapabilities();
  await machine.checkOtherProxies(signal, config, { log, clock: machine.clock });
  // Before anything is read for later: while it waits another one writes.
  const lock = await machine.becomeWriter(signal, { log, clock: machine.clock });
  try {
    if (lock !== undefined) await proxyAlone(signal, config, program, { ...machine, nodeName });
  } finally {
    await lock?.release();
  }
}

async function proxyAlone(
  signal: AbortSignal,
  config: ResolvedConfig,
  program: Program,
  node: NamedMachine,
): Promise<void> {
  const { log } = program;
  const tools = await node.checkEnvironment(log);
  await node.setOomScore(config.oomScoreAdj, log);
  await node.checkLocalPorts(log);

  const contributors = await openContributors(config);
  const parts = assemble(config, program, { ...node, tools, contributors });
  const { agent, servers, conditions, close } = parts;
  node.featuresWatch.tell(conditions);
  try {
    await node.setIpvsTimeouts(config.dataplane.timeoutsSec, { log, conditions });
    await node.applyConntrackSettings(config.conntrack, { log, conditions });
    await agent.run(signal, () => servers.open());
  } finally {
    await servers.close();
    close();
  }
}

interface WatchedMachine extends Machine {
  readonly featuresWatch: Pick<FeaturesWatch, 'tell'>;
}

interface NamedMachine extends WatchedMachine {
  readonly nodeName: string;
}

interface ThisNode extends NamedMachine {
  readonly tools: IptablesTools;
  readonly contributors: Contributors;
}

function assemble(config: ResolvedConfig, program: Program, node: ThisNode) {
  const { version, log, env } = program;
  const { nodeName, tools, contributors, clock } = node;
  const families = FAMILIES;
  const health: ProxyHealth = new ProxyHealth({
    families,
    timeoutMs: 2 * config.syncPeriodMs,
    clock,
    codes: () => conditions.healthCodes,
  });
  const metrics: Metrics = new Metrics({
    families,
    version: buildVersion(version),
    observe: () => reporter.observation(),
    conditions: () => conditions.counts(),
  });
  const asked = askedFeatures(node.features, config);
  const needs = new Set([...contributors.needs, ...needsOf(asked)]);
  const { requests, watches } = metrics;
  const reader = { nodeName, needs, version, clock, log, env, requests, watches };
  const opened = openSource(config.source, reader);
  const { events, countNodes, apiServerAddresses } = opened;
  const told = { log, health, families, clock, nodeName, events, countNodes };
  const conditions: Conditions = openConditions(told);
  const reporter: Reporter = new Reporter({ ...told, metrics, conditions });
  const { hasRandomFully } = tools;
  if (config.features.loadBalancer !== undefined) tellConfigOk(metrics, conditions);
  const observer = node.openObserver({ nodeName, hasRandomFully, apiServerAddresses });
  const { api } = opened;
  const isHealthy = () => health.isHealthy && health.isReady;
  const surroundings = { nodeName, log, clock, metrics, conditions, events, api, isHealthy };
  const features = new FeatureSet({ asked, surroundings });
  const parts = {
    config,
    nodeName,
    opened,
    observer,
    tools,
    contributors,
    reporter,
    conditions,
    features,
    clock,
  };
  const agent = new Agent({ ...parts, ...node.agent });
  const servers = new ProxyServers(config, { ...program, clock, conditions, health, metrics });
  metrics.eventLoop.watch();
  const close = () => {
    metrics.eventLoop.stop();
    observer.close();
  };
  return { agent, servers, conditions, close };
}

/** All that --features names is in force or refused as a whole. */
function tellConfigOk(metrics: Metrics, conditions: Conditions): void {
  const registry = new Registry();
  metrics.include(registry);
  registerConfigOk(registry, () => conditions.countOf(FEATURES_REFUSED) === 0);
}

function isExplained(error: unknown): error is Error {
  const isOfThisNode =
    error instanceof EnvironmentError ||
    error instanceof KernelError ||
    error instanceof ExecError ||
    error instanceof ListenError;
  return isOfThisNode || isBadInput(error);
}

function isBadInput(error: unknown): error is Error {
  return (
    error instanceof NodeMismatchError ||
    error instanceof KubeconfigError ||
    error instanceof ManifestPathError
  );
}

function buildVersion(version: string) {
  const { node } = process.versions;
  const platform = `${process.platform}/${process.arch}`;
  return {
    gitVersion: `v${version}`,
    gitCommit: '',
    buildDate: '',
    nodeVersion: `v${node}`,
    platform,
  };
}
