/** One complete reading of a cluster from its API server, by the same source that `run` watches with. */
import { ApiServerSource } from '../cluster/apiServerSource.ts';
import { ApiClient } from '../cluster/client.ts';
import { loadClusterAccess } from '../cluster/kubeconfig.ts';
import { KubeconfigError } from '../cluster/kubeconfigFile.ts';
import type { SourceSettings } from '../config/resolve.ts';
import type { Problem } from '../model/problem.ts';
import { ClusterStore } from '../model/snapshot.ts';
import { SystemClock } from '../ops/clock.ts';
import { BadInput, type ReadCluster } from './cluster.ts';

const TIMEOUT_MS = 30_000;

/**
 * @throws BadInput when the kubeconfig is wrong; Error with the last state of the connection when there is no complete list
 *   within 30 s
 */
export async function readFromApiServer(
  settings: Extract<SourceSettings, { kind: 'apiServer' }>,
  version: string,
): Promise<ReadCluster> {
  const { kubeconfig, master, qps, burst } = settings;
  const access = clusterAccess(kubeconfig, master);
  const timing = new SystemClock();
  const userAgent = `kube-ipvs/${version}`;
  const transport = new ApiClient({ access, userAgent, qps, burst, timing });
  const source = new ApiServerSource({
    transport,
    server: transport.server,
    timing,
    random: Math.random,
  });
  try {
    const read = await firstList(source);
    // In a pod the peer is the ClusterIP of default/kubernetes, which has to be bound.
    const isDirect = kubeconfig !== '' || master !== '';
    return { ...read, apiServerAddresses: isDirect ? [...transport.peerAddresses] : [] };
  } finally {
    await source.stop();
    transport.close();
  }
}

function clusterAccess(kubeconfig: string, master: string) {
  try {
    return loadClusterAccess({ kubeconfig, master });
  } catch (error) {
    if (!(error instanceof KubeconfigError)) throw error;
    const { flag, message } = error;
    const value = flag === '--master' ? master : kubeconfig;
    throw new BadInput([{ path: flag, value, problem: message }]);
  }
}

async function firstList(
  source: ApiServerSource,
): Promise<Pick<ReadCluster, 'snapshot' | 'problems'>> {
  const snapshot = new ClusterStore();
  const problems = new Map<string, readonly Problem[]>();
  let detail = 'no answer yet';
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => {
    reject(
      new Error(`no complete list from the API server within ${TIMEOUT_MS / 1000} s: ${detail}`),
    );
  }, TIMEOUT_MS);
  try {
    await source.start({
      onChange: (change) => snapshot.apply(change),
      onSynced: resolve,
      onProblems: (origin, found) => problems.set(origin, found),
      onStatus: (status) => (detail = status.detail),
    });
    await promise;
  } finally {
    clearTimeout(timer);
  }
  return { snapshot, problems: [...problems.values()].flat() };
}
