/**
 * Finds out whose virtual servers are: from the proxy that runs on this node, which knows it
 * already, or from a cluster or manifests by the code that the proxy itself compiles Services with.
 */
import type { ResolvedConfig } from '../../config/resolve.ts';
import { buildDesired } from '../../desired/builder.ts';
import { BadInput } from '../../inputs/badInput.ts';
import { loadConfiguration } from '../../inputs/configuration.ts';
import { type InputsQuestion, readInputs } from '../../inputs/inputs.ts';
import {
  AGENT_SOCKET,
  type ServerLine,
  serverLine,
  VIRTUAL_SERVERS_PATH,
} from '../../localserver/serverLines.ts';
import { formatProblem, type Problem } from '../../model/problem.ts';
import { askAgent, NoAgentError } from '../agentRequest.ts';
import { VERSION } from '../packageVersion.ts';
import type { OwnOptions } from './ownOptions.ts';
import { Owners } from './owners.ts';
import { ListFailure } from './printListing.ts';

/** Where the listing is made; with another host or network in tests. */
export type OwnersPlace = Pick<InputsQuestion, 'env' | 'host' | 'networkNamespacePath'>;

/**
 * The proxy of this node unless a cluster is named; where none runs, in a pod, the cluster around
 * it.
 *
 * @throws ListFailure when nobody can tell, or the command line is to blame
 */
export async function readOwners(own: OwnOptions, place: OwnersPlace): Promise<Owners> {
  const { env } = place;
  try {
    const isInPod = Boolean(env['KUBERNETES_SERVICE_HOST'] && env['KUBERNETES_SERVICE_PORT']);
    const told = own.isSourceGiven ? undefined : await fromAgent(own, isInPod);
    if (told !== undefined) return told;
    const { config, problems } = await loadConfiguration(own.values, env);
    if (problems !== undefined) throw refused(problems);
    return await ownersFromCluster(config, place);
  } catch (error) {
    if (error instanceof ListFailure) throw error;
    if (error instanceof BadInput) throw refused(error.problems);
    const hint =
      error instanceof NoAgentError ? '; give --kubeconfig FILE or --manifests PATH instead' : '';
    const { message } = error as Error;
    throw new ListFailure(1, `Services are not known: ${message}${hint}`);
  }
}

/** @returns undefined when there is no proxy and another way @throws NoAgentError, Error */
async function fromAgent(own: OwnOptions, hasOtherWay: boolean): Promise<Owners | undefined> {
  const { namespace, service, agentSocket = AGENT_SOCKET } = own;
  const filter = {
    ...(namespace !== undefined && { namespace }),
    ...(service !== undefined && { service }),
  };
  try {
    return await ownersFromAgent(agentSocket, filter);
  } catch (error) {
    if (error instanceof NoAgentError && hasOtherWay) return undefined;
    throw error;
  }
}

function refused(problems: readonly Problem[]): ListFailure {
  return new ListFailure(2, problems.map((each) => `error: ${formatProblem(each)}`).join('\n'));
}

/**
 * @param filter names, where only one namespace or Service is wanted @throws NoAgentError, Error
 */
async function ownersFromAgent(
  socketPath: string,
  filter: { readonly namespace?: string; readonly service?: string },
): Promise<Owners> {
  const query = new URLSearchParams(filter as Record<string, string>).toString();
  const path = `${VIRTUAL_SERVERS_PATH}${query === '' ? '' : `?${query}`}`;
  const text = await askAgent({ socketPath, path });
  const lines = text.split('\n').filter((line) => line !== '');
  return new Owners(
    'agent',
    lines.map((line) => JSON.parse(line) as ServerLine),
  );
}

/** @throws BadInput, or an Error of the world */
async function ownersFromCluster(config: ResolvedConfig, place: OwnersPlace): Promise<Owners> {
  // Addresses and families are enough; tools that make rules are not asked.
  const question = { ...place, version: VERSION, hasRules: false };
  const { host, snapshot, built, contributors } = await readInputs(config, question);
  // Detection of local traffic makes rules, not virtual servers: what is wrong with it does not
  // matter here.
  const { state } = buildDesired(snapshot, host, built.options, contributors.make());
  const servers = [...state.virtualServers.values()];
  const source = config.source.kind === 'manifests' ? 'manifests' : 'cluster';
  return new Owners(
    source,
    servers.map((server) => serverLine(server, server.service ?? '')),
  );
}
