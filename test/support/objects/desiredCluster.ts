/** A cluster told to a builder change by change; all of the namespace `default`. */
import { DesiredBuilder } from '../../../src/desired/builder.ts';
import type { Contributor } from '../../../src/desired/contributor.ts';
import type { DataplaneOptions } from '../../../src/dataplane/options.ts';
import { ClusterStore, type ObjectState } from '../../../src/model/clusterStore.ts';
import type { HostNetwork } from '../../../src/model/host.ts';
import type { EndpointSpec, NodeResource, ServiceResource } from '../../../src/model/resources.ts';
import { dataplaneOptions, hostNetwork } from './nodeFixtures.ts';

const service = (name: string, overrides: Partial<ServiceResource> = {}): ServiceResource => ({
  namespace: 'default',
  name,
  createdAt: '',
  type: 'ClusterIP',
  clusterIPs: ['10.96.0.10'],
  externalIPs: [],
  loadBalancerIngress: [],
  sourceRanges: [],
  sourceRangesPath: 'spec.loadBalancerSourceRanges',
  ports: [{ name: '', protocol: 'TCP', port: 80, nodePort: 0, index: 0 }],
  externalTrafficPolicy: 'Cluster',
  internalTrafficPolicy: 'Cluster',
  policy: {},
  healthCheckNodePort: 0,
  ...overrides,
});

export class DesiredCluster {
  readonly store = new ClusterStore();
  readonly builder: DesiredBuilder;

  constructor(
    host: Partial<HostNetwork> = {},
    options: Partial<DataplaneOptions> = {},
    contributors: readonly Contributor[] = [],
  ) {
    const { store } = this;
    const [chosen, on] = [dataplaneOptions(options), hostNetwork(host)];
    this.builder = new DesiredBuilder(store, chosen, on, contributors);
    this.builder.settle();
  }

  service(name: string, overrides?: Partial<ServiceResource>): this {
    const object = service(name, overrides);
    return this.put({ kind: 'Service', key: `default/${name}`, object });
  }

  remove(name: string): this {
    return this.put({ kind: 'Service', key: `default/${name}`, object: undefined });
  }

  /** `10.244.1.5@node-1`, one port 8080 */
  slice(owner: string, endpoints: readonly string[], extra: Partial<EndpointSpec> = {}): this {
    const object = {
      namespace: 'default',
      name: `${owner}-1`,
      service: `default/${owner}`,
      addressType: 'IPv4' as const,
      ports: [{ name: '', protocol: 'TCP' as const, port: 8080 }],
      endpoints: endpoints.map((text, index) => {
        const [address, nodeName] = text.split('@') as [string, string];
        return {
          address,
          nodeName,
          index,
          isReady: true,
          isServing: true,
          isTerminating: false,
          ...extra,
        };
      }),
    };
    return this.put({ kind: 'EndpointSlice', key: `default/${owner}-1`, object });
  }

  node(name: string, overrides: Partial<NodeResource> = {}): this {
    const object = { name, addresses: [], podCIDRs: [], isLeaving: false, ...overrides };
    return this.put({ kind: 'Node', key: name, object });
  }

  put(state: ObjectState): this {
    const change = this.store.put(state);
    if (change !== undefined) this.builder.change(change);
    return this;
  }

  destinations(key: string): string[] | undefined {
    const server = this.builder.state.virtualServers.get(key);
    return server && [...server.destinations.keys()];
  }

  entries(set: string): string[] {
    return [...this.builder.state.ipsets.get(set)!.entries];
  }

  touched() {
    const { servers, addresses, entries } = this.builder.settle();
    return {
      servers: [...servers].toSorted(),
      addresses: [...addresses].toSorted(),
      entries: Object.fromEntries(Array.from(entries, ([set, all]) => [set, [...all].toSorted()])),
    };
  }
}
