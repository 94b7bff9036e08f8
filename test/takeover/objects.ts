/**
 * The Services of the takeover: every kind that a proxy treats in a way of its own, as often as
 * asked for, with the addresses at which each must answer. All have the same four pods, two on the
 * node whose proxy changes and two on another one.
 */
import { nodeAt, podAddresses } from '../lab/addressPlan.ts';
import { endpoint, service, slice } from '../support/e2e/objects.ts';
import type { ClusterObject } from '../support/e2e/clusterObjects.ts';

export const NODE = nodeAt(1);
const OTHER_NODE = nodeAt(2);

export const CLIENT_POD = 'client';
export const OUTSIDE = 'outside';

export interface WebPod {
  readonly name: string;
  readonly node: string;
  readonly host: number;
  readonly IPv4: string;
  readonly IPv6: string;
}

export const PODS: readonly WebPod[] = [NODE, OTHER_NODE].flatMap((node) =>
  [10, 11].map((host) => ({
    name: `web-${node.index}-${host}`,
    node: node.name,
    host,
    ...podAddresses(node, host),
  })),
);

export const POD_PORT = 8080;

/** Where from, and what: a line of the targets of test/lab/load.c without the name. */
export interface Target {
  readonly from: string;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  readonly address: string;
  readonly port: number;
}

export interface TestService {
  /** `udp-17` */
  readonly name: string;
  readonly kind: string;
  readonly objects: readonly ClusterObject[];
  /** merge patch of the status of the first one */
  readonly status: object | undefined;
  readonly targets: readonly Target[];
}

/** Of the Service with this number, whatever its kind. */
interface Addresses {
  readonly v4: string;
  readonly v6: string;
  /** of a load balancer, or an externalIP */
  readonly external: string;
  readonly nodePort: number;
}

interface Kind {
  readonly spec: object;
  readonly ingress?: string;
  readonly isDualStack?: boolean;
  readonly ports?: readonly Port[];
  readonly endpoints?: readonly object[];
  readonly targets: readonly Target[];
}

interface Port {
  readonly name: string;
  readonly port: number;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
}

const HTTP: Port = { name: 'http', port: 80, protocol: 'TCP' };

const fromPod = (address: string, port = 80, protocol: Target['protocol'] = 'tcp'): Target => ({
  from: CLIENT_POD,
  protocol,
  address,
  port,
});
const fromNode = (address: string): Target => ({ ...fromPod(address), from: NODE.name });
const fromOutside = (address: string, port = 80): Target => ({
  ...fromPod(address, port),
  from: OUTSIDE,
});

const nodePorts = ({ nodePort }: Addresses) => [{ ...HTTP, nodePort, targetPort: POD_PORT }];
const LOCAL = { externalTrafficPolicy: 'Local' };

type MakeKind = (addresses: Addresses) => Kind;

const KINDS: Readonly<Record<string, MakeKind>> = {
  'cluster-ip': ({ v4 }) => ({ spec: {}, targets: [fromPod(v4), fromNode(v4)] }),
  'dual-stack': ({ v4, v6 }) => ({
    spec: {},
    isDualStack: true,
    targets: [fromPod(v4), fromPod(v6)],
  }),
  'node-port': (at) => ({
    spec: { type: 'NodePort', ports: nodePorts(at) },
    targets: [fromOutside(NODE.addresses.IPv4, at.nodePort), fromPod(at.v4)],
  }),
  'node-port-local': (at) => ({
    spec: { type: 'NodePort', ports: nodePorts(at), ...LOCAL },
    targets: [fromOutside(NODE.addresses.IPv4, at.nodePort), fromPod(at.v4)],
  }),
  'load-balancer': (at) => ({
    spec: { type: 'LoadBalancer', ports: nodePorts(at) },
    ingress: at.external,
    targets: [fromOutside(at.external), fromPod(at.external)],
  }),
  'load-balancer-local': (at) => ({
    spec: {
      type: 'LoadBalancer',
      ports: nodePorts(at),
      ...LOCAL,
      healthCheckNodePort: at.nodePort + 1_000,
    },
    ingress: at.external,
    targets: [fromOutside(at.external)],
  }),
  'source-ranges': (at) => ({
    spec: {
      type: 'LoadBalancer',
      ports: nodePorts(at),
      loadBalancerSourceRanges: ['192.0.2.0/24'],
    },
    ingress: at.external,
    targets: [fromOutside(at.external)],
  }),
  'external-ip': ({ v4, external }) => ({
    spec: { externalIPs: [external] },
    targets: [fromOutside(external), fromPod(v4)],
  }),
  affinity: ({ v4 }) => ({
    spec: { sessionAffinity: 'ClientIP' },
    targets: [fromPod(v4), fromNode(v4)],
  }),
  'inside-local': ({ v4 }) => ({
    spec: { internalTrafficPolicy: 'Local' },
    targets: [fromPod(v4)],
  }),
  udp: ({ v4 }) => ({
    spec: {},
    ports: [{ name: 'dns', port: 53, protocol: 'UDP' }],
    targets: [fromPod(v4, 53, 'udp')],
  }),
  sctp: ({ v4 }) => ({
    spec: {},
    ports: [{ name: 'signal', port: 2905, protocol: 'SCTP' }],
    targets: [fromPod(v4, 2905, 'sctp')],
  }),
  'many-ports': ({ v4 }) => ({
    spec: {},
    ports: [HTTP, { ...HTTP, name: 'admin', port: 81 }, { name: 'dns', port: 53, protocol: 'UDP' }],
    targets: [fromPod(v4), fromPod(v4, 81), fromPod(v4, 53, 'udp')],
  }),
  terminating: ({ v4 }) => ({
    spec: {},
    endpoints: PODS.map((pod, i) =>
      webEndpoint(pod, 'IPv4', i === 0 ? {} : { ready: false, serving: true, terminating: true }),
    ),
    targets: [fromPod(v4)],
  }),
  'no-endpoints': () => ({ spec: {}, endpoints: [], targets: [] }),
  headless: () => ({ spec: { clusterIP: 'None' }, targets: [] }),
};

