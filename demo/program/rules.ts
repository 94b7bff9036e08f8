// iptables rules with their packet counters, read with iptables-save.

import type { Node } from '../../test/lab/addressPlan.ts';
import type { Topology } from '../../test/lab/topology.ts';

export interface CountedRule {
  readonly packets: number;
  /** `-A CHAIN …` */
  readonly text: string;
  /** as printed: `[packets:bytes] -A CHAIN …` */
  readonly line: string;
}

/** The IPv4 rules of one chain on a node, in order. */
export async function readRules(
  topology: Topology,
  node: Node,
  table: 'nat' | 'filter',
  chain: string,
): Promise<CountedRule[]> {
  const { status, stdout, stderr } = await topology.exec(node, [
    'iptables-save',
    '-c',
    '-t',
    table,
  ]);
  if (status !== 0) throw new Error(`iptables-save on ${node.name}: ${stderr}`);
  return rulesOf(stdout, chain);
}

/** @param saved what `iptables-save -c` prints */
export function rulesOf(saved: string, chain: string): CountedRule[] {
  return saved.split('\n').flatMap((line) => {
    const [, packets, text] = /^\[(\d+):\d+\] (-A (\S+) .*)$/.exec(line) ?? [];
    const isOfChain = text !== undefined && text.split(' ')[1] === chain;
    return isOfChain ? [{ packets: Number(packets), text, line }] : [];
  });
}
