/**
 * NodePorts at loopback addresses as a feature: IPVS cannot serve them, since the kernel drops what
 * leaves the loopback device with such an address, so this process carries the connections itself.
 *
 * @see KEP-6032
 */
import { Counter, Gauge } from 'prom-client';
import type { Feature, FeatureHost } from '../../feature/feature.ts';
import type { Address } from '../../net/address.ts';
import { ForwardBook } from '../forwardBook.ts';
import type { RelayOutcome } from './listener.ts';
import { LocalhostPorts } from './localhostPorts.ts';
import { RelayLimit } from './relayLimit.ts';

const MAX_CONNECTIONS = 1_024;
const MAX_CONNECTIONS_PER_PORT = 256;
/** A place that is taken is tried again. */
const RETRY_MS = 5_000;

/** @param addresses of 127.0.0.0/8 */
export function localhostNodePorts(
  addresses: readonly Address[],
  limits = { total: MAX_CONNECTIONS, perPort: MAX_CONNECTIONS_PER_PORT },
): Feature {
  return {
    name: 'localhost-node-ports',
    start: (host) => {
      const book = new ForwardBook(host.cluster, host.nodeName);
      const limit = new RelayLimit(limits.total, limits.perPort);
      const onEnded = connectionCounter(host);
      const ports = new LocalhostPorts({ ...host, addresses, limit, onEnded });
      gauge(
        host,
        'connections',
        'Connections to NodePorts at loopback addresses that are open',
        () => limit.open,
      );
      gauge(
        host,
        'listeners',
        'Loopback addresses and NodePorts that are listened on',
        () => ports.listening,
      );
      host.run((signal) => retrying(ports, book, host, signal));
      return {
        changed: (change) => book.changed(change),
        roundDone: () => {
          if (book.settle()) void ports.want(book.forwards);
        },
        stop: () => ports.close(),
      };
    },
  };
}

async function retrying(
  ports: LocalhostPorts,
  book: ForwardBook,
  { clock }: Pick<FeatureHost, 'clock'>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(RETRY_MS, signal);
    if (ports.isIncomplete) await ports.want(book.forwards);
  }
}

function connectionCounter({ metrics }: Pick<FeatureHost, 'metrics'>) {
  const connections = new Counter({
    name: 'kubeipvs_localhost_node_port_connections_total',
    help: 'Connections to NodePorts at loopback addresses that have ended: carried to an endpoint, none was reachable, or one too many',
    labelNames: ['outcome'],
    registers: [metrics],
  });
  const outcomes: readonly RelayOutcome[] = ['forwarded', 'unreachable', 'limit'];
  for (const outcome of outcomes) connections.inc({ outcome }, 0);
  return (outcome: RelayOutcome) => connections.inc({ outcome });
}

function gauge(
  { metrics }: Pick<FeatureHost, 'metrics'>,
  what: string,
  help: string,
  value: () => number,
): void {
  const made: Gauge = new Gauge({
    name: `kubeipvs_localhost_node_port_${what}`,
    help,
    registers: [metrics],
    collect: () => made.set(value()),
  });
}