/** `count` Services, of each kind as many as of the others. */
export function testServices(count: number): readonly TestService[] {
  const kinds = Object.entries(KINDS);
  return Array.from({ length: count }, (_, i) => {
    const [kind, make] = kinds[i % kinds.length]!;
    return testService(i, kind, make);
  });
}

function testService(index: number, kind: string, make: MakeKind): TestService {
  const at = addressesOf(index);
  const { spec, ingress, isDualStack = false, ports = [HTTP], endpoints, targets } = make(at);
  const name = `${kind}-${index}`;
  const families = isDualStack ? (['IPv4', 'IPv6'] as const) : (['IPv4'] as const);
  const clusterIPs = isDualStack ? [at.v4, at.v6] : [at.v4];
  const base = {
    clusterIP: at.v4,
    ports: ports.map((port) => ({ ...port, targetPort: POD_PORT })),
    ...(isDualStack && { clusterIPs, ipFamilyPolicy: 'RequireDualStack' }),
  };
  const podPorts = ports.map(({ name: portName, protocol }) => ({
    name: portName,
    port: POD_PORT,
    protocol,
  }));
  const slices = families.map((family) =>
    slice(`${name}-${family.toLowerCase()}`, {
      addressType: family,
      ports: podPorts,
      endpoints: endpoints ?? PODS.map((pod) => webEndpoint(pod, family)),
    }),
  );
  return {
    name,
    kind,
    objects: [service(name, { ...base, ...spec }), ...slices],
    status: ingress === undefined ? undefined : { loadBalancer: { ingress: [{ ip: ingress }] } },
    targets,
  };
}

export function webEndpoint(pod: WebPod, family: 'IPv4' | 'IPv6', conditions: object = {}): object {
  return endpoint(pod[family], {
    nodeName: pod.node,
    conditions: { ready: true, ...conditions },
  });
}

/** A documentation range has 254 addresses; two of them are enough. */
function addressesOf(index: number): Addresses {
  return {
    v4: `10.96.${1 + (index >> 7)}.${1 + (index & 127)}`,
    v6: `fd00:10:96::${(0x1000 + index).toString(16)}`,
    external: index < 250 ? `198.51.100.${index + 1}` : `203.0.113.${index - 249}`,
    nodePort: 30_000 + index,
  };
}

export const EXTERNAL_RANGES = ['198.51.100.0/24', '203.0.113.0/24'] as const;

/** The Node as the API has it. */
export const nodeObject: ClusterObject = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: NODE.name },
  spec: { podCIDRs: [NODE.podCidrs.IPv4, NODE.podCidrs.IPv6] },
};

export const nodeStatus = {
  addresses: [NODE.addresses.IPv4, NODE.addresses.IPv6].map((address) => ({
    type: 'InternalIP',
    address,
  })),
};

/** The lines of test/lab/load.c. */
export function targetLines(services: readonly TestService[]): string {
  const lines = services.flatMap(({ name, targets }) =>
    targets.map(
      ({ from, protocol, address, port }) =>
        `${from} ${protocol} ${address} ${port} ${name}:${from}:${address}\n`,
    ),
  );
  return lines.join('');
}
