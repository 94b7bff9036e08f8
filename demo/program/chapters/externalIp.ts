// externalIPs: an address that is nobody's in the cluster, routed to a node.

import { addressTowards, outsideAddresses } from '../cluster.ts';
import type { Demo } from '../demo.ts';
import { ask } from '../requests.ts';

export async function externalIp(demo: Demo) {
  const { node1, node2, web1, web2, client, outside } = demo.cluster;
  demo.report.chapter(
    'externalIPs (external-ip.yaml): legacy, 80.11.12.10:80 → 9376',
    'A router outside sends this address to node2; pods and nodes reach it on their own node.',
  );
  demo.report.heading();
  const askers = [
    { who: 'an outsider', from: outside, node: node2 },
    { who: 'a pod', from: client, node: node1 },
    { who: 'a node', from: node1, node: node1 },
  ];
  for (const { who, from, node } of askers) {
    await ask(demo, {
      title: `externalIP: ${who} reaches both pods`,
      from,
      address: outsideAddresses.externalIp,
      port: 80,
      expect: [web1, web2].map((pod) => ({
        by: `${pod.name}:9376`,
        client: addressTowards(pod, node),
      })),
    });
  }
}
