/**
 * Health-check node ports as a feature: the Services that have one are kept up with the cluster,
 * listened on where `nodePortAddresses` says, and answered as kube-proxy does.
 */
import { Counter, Gauge } from 'prom-client';
import type { DataplaneOptions } from '../../dataplane/options.ts';
import type { ByFamily } from '../../desired/nodeAddresses.ts';
import type { Feature, FeatureHost } from '../../feature/feature.ts';
import type { Address } from '../../net/address.ts';
import type { HttpAnswer } from '../../ops/httpListener.ts';
import { answerOf, type HealthCheck } from '../healthCheck.ts';
import { HealthCheckBook } from '../healthCheckBook.ts';
import { listeningAddresses } from '../listeningAddresses.ts';
import { HealthPorts } from './healthPorts.ts';

type Choices = DataplaneOptions['nodePortAddresses'];

export function healthPorts(choices: Choices): Feature {
  return {
    name: 'health-check-node-ports',
    start: (host) => {
      const book = new HealthCheckBook(host.cluster, host.nodeName);
      const ports = new HealthPorts({
        ...host,
        answer: answering(host, book),
        onNotListening: (check, problem) => tellService(host, check, problem),
      });
      countListening(host, ports);
      const addresses = addressesNow(host, choices);
      let last: ByFamily<readonly Address[]> | undefined;
      return {
        changed: (change) => book.changed(change),
        roundBegan: () => book.roundBegan(),
        roundDone: () => {
          const now = addresses();
          if (!book.roundDone() && now === last) return;
          last = now;
          ports.want([...book.inForce.values()].flat(), now);
        },
        stop: () => ports.close(),
      };
    },
  };
}

/** @returns the same object as long as neither this machine nor its Node is another one */
function addressesNow(
  { network, cluster, nodeName }: FeatureHost,
  choices: Choices,
): () => ByFamily<readonly Address[]> {
  const look = () => ({ machine: network(), node: cluster.nodes.get(nodeName) });
  const read = ({ machine, node }: ReturnType<typeof look>) =>
    listeningAddresses(choices, machine, node?.addresses ?? []);
  let seen = look();
  let addresses = read(seen);
  return () => {
    const now = look();
    if (now.machine !== seen.machine || now.node !== seen.node) addresses = read(now);
    seen = now;
    return addresses;
  };
}

/** By what holds when it is asked; a Service that is just going has no endpoint any more. */
function answering(
  { metrics, isHealthy }: FeatureHost,
  book: HealthCheckBook,
): (check: HealthCheck) => HttpAnswer {
  const answers = new Counter({
    name: 'kubeipvs_health_check_answers_total',
    help: 'Answers at health-check node ports, by their status',
    labelNames: ['code'],
    registers: [metrics],
  });
  for (const code of [200, 503]) answers.inc({ code }, 0);
  return (asked) => {
    const checks = book.inForce.get(`${asked.namespace}/${asked.name}`) ?? [];
    const now = checks.find(({ family }) => family === asked.family);
    const answer = answerOf(now ?? { ...asked, localEndpoints: 0 }, isHealthy());
    answers.inc({ code: answer.status });
    return answer;
  };
}

function countListening({ metrics }: FeatureHost, ports: HealthPorts): void {
  const listeners: Gauge = new Gauge({
    name: 'kubeipvs_health_check_listeners',
    help: 'Sockets of health-check node ports that are listened on',
    registers: [metrics],
    collect: () => listeners.set(ports.listening),
  });
}

/** In the words of kube-proxy, about the Service: each node has its own reason. */
function tellService({ events, nodeName }: FeatureHost, check: HealthCheck, problem: string): void {
  const { namespace, name, port } = check;
  events?.record({
    regarding: { kind: 'Service', namespace, name },
    type: 'Warning',
    reason: 'FailedToStartServiceHealthcheck',
    action: 'Listen',
    note: `node ${nodeName} failed to start healthcheck "${namespace}/${name}" on port ${port}: ${problem}`,
  });
}
