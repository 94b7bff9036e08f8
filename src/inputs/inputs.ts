/**
 * Everything that a command decides from, read once: the cluster, the host, and what the
 * configuration means on it. `run` keeps the same inputs up to date (agent/): both take the pieces
 * from here and from config/, so that a command says what `run` does.
 */
import { type BuiltOptions, buildDataplaneOptions } from '../config/dataplaneOptions.ts';
import { ownNodeDoor, ownNodeProblem } from '../config/ownNode.ts';
import type { ResolvedConfig } from '../config/resolve.ts';
import { apiServersIn, withApiServers } from '../model/apiServers.ts';
import type { HostNetwork } from '../model/host.ts';
import type { Problem } from '../model/problem.ts';
import type { ClusterSnapshot } from '../model/clusterStore.ts';
import { BadInput } from './badInput.ts';
import { type Reader, readCluster } from './cluster.ts';
import { type Contributors, openContributors } from './contributors.ts';
import { type HostQuestion, hostFromKernel, thisNodeName } from './host.ts';

export interface InputsQuestion
  extends Pick<Reader, 'version' | 'env'>, Pick<HostQuestion, 'hasRules' | 'networkNamespacePath'> {
  /** in place of this host's kernel */
  readonly host?: HostNetwork | undefined;
}

export interface Inputs {
  readonly host: HostNetwork;
  /** this Node in it has the address that `bindAddress` gives it */
  readonly snapshot: ClusterSnapshot;
  readonly built: BuiltOptions;
  readonly contributors: Contributors;
  /** of this Node's place in the cluster, and of objects */
  readonly problems: readonly Problem[];
}

/** @throws BadInput, or an Error of the world */
export async function readInputs(
  config: ResolvedConfig,
  { host: given, ...question }: InputsQuestion,
): Promise<Inputs> {
  const nodeName = given?.nodeName ?? thisNodeName(config);
  if (nodeName === undefined) throw new BadInput([NAMELESS]);
  const { version, env, ...more } = question;
  const contributors = await openContributors(config);
  const cluster = await readCluster(config.source, {
    version,
    env,
    scope: { nodeName, needs: contributors.needs },
    doors: ownNodeDoor(nodeName, config.bindAddress),
  });
  const { snapshot, apiServerAddresses } = cluster;
  const read = given ?? (await hostFromKernel({ ...more, nodeName, apiServerAddresses }));
  const host = withApiServers(read, apiServersIn(snapshot));
  const podCIDRs = snapshot.nodes.get(nodeName)?.podCIDRs ?? [];
  const node = { name: nodeName, podCIDRs, families: host.families };
  const built = buildDataplaneOptions(config.dataplane, node);
  const ownNode = ownNodeProblem(config.source, host, snapshot.nodes);
  return {
    host,
    snapshot,
    built,
    contributors,
    problems: [...(ownNode === undefined ? [] : [ownNode]), ...built.waiting, ...cluster.problems],
  };
}

const NAMELESS: Problem = {
  path: '--hostname-override',
  value: '',
  problem: 'this host has no name; give the name of its Node',
};
