/**
 * `kube-ipvs lb plan`: which Services would get which addresses and which nodes would announce
 * them, of files alone. The same code decides as in a running load balancer.
 */
import { createHash } from 'node:crypto';
import type { Flag } from '../../config/flag.ts';
import { RUN_FLAGS } from '../../config/flags.ts';
import { decodeStateFile, NO_STATE, type StateFile } from '../../config/loadBalancer/stateFile.ts';
import type { LoadBalancerSettings } from '../../config/loadBalancer/settings.ts';
import type { DecodedFile } from '../../config/ownFile.ts';
import type { FlagValues } from '../../config/parseFlags.ts';
import type { SourceSettings } from '../../config/resolve.ts';
import { readCluster } from '../../inputs/cluster.ts';
import { loadConfiguration } from '../../inputs/configuration.ts';
import { readOwnFile } from '../../inputs/ownFile.ts';
import type { ProxyState } from '../../loadbalancer/candidateNodes.ts';
import { offlinePlan } from '../../loadbalancer/offlinePlan.ts';
import type { Need } from '../../model/kinds.ts';
import type { Problem } from '../../model/problem.ts';
import { parsePrefix } from '../../net/prefix.ts';
import { type CommandHelp, readCommandLine, refuse, reporting } from '../commandLine.ts';
import { EXIT, type Io } from '../io.ts';
import { OUTPUT_FLAG, outputFormat } from '../outputFormat.ts';
import { VERSION } from '../packageVersion.ts';
import { lbPlanText } from './planText.ts';

const OF_RUN = new Set(['manifests', 'features', 'help']);

const FLAGS: readonly Flag[] = [
  ...RUN_FLAGS.filter(({ name }) => OF_RUN.has(name)),
  {
    name: 'state',
    type: 'string',
    value: 'FILE',
    group: 'node',
    help:
      'what only a running system knows, all of it optional: { nodes: [ { name, alive, ready, leaving, aliveForSec, unable: [ADDRESS…], ' +
      'interfaces: [ { name, addresses: [CIDR…], defaultRoute: [IPv4, IPv6] } ] } ], owners: [ { address, node } ], ' +
      'conflicts: [ { address, mac } ] }; a Node without an entry is alive and ready',
  },
  OUTPUT_FLAG,
];

const HELP: CommandHelp = {
  name: 'kube-ipvs lb plan',
  summary:
    'Prints which Services would get which load balancer addresses, and which nodes would announce them, touching nothing. ' +
    'Reads Services, EndpointSlices, Nodes and Namespaces from files.',
  examples: [
    [
      'kubectl get svc,endpointslices,nodes,ns -A -o yaml > cluster.yaml; kube-ipvs lb plan --manifests cluster.yaml --features lb.yaml',
      'what a configuration would do with a cluster',
    ],
    [
      'kube-ipvs lb plan --manifests cluster.yaml --features metallb.yaml -o json',
      "with MetalLB's IPAddressPools and L2Advertisements as they are",
    ],
    [
      'kube-ipvs lb plan --manifests cluster.yaml --features lb.yaml --state state.yaml',
      'who takes over when a node is gone: nodes: [ { name: n1, alive: false } ]',
    ],
  ],
  flags: FLAGS,
};

/** All that decides; Services that are no load balancers any more may still bear our traces. */
const NEEDS: ReadonlySet<Need> = new Set(['LoadBalancing', 'Namespace', 'ExternalNames']);

export async function lbPlan(words: readonly string[], io: Io): Promise<number> {
  const line = readCommandLine(words, HELP, io);
  if (!line.values) return line.exitCode;
  const { values } = line;
  const output = outputFormat(values);
  const { config, problems = [] } = await loadConfiguration(values, io.env);
  const state = await readState(values);
  const settings = config?.features.loadBalancer;
  const bad = [...line.problems, ...output.problems, ...problems, ...(state.problems ?? [])];
  if (values.get('manifests') === undefined) bad.push(NO_MANIFESTS);
  if (config !== undefined && settings === undefined) bad.push(NO_SETTINGS);
  if (!config || !settings || !state.value || bad.length > 0) return refuse(bad, io);
  for (const warning of config.warnings) io.stderr.write(`warning: ${warning}\n`);
  const given = state.value;
  return reporting(io, async () => {
    const plan = await makePlan(config.source, settings, given, io);
    io.stdout.write(lbPlanText(plan, output.format));
    return EXIT.done;
  });
}

const NO_MANIFESTS: Problem = {
  path: '--manifests',
  value: undefined,
  problem: 'must be given: files or folders with Services, EndpointSlices, Nodes and Namespaces',
};

const NO_SETTINGS: Problem = {
  path: '--features',
  value: undefined,
  problem: 'must name a file that holds a LoadBalancerConfiguration, or pools of MetalLB or Cilium',
};

async function readState(values: FlagValues): Promise<DecodedFile<StateFile>> {
  const path = values.get('state') as string | undefined;
  return path === undefined ? { value: NO_STATE } : readOwnFile(path, '--state', decodeStateFile);
}

async function makePlan(
  source: SourceSettings,
  settings: LoadBalancerSettings,
  state: StateFile,
  { env }: Io,
) {
  const scope = { nodeName: '', needs: NEEDS };
  const { snapshot, problems } = await readCluster(source, {
    version: VERSION,
    env,
    scope,
    doors: {},
  });
  const made = offlinePlan({
    settings,
    cluster: snapshot,
    states: new Map(state.nodes.map((node) => [node.name, stateOf(node)])),
    owners: new Map(state.owners.map(({ address, node }) => [address, node])),
    foreignOwners: new Map(state.conflicts.map(({ address, mac }) => [address, mac])),
    sha256: (text) => createHash('sha256').update(text).digest('hex'),
    now: `${new Date().toISOString().slice(0, 19)}Z`,
  });
  return { ...made, problems };
}

function stateOf(node: StateFile['nodes'][number]): ProxyState {
  const { leaving, alive, ready, aliveForSec, unable, interfaces } = node;
  return {
    isLeaving: leaving,
    isAlive: alive,
    isReady: ready,
    aliveForMs: aliveForSec * 1000,
    unable: new Set(unable),
    interfaces: interfaces?.map(({ name, addresses, defaultRoute }) => ({
      name,
      prefixes: addresses.map((each) => parsePrefix(each)!),
      defaultRoute,
    })),
  };
}
