// Weights as ipvsadm shows them.

import type { Node } from '../../test/lab/addressPlan.ts';
import type { Topology } from '../../test/lab/topology.ts';

/** @param server `ADDRESS:PORT` of a TCP virtual server */
export async function readTable(topology: Topology, node: Node, server: string): Promise<string> {
  const { status, stdout, stderr } = await topology.exec(node, ['ipvsadm', '-Ln', '-t', server]);
  if (status !== 0) throw new Error(`ipvsadm on ${node.name}: ${stderr}`);
  return stdout;
}

/**
 * @param table what `ipvsadm -Ln` prints
 * @param destination `ADDRESS:PORT`
 * @returns undefined when it is not there
 */
export function weightIn(table: string, destination: string): number | undefined {
  for (const line of table.split('\n')) {
    const [arrow, address, , weight] = line.trim().split(/\s+/);
    if (arrow === '->' && address === destination) return Number(weight);
  }
  return undefined;
}
