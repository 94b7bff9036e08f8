// The way from the nodes of a topology to the machine around the lab, where an API server may run:
// nodes → lab → machine, masqueraded on the last step, because the machine knows nothing of the
// lab's addresses.

import type { Node } from './addressPlan.ts';
import { machineAddress } from './joint.mjs';
import { exec } from './netns.ts';

/** The lab's own namespace on the nodes' network. */
const labAddress = '192.0.2.1';

export async function openWayToMachine(nodes: readonly Node[]): Promise<void> {
  const bridged = '/proc/sys/net/bridge/bridge-nf-call-iptables';
  const steps = [
    `ip address add ${labAddress}/24 dev underlay`,
    'echo 1 >/proc/sys/net/ipv4/ip_forward',
    // Frames between the nodes are none of this namespace's rules' business.
    `[ ! -e ${bridged} ] || echo 0 >${bridged}`,
    'iptables -t nat -A POSTROUTING -o vec0 -j MASQUERADE',
    ...nodes.map(({ name }) => `ip -n ${name} route add ${machineAddress}/32 via ${labAddress}`),
  ];
  const { status, stderr } = await exec(['sh', '-ec', steps.join('\n')]);
  if (status !== 0) throw new Error(`the way from the nodes to the machine: ${stderr}`);
}
