/**
 * The form in which the running proxy tells other programs of this node whose its virtual servers
 * are (shell/virtualServers.ts): one line of JSON each.
 */
import { serverKey, type VirtualServer } from '../dataplane/state.ts';

export const AGENT_SOCKET = '/run/kube-ipvs/agent.sock';

/** One line of JSON a virtual server; parameters `namespace` and `service` (a name) select. */
export const VIRTUAL_SERVERS_PATH = '/v1/virtual-servers';

/** One line of the answer. */
export interface ServerLine {
  /** `10.96.0.1:443/TCP` */
  readonly server: string;
  /** `ns/name:port` */
  readonly service: string;
  readonly destinations: readonly DestinationLine[];
}

export interface DestinationLine {
  /** `10.244.1.5:8080` */
  readonly destination: string;
  readonly endpoint?: string;
  readonly target?: string;
  readonly node?: string;
}

/** @param service `ns/name:port` or `ns/name` */
export function serviceFilter(
  namespace: string | null,
  name: string | null,
): (service: string) => boolean {
  return (service) => {
    const slash = service.indexOf('/');
    const isNamespace = namespace === null || service.slice(0, slash) === namespace;
    return isNamespace && (name === null || service.slice(slash + 1).split(':')[0] === name);
  };
}

/** Also what a plan says of its servers, in the same form. */
export function serverLine(server: VirtualServer, service: string): ServerLine {
  return {
    server: serverKey(server),
    service,
    destinations: Array.from(server.destinations, ([destination, { endpoint, target, node }]) => ({
      destination,
      ...(endpoint !== undefined && { endpoint }),
      ...(target !== undefined && { target }),
      ...(node !== undefined && { node }),
    })),
  };
}
