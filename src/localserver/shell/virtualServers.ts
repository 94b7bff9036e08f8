/** What the running proxy knows of its virtual servers, for `kube-ipvs list --services`. */
import type { DesiredState, VirtualServer } from '../../dataplane/state.ts';
import { refusal, type Route } from '../../ops/httpListener.ts';
import { serverLine, serviceFilter } from '../serverLines.ts';

/** Lines made without a break: about a millisecond. */
const PIECE = 256;

/** @param state undefined while the cluster has not been read */
export function virtualServersRoute(
  state: () => Pick<DesiredState, 'virtualServers'> | undefined,
): Route {
  return ({ query }) => {
    const known = state();
    if (known === undefined) return refusal(503, 'the cluster has not been read yet');
    const isWanted = serviceFilter(query.get('namespace'), query.get('service'));
    const body = pieces(known.virtualServers.values(), isWanted);
    return { status: 200, contentType: 'application/x-ndjson', body };
  };
}

/** The state lives on meanwhile: what comes or goes during the answer may be in it or not. */
async function* pieces(
  servers: Iterable<VirtualServer>,
  isWanted: (service: string) => boolean,
): AsyncGenerator<string> {
  let piece = '';
  let count = 0;
  for (const server of servers) {
    if (server.service === undefined || !isWanted(server.service)) continue;
    piece += `${JSON.stringify(serverLine(server, server.service))}\n`;
    count += 1;
    if (count % PIECE !== 0) continue;
    yield piece;
    piece = '';
    await new Promise(setImmediate);
  }
  if (piece !== '') yield piece;
}
