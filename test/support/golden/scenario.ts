/**
 * A golden scenario: a folder with `cluster.yaml`, and where it matters `nodes.yaml`, `host.yaml`
 * and `config.yaml` (KubeProxyConfiguration), each replacing the one beside the scenario folders.
 * Everything is read as the product reads it.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { loadManifests } from '../../../src/cluster/manifests.ts';
import { buildDataplaneOptions } from '../../../src/config/dataplaneOptions.ts';
import { decodeHostFile } from '../../../src/config/hostFile.ts';
import { decodeConfiguration } from '../../../src/config/kubeProxyConfiguration.ts';
import { resolveConfig } from '../../../src/config/resolve.ts';
import { buildDesired } from '../../../src/desired/builder.ts';
import type { DataplaneOptions } from '../../../src/dataplane/options.ts';
import type { DesiredState } from '../../../src/dataplane/state.ts';
import type { HostNetwork } from '../../../src/model/host.ts';
import { type Problem, sentenceOf } from '../../../src/model/problem.ts';
import type { ClusterSnapshot } from '../../../src/model/clusterStore.ts';

export interface Scenario {
  readonly snapshot: ClusterSnapshot;
  readonly host: HostNetwork;
  readonly options: DataplaneOptions;
  readonly state: DesiredState;
  /** those of the files, then those of the dataplane; without the place in the file */
  readonly problems: readonly Problem[];
}

/** @param cluster its name, where a folder holds several */
export async function loadScenario(folder: string, cluster = 'cluster.yaml'): Promise<Scenario> {
  const fileOf = (name: string) =>
    existsSync(join(folder, name))
      ? join(folder, name)
      : join(folder, '..', '..', 'defaults', name);
  const read = (name: string): unknown => parse(readFileSync(fileOf(name), 'utf8'));
  const { snapshot, problems } = await loadManifests([fileOf('nodes.yaml'), fileOf(cluster)]);
  const host = expectNoProblems(decodeHostFile(read('host.yaml'))).value!;
  const options = readOptions(read('config.yaml'), host, snapshot);
  const built = buildDesired(snapshot, host, options);
  const plain = problems.map((problem) => ({
    path: problem.path,
    value: problem.value,
    problem: sentenceOf(problem),
  }));
  return { snapshot, host, options, state: built.state, problems: [...plain, ...built.problems] };
}

function readOptions(
  document: unknown,
  host: HostNetwork,
  snapshot: ClusterSnapshot,
): DataplaneOptions {
  const { configuration } = expectNoProblems(decodeConfiguration(document));
  const file = { path: 'config.yaml', configuration: configuration! };
  const { config } = expectNoProblems(resolveConfig({ flags: new Map(), file, isInCluster: true }));
  const podCIDRs = snapshot.nodes.get(host.nodeName)?.podCIDRs ?? [];
  const node = { name: host.nodeName, podCIDRs, families: host.families };
  return expectNoProblems(buildDataplaneOptions(config!.dataplane, node)).options;
}

function expectNoProblems<T extends { readonly problems?: readonly Problem[] }>(result: T): T {
  if (result.problems !== undefined && result.problems.length > 0) {
    throw new Error(`the scenario itself is wrong: ${JSON.stringify(result.problems)}`);
  }
  return result;
}
