// Weights of destinations: ipvsadm for people, the kernel's own file for whoever waits for a
// change.

import type { Node } from '../../test/lab/addressPlan.ts';
import type { Topology } from '../../test/lab/topology.ts';

/** @param server `ADDRESS:PORT` of a TCP virtual server */
export async function readTable(topology: Topology, node: Node, server: string): Promise<string> {
  const { status, stdout, stderr } = await topology.exec(node, ['ipvsadm', '-Ln', '-t', server]);
  if (status !== 0) throw new Error(`ipvsadm on ${node.name}: ${stderr}`);
  return stdout;
}

/**
 * @param text /proc/net/ip_vs: addresses and ports in hexadecimal
 * @param server, destination `IPv4ADDRESS:PORT`
 * @returns the weight of a destination of a TCP virtual server; undefined when it is not there
 */
export function weightIn(text: string, server: string, destination: string): number | undefined {
  let isOfServer = false;
  for (const line of text.split('\n')) {
    const [first, address, , weight] = line.trim().split(/\s+/);
    if (first !== '->') isOfServer = first === 'TCP' && address === inHexadecimal(server);
    else if (isOfServer && address === inHexadecimal(destination)) return Number(weight);
  }
  return undefined;
}

function inHexadecimal(hostPort: string): string {
  const [host = '', port] = hostPort.split(':');
  const digits = (value: string, width: number) =>
    Number(value).toString(16).toUpperCase().padStart(width, '0');
  const address = host.split('.').map((part) => digits(part, 2));
  return `${address.join('')}:${digits(port ?? '', 4)}`;
}
