/**
 * The table of the packet matrix: who asks which address, and what must come of it. The
 * expectations are rules that a person can hold against the Kubernetes documentation and
 * docs/differences.md; nothing here looks at sets, rules or a run.
 */
import {
  type IpFamily,
  type Node,
  type Place,
  type Pod,
  gateway,
  outsideClient,
} from '../../lab/addressPlan.ts';
import {
  type Frontend,
  type TestService,
  FRONTENDS,
  asker1,
  asker2,
  clusterEverywhere,
  clusterOnNode1,
  forNode1,
  forSomeClients,
  localEverywhere,
  localOnNode1,
  localOnNode2,
  localWithoutEndpoints,
  node1,
  node2,
  nodePortOf,
  nodes,
  onNodePortNumber,
  virtualAddress,
  web1,
  withoutEndpoints,
} from './cluster.ts';

export interface Target {
  readonly address: string;
  readonly port: number;
}

export type Expectation =
  /** the client is told at once */
  | { readonly kind: 'refused' }
  /** the client hears nothing */
  | { readonly kind: 'dropped' }
  /**
   * each of `by` answers some; `sees`: the client's own address, or one of the node that was asked
   */
  | {
      readonly kind: 'answered';
      readonly by: readonly Place[];
      readonly sees: 'own' | 'node';
    };

const REFUSED: Expectation = { kind: 'refused' };
const DROPPED: Expectation = { kind: 'dropped' };

/** One line of a table: six cells, a protocol and a family each, which all expect the same. */
export interface Row {
  /** heading of its table */
  readonly section: string;
  readonly title: string;
  readonly client: Place;
  /** the node whose proxy decides */
  readonly asked: Node;
  readonly target: (family: IpFamily) => Target;
  readonly expected: Expectation;
}

/** A process that listens on every address of node1, on a port of no Service. */
export const daemon = { place: node1, name: 'daemon', port: 9999 } as const;

/* ---- the matrix: frontend × policy × client ---- */

type Policy = 'Cluster' | 'Local, endpoint on the node' | 'Local, no endpoint on the node';
const POLICIES: readonly Policy[] = [
  'Cluster',
  'Local, endpoint on the node',
  'Local, no endpoint on the node',
];

interface Client {
  readonly title: string;
  readonly place: Place;
  readonly kind: 'pod' | 'node' | 'outside';
}
const CLIENTS: readonly Client[] = [
  { title: 'pod on the same node', place: asker1, kind: 'pod' },
  { title: 'pod on another node', place: asker2, kind: 'pod' },
  { title: 'the node itself', place: node1, kind: 'node' },
  { title: 'outside', place: outsideClient, kind: 'outside' },
];

/**
 * A NodePort is asked at node1; every other address at the client's own node, or where outside
 * routes it: node1.
 */
function askedNode(frontend: Frontend, client: Place): Node {
  return frontend === 'NodePort' ? node1 : (nodes.find((node) => isAt(client, node)) ?? node1);
}

function serviceFor(policy: Policy, asked: Node): TestService {
  if (policy === 'Cluster') return clusterEverywhere;
  if (policy === 'Local, endpoint on the node') return localEverywhere;
  return asked === node1 ? localOnNode2 : localOnNode1;
}

function expectation(
  frontend: Frontend,
  policy: Policy,
  client: Client,
  { endpoints }: TestService,
  asked: Node,
): Expectation {
  if (policy === 'Local, no endpoint on the node') {
    // internalTrafficPolicy is strict; external addresses are so to outsiders only, and what goes
    // on comes back this way
    if (frontend === 'ClusterIP') return REFUSED;
    // inside are the asked node and its own pods
    return isAt(client.place, asked) ? answered(endpoints, 'node') : DROPPED;
  }
  const by = policy === 'Cluster' ? endpoints : endpoints.filter(({ node }) => node === asked.name);
  // pods are known to the whole cluster; of others the endpoint would answer past the node, so
  // Cluster hides them, while externalTrafficPolicy Local is there to show them
  const sees =
    frontend === 'ClusterIP'
      ? client.kind === 'pod'
        ? 'own'
        : 'node'
      : policy === 'Cluster'
        ? 'node'
        : 'own';
  return answered(by, sees);
}

