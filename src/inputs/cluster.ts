/**
 * One complete reading of the cluster, from manifests or from the API server. Modules that talk to
 * the API server are loaded only when they are needed.
 */
import type { SourceSettings } from '../config/resolve.ts';
import type { ReadingScope } from '../model/kinds.ts';
import type { Problem } from '../model/problem.ts';
import type { ClusterSnapshot, Doors } from '../model/clusterStore.ts';
import type { Address } from '../net/address.ts';
import { BadInput } from './badInput.ts';
import type { Environment } from './configuration.ts';

/** Who reads. */
export interface Reader {
  readonly version: string;
  readonly env: Environment;
  readonly scope: ReadingScope;
  readonly doors: Doors;
}

export interface ClusterReading {
  readonly snapshot: ClusterSnapshot;
  readonly problems: readonly Problem[];
  /** that the API server was reached at; never bound */
  readonly apiServerAddresses: readonly Address[];
}

/** @throws BadInput, or an Error of the world */
export async function readCluster(source: SourceSettings, reader: Reader): Promise<ClusterReading> {
  if (source.kind === 'apiServer') {
    const { readFromApiServer } = await import('./apiServerCluster.ts');
    return readFromApiServer(source, reader);
  }
  const { loadManifests } = await import('../cluster/manifests.ts');
  const { ManifestPathError } = await import('../cluster/manifestFiles.ts');
  try {
    return {
      ...(await loadManifests(source.paths, {
        doors: reader.doors,
        needs: reader.scope.needs,
      })),
      apiServerAddresses: [],
    };
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
