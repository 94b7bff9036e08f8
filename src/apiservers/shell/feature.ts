/**
 * Holds the API servers' own addresses back, wherever they move: a Service that got one would cut
 * this node off from them.
 */
import type { Feature } from '../../feature/feature.ts';
import { API_SERVERS, apiServersOf } from '../../model/apiServers.ts';

export function apiServerAddresses(): Feature {
  return {
    name: 'api-server-addresses',
    start: ({ holdBack }) => ({
      changed: (change) => {
        if (change.kind !== 'EndpointSlice' || change.key !== API_SERVERS) return;
        holdBack(apiServersOf(change.object));
      },
      stop: () => undefined,
    }),
  };
}