const matrixRows: readonly Row[] = FRONTENDS.flatMap((frontend) =>
  POLICIES.flatMap((policy) =>
    CLIENTS.map((client) => {
      const asked = askedNode(frontend, client.place);
      const service = serviceFor(policy, asked);
      const field = frontend === 'ClusterIP' ? 'internalTrafficPolicy' : 'externalTrafficPolicy';
      return row(
        `${frontend}, ${field} ${policy}`,
        client.title,
        client.place,
        at(service, frontend, asked),
        expectation(frontend, policy, client, service, asked),
      );
    }),
  ),
);

/* ---- what the matrix leaves out ---- */

const anotherNodeRows: readonly Row[] = [
  { service: clusterEverywhere, expected: answered(clusterEverywhere.endpoints, 'node') },
  { service: localEverywhere, expected: answered([web1], 'own') },
  { service: localOnNode2, expected: DROPPED },
].map(({ service, expected }) =>
  row(
    'NodePort asked by another node: outside, like any machine that is no pod of the asked one',
    service === clusterEverywhere
      ? 'Cluster'
      : `Local, ${service === localOnNode2 ? 'no ' : ''}endpoint on the node`,
    node2,
    at(service, 'NodePort', node1),
    expected,
  ),
);

const nodePortRows: readonly Row[] = [
  row(
    'NodePort at other addresses',
    'outside asks node2, the endpoint is on node1: the reply returns through node2',
    outsideClient,
    at(clusterOnNode1, 'NodePort', node2),
    answered([web1], 'node'),
  ),
  row(
    'NodePort at other addresses',
    "pod asks its node's address on the pod network",
    asker1,
    { asked: node1, target: (family) => onPort(gateway(node1)[family], clusterEverywhere) },
    answered(clusterEverywhere.endpoints, 'node'),
  ),
  row(
    'NodePort at other addresses',
    'the node itself asks its loopback address: no NodePort there',
    node1,
    {
      asked: node1,
      target: (family) => onPort(family === 'IPv4' ? '127.0.0.1' : '::1', clusterEverywhere),
    },
    REFUSED,
  ),
];

const endpointlessRows: readonly Row[] = [withoutEndpoints, localWithoutEndpoints].flatMap(
  (service) =>
    FRONTENDS.flatMap((frontend) =>
      CLIENTS.map(({ title, place }) =>
        row(
          `No endpoint anywhere, policy ${service.policy}`,
          `${title} to ${frontend}`,
          place,
          at(service, frontend, askedNode(frontend, place)),
          REFUSED,
        ),
      ),
    ),
);

/**
 * The only endpoint asks: it must not meet itself with its own address, or it would answer itself
 * directly.
 */
const hairpinRows: readonly Row[] = [clusterOnNode1, localOnNode1].flatMap((service) =>
  FRONTENDS.map((frontend) =>
    row(
      'A pod that reaches itself',
      `${frontend}, policy ${service.policy}`,
      web1,
      at(service, frontend, node1),
      answered([web1], 'node'),
    ),
  ),
);

const sourceRangeRows: readonly Row[] = [
  ranged(forSomeClients, 'outside, in a range', outsideClient, true),
  ranged(forSomeClients, 'pod, in a range', asker1, true),
  ranged(forSomeClients, 'pod, in none', asker2, false),
  ranged(forSomeClients, 'the node itself, in none', node1, false),
  ranged(forNode1, 'the node itself, in a range', node1, true),
  ranged(forNode1, 'another node itself, in none', node2, false),
  ranged(forNode1, 'outside, in none', outsideClient, false),
  ranged(forNode1, 'pod, in none', asker1, false),
  ...FRONTENDS.filter((frontend) => frontend !== 'load balancer IP').map((frontend) =>
    row(
      'loadBalancerSourceRanges restrict the load balancer IP',
      `outside, in none, to ${frontend}: open`,
      outsideClient,
      at(forNode1, frontend, node1),
      answered(forNode1.endpoints, 'node'),
    ),
  ),
];

