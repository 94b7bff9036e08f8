/**
 * One complete reading of a cluster from its API server, by the same source that `run` watches
 * with.
 */
import { KubeconfigError } from '../cluster/kubeconfigFile.ts';
import type { ClusterSource } from '../cluster/source.ts';
import type { Problem } from '../model/problem.ts';
import { ClusterStore } from '../model/clusterStore.ts';
import { SystemClock } from '../ops/clock.ts';
import { type ApiServer, type ApiServerSettings, connectApiServer } from './apiServer.ts';
import { BadInput } from './badInput.ts';
import type { ClusterReading, Reader } from './cluster.ts';

const TIMEOUT_MS = 30_000;

/**
 * @throws BadInput when the kubeconfig is wrong; Error with the last state of the connection when
 *   there is no complete list within 30 s
 */
export async function readFromApiServer(
  settings: ApiServerSettings,
  reader: Reader,
): Promise<ClusterReading> {
  const { source, client, isInPod } = connect(settings, reader);
  try {
    const read = await firstList(source, new ClusterStore(reader.doors));
    return { ...read, apiServerAddresses: isInPod ? [] : [...client.peerAddresses] };
  } finally {
    await source.stop();
    client.close();
  }
}

function connect(settings: ApiServerSettings, reader: Reader): ApiServer {
  try {
    return connectApiServer(settings, { ...reader, timing: new SystemClock() });
  } catch (error) {
    if (!(error instanceof KubeconfigError)) throw error;
    const { flag, message } = error;
    const value = flag === '--master' ? settings.master : settings.kubeconfig;
    throw new BadInput([{ path: flag, value, problem: message }]);
  }
}

async function firstList(
  source: ClusterSource,
  store: ClusterStore,
): Promise<Pick<ClusterReading, 'snapshot' | 'problems'>> {
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
      store,
      onChange: () => undefined,
      onSynced: resolve,
      onProblems: (origin, found) => problems.set(origin, found),
      onStatus: (status) => (detail = status.detail),
    });
    await promise;
  } finally {
    clearTimeout(timer);
  }
  return { snapshot: store, problems: [...problems.values()].flat() };
}
