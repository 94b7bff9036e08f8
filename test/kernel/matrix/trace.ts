/**
 * The packet tracer's opinion on a cell of the matrix: the same packet, walked through the desired
 * state of the asked node.
 */
import { loadManifests } from '../../../src/cluster/manifests.ts';
import { buildDesired } from '../../../src/desired/builder.ts';
import type { DataplaneOptions } from '../../../src/dataplane/options.ts';
import type { DesiredState } from '../../../src/dataplane/state.ts';
import { parsePrefix } from '../../../src/net/prefix.ts';
import {
  type IpFamily,
  type Node,
  clusterCidrs,
  gateway,
  outsideClient,
  prefixLength,
} from '../../lab/addressPlan.ts';
import { FAMILIES, nodes } from './cluster.ts';
import { type Cell, tracedOutcome } from './outcome.ts';
import { isAt } from './rows.ts';
import { dataplaneOptions, hostNetwork } from '../../support/objects/nodeFixtures.ts';
import type { Packet } from '../../../src/trace/packet.ts';
import { tracePacket } from '../../../src/trace/tracePacket.ts';

export type Tracer = (cell: Cell) => string;

/** @param folder of the manifests that the proxies read too */
export async function tracerFor(
  folder: string,
  options: Partial<DataplaneOptions> = {},
): Promise<Tracer> {
  const { snapshot, problems } = await loadManifests([folder]);
  if (problems.length > 0) throw new Error(`the manifests are bad: ${JSON.stringify(problems)}`);
  const states = new Map<string, DesiredState>();
  for (const node of nodes) {
    const built = buildDesired(snapshot, hostOf(node), optionsOf(options));
    if (built.problems.length > 0) {
      throw new Error(`the Services are bad: ${JSON.stringify(built.problems)}`);
    }
    states.set(node.name, built.state);
  }
  return (cell) => {
    const { asked } = cell.row;
    const own = new Set(FAMILIES.flatMap((family) => addressesOf(asked, family)));
    return tracedOutcome(cell, tracePacket(states.get(asked.name)!, own, packetOf(cell)));
  };
}

function packetOf({ row, protocol, family }: Cell): Packet {
  const { client, asked, target } = row;
  const { address, port } = target(family);
  const isFromHere = client.name === asked.name;
  return {
    ...(isFromHere ? {} : { inInterface: isAt(client, asked) ? 'cni0' : 'eth0' }),
    source: client.addresses[family],
    destination: address,
    protocol,
    port,
  };
}

function hostOf(node: Node) {
  return hostNetwork({
    nodeName: node.name,
    interfaces: [
      { name: 'lo', isUp: true, addresses: ['127.0.0.1/8', '::1/128'] },
      ...['eth0', 'cni0'].map((name, i) => ({
        name,
        isUp: true,
        addresses: FAMILIES.map(
          (family) => `${addressesOf(node, family)[i]}/${prefixLength[family]}`,
        ),
      })),
    ],
    defaultGateways: FAMILIES.map((family) => outsideClient.addresses[family]),
  });
}

/** On eth0 and on cni0. */
function addressesOf(node: Node, family: IpFamily): [string, string] {
  return [node.addresses[family], gateway(node)[family]];
}

function optionsOf(overrides: Partial<DataplaneOptions>): DataplaneOptions {
  const detector = (family: IpFamily) =>
    ({ kind: 'prefix', prefix: parsePrefix(clusterCidrs[family])! }) as const;
  return dataplaneOptions({
    detectLocal: { IPv4: detector('IPv4'), IPv6: detector('IPv6') },
    ...overrides,
  });
}