const portRows: readonly Row[] = [
  row(
    'Ports',
    'pod asks a ClusterIP port that is a nodePort elsewhere: not masqueraded',
    asker1,
    at(onNodePortNumber, 'ClusterIP', node1),
    answered(onNodePortNumber.endpoints, 'own'),
  ),
  ...CLIENTS.filter(({ place }) => place !== asker2).flatMap(({ title, place }) => [
    row(
      'Ports',
      `${title} asks a daemon at the node's nearest address`,
      place,
      {
        asked: node1,
        target: (family) => ({
          // SCTP answers a pod from the address on its own side, whichever was asked
          address: (place === asker1 ? gateway(node1) : node1.addresses)[family],
          port: daemon.port,
        }),
      },
      answered([daemon.place], 'own'),
    ),
    ...FRONTENDS.filter((frontend) => frontend !== 'NodePort').map((frontend) =>
      row(
        'Ports',
        `${title} asks the daemon's port at ${frontend === 'externalIP' ? 'an' : 'a'} ${frontend}, where no Service has it`,
        place,
        {
          asked: node1,
          target: (family) => ({
            address: virtualAddress(clusterEverywhere, frontend, family),
            port: daemon.port,
          }),
        },
        REFUSED,
      ),
    ),
  ]),
];

export const rows: readonly Row[] = [
  ...matrixRows,
  ...anotherNodeRows,
  ...nodePortRows,
  ...endpointlessRows,
  ...hairpinRows,
  ...sourceRangeRows,
  ...portRows,
];

/** With `masqueradeAll` on node1. */
export const masqueradeAllRows: readonly Row[] = [
  row(
    'masqueradeAll',
    'pod to ClusterIP, policy Cluster',
    asker1,
    at(clusterEverywhere, 'ClusterIP', node1),
    answered(clusterEverywhere.endpoints, 'node'),
  ),
  row(
    'masqueradeAll',
    'pod to ClusterIP, policy Local',
    asker1,
    at(localEverywhere, 'ClusterIP', node1),
    answered([web1], 'node'),
  ),
  row(
    'masqueradeAll',
    'outside to NodePort, policy Local: still not masqueraded',
    outsideClient,
    at(localEverywhere, 'NodePort', node1),
    answered([web1], 'own'),
  ),
];

/* ---- how rows are written ---- */

interface Asked {
  readonly asked: Node;
  readonly target: (family: IpFamily) => Target;
}

function row(
  section: string,
  title: string,
  client: Place,
  { asked, target }: Asked,
  expected: Expectation,
): Row {
  return { section, title, client, asked, target, expected };
}

function at(service: TestService, frontend: Frontend, asked: Node): Asked {
  return {
    asked,
    target: (family) =>
      frontend === 'NodePort'
        ? onPort(asked.addresses[family], service)
        : { address: virtualAddress(service, frontend, family), port: service.port },
  };
}

function onPort(address: string, service: TestService): Target {
  return { address, port: nodePortOf(service) };
}

function ranged(service: TestService, title: string, client: Place, isAdmitted: boolean): Row {
  return row(
    'loadBalancerSourceRanges restrict the load balancer IP',
    title,
    client,
    at(service, 'load balancer IP', askedNode('load balancer IP', client)),
    isAdmitted ? answered(service.endpoints, 'node') : DROPPED,
  );
}

function answered(by: readonly Place[], sees: 'own' | 'node'): Expectation {
  return { kind: 'answered', by, sees };
}

export function isAt(place: Place, node: Node): boolean {
  return place.name === node.name || (place as Partial<Pod>).node === node.name;
}
