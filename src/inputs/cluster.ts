/**
 * Where `plan` gets its three inputs: the host (a file, or this one), the cluster (manifests, or one complete list from the
 * API server) and the dataplane to compare with (the kernel's, an earlier plan's, none). Modules that talk to the kernel or
 * the API server are loaded only when they are needed: offline, a plan runs anywhere.
 */
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { type HostFileResult, decodeHostFile } from '../config/hostFile.ts';
import { nodeNameOf } from '../config/nodeName.ts';
import type { ResolvedConfig, SourceSettings } from '../config/resolve.ts';
import {
  type ActualState,
  type DesiredState,
  emptyState,
  type VirtualServer,
} from '../dataplane/state.ts';
import type { HostNetwork } from '../model/host.ts';
import type { Problem } from '../model/problem.ts';
import type { ClusterSnapshot } from '../model/resources.ts';
import { stateFromJson } from '../plan/stateFromJson.ts';
import { located, readYamlFile } from './configuration.ts';

/** An input that was named by a flag and is no good: exit code 2. */
export class BadInput extends Error {
  override readonly name = 'BadInput';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super('bad input');
    this.problems = problems;
  }
}

export async function hostFromFile(path: string): Promise<HostFileResult> {
  const file = await readYamlFile(path, '--host');
  if (!file.text) return file;
  const { text } = file;
  if (text.secondDocumentAt !== undefined) {
    const problem = 'a second document begins here; put exactly one into the file';
    return {
      problems: [{ path: 'YAML', value: undefined, problem, source: text.secondDocumentAt }],
    };
  }
  const { host, problems } = decodeHostFile(text.value);
  if (host) return { host };
  return { problems: problems.map((problem) => located(problem, problem.path, text)) };
}

/** @param apiServerAddresses addresses that the cluster was read from */
export async function hostFromKernel(
  config: ResolvedConfig,
  apiServerAddresses: readonly string[],
): Promise<HostNetwork> {
  const nodeName = nodeNameOf(config.hostnameOverride, hostname());
  if (nodeName === undefined) {
    const problem = 'this host has no name; give the name of its Node';
    throw new BadInput([{ path: '--hostname-override', value: '', problem }]);
  }
  const { KernelHostObserver } = await import('../kernel/hostObserver.ts');
  const { findTools } = await import('../kernel/iptablesBackend.ts');
  const { run } = await import('../kernel/exec.ts');
  const tools = await findTools({ run });
  const { hasRandomFully } = tools;
  const observer = new KernelHostObserver({ nodeName, hasRandomFully, apiServerAddresses });
  try {
    const host = await observer.read();
    return { ...host, families: host.families.filter((each) => tools.families.includes(each)) };
  } finally {
    observer.close();
  }
}

export interface ReadCluster {
  readonly snapshot: ClusterSnapshot;
  readonly problems: readonly Problem[];
  /** addresses that the API server was reached at; never bound */
  readonly apiServerAddresses: readonly string[];
}

/** @throws BadInput, or an Error of the world */
export async function readCluster(source: SourceSettings, version: string): Promise<ReadCluster> {
  if (source.kind === 'apiServer') {
    const { readFromApiServer } = await import('./apiServerCluster.ts');
    return readFromApiServer(source, version);
  }
  const { loadManifests } = await import('../cluster/manifests.ts');
  const { ManifestPathError } = await import('../cluster/manifestFiles.ts');
  try {
    return { ...(await loadManifests(source.paths)), apiServerAddresses: [] };
  } catch (error) {
    if (!(error instanceof ManifestPathError)) throw error;
    const problem = source.isDefault
      ? NO_SOURCE
      : 'does not exist; name a file or a folder of manifests';
    throw new BadInput([{ path: '--manifests', value: error.path, problem }]);
  }
}

const NO_SOURCE =
  'is the default folder without a cluster and does not exist; give --manifests PATH, --kubeconfig FILE or --master URL';

export interface Comparison {
  readonly actual: ActualState;
  readonly isOwned: (server: VirtualServer) => boolean;
}

/**
 * @param against `kernel`, `empty`, or a file with an earlier plan's JSON
 * @throws BadInput, or an Error of the world
 */
export async function readComparison(against: string, desired: DesiredState): Promise<Comparison> {
  if (against === 'empty') return { actual: emptyState(), isOwned: () => true };
  if (against !== 'kernel') return { actual: await stateFromFile(against), isOwned: () => true };
  const { readKernel } = await import('./kernelComparison.ts');
  return readKernel(desired);
}

async function stateFromFile(path: string): Promise<ActualState> {
  const bad = (problem: string) => new BadInput([{ path: '--against', value: path, problem }]);
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw bad(
      `must be kernel, empty or a file with the JSON of an earlier plan: ${(error as Error).message}`,
    );
  }
  const result = stateFromJson(json);
  if ('state' in result) return result.state;
  throw new BadInput(result.problems.map((each) => ({ ...each, source: path })));
}
