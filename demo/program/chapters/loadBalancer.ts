// LoadBalancer: the address of the Service's status, routed to a node by whoever gave it away.

import { addressTowards, outsideAddresses } from '../cluster.ts';
import type { Demo } from '../demo.ts';
import { ask } from '../requests.ts';

export async function loadBalancer(demo: Demo) {
  const { node1, web1, web2, client, outside } = demo.cluster;
  demo.report.chapter(
    'LoadBalancer (load-balancer.yaml): api, 198.51.100.20:8765 → 9376',
    "A router outside sends the address of the Service's status to node1. From inside, the same address works without " +
      'leaving the node.',
  );
  demo.report.heading();
  const askers = [
    { who: 'an outsider', from: outside },
    { who: 'a pod', from: client },
    { who: 'a node', from: node1 },
  ];
  for (const { who, from } of askers) {
    await ask(demo, {
      title: `LoadBalancer address, port 8765: ${who} reaches both pods on 9376`,
      from,
      address: outsideAddresses.loadBalancer,
      port: 8765,
      expect: [web1, web2].map((pod) => ({
        by: `${pod.name}:9376`,
        client: addressTowards(pod, node1),
      })),
    });
  }
}
