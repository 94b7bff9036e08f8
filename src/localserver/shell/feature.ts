/**
 * The local server as a feature: it answers what all features register, and itself tells of the
 * virtual servers.
 */
import { type Feature, FeatureStartError } from '../../feature/feature.ts';
import { AGENT_SOCKET, VIRTUAL_SERVERS_PATH } from '../serverLines.ts';
import { LocalServer } from './localServer.ts';
import { virtualServersRoute } from './virtualServers.ts';

export function localServer(path: string = AGENT_SOCKET): Feature {
  return {
    name: 'local-server',
    start: async ({ routes, clock, log, desired }) => {
      routes.serve(VIRTUAL_SERVERS_PATH, virtualServersRoute(desired));
      const onError = (message: string, error: unknown) => log.error(message, error);
      const server = new LocalServer({ path, routes, clock, onError });
      await server.start().catch((error: unknown) => {
        const message = `local socket ${path} cannot be made; \`list --services\` has to read the cluster itself`;
        throw new FeatureStartError(message, { cause: error });
      });
      return { stop: () => server.close() };
    },
  };
}
