// externalTrafficPolicy Local: outsiders are seen with their own address where a pod runs, and
// dropped at once where none does; inside the cluster the Service works from everywhere.

import type { Node } from '../../../test/lab/addressPlan.ts';
import { addressTowards, outsideAddresses } from '../cluster.ts';
import type { Demo } from '../demo.ts';
import { ask, type Answer } from '../requests.ts';
import { readRules } from '../rules.ts';

const address = outsideAddresses.localLoadBalancer;

export async function localPolicy(demo: Demo) {
  const { cluster, report } = demo;
  const { topology, node1, node2, web2, client, outside } = cluster;
  report.chapter(
    'externalTrafficPolicy: Local (local-policy.yaml): audit, 198.51.100.30:80 and port 30070',
    "Its only pod runs on node2. Asked there, it sees the client's real address. node1 has no pod of it and DROPs what " +
      'comes from outside, instead of sending it on and losing that address.',
  );
  const answerTo = (seen: string): Answer[] => [{ by: `${web2.name}:8080`, client: seen }];
  const own = answerTo(outside.addresses.IPv4);
  const masqueraded = answerTo(addressTowards(web2, node1));
  report.heading();
  await topology.route(outside, [`${address}/32`], node2);
  await ask(demo, {
    title: "Local: the pod sees the outsider's own address, LoadBalancer address at node2",
    from: outside,
    address,
    port: 80,
    expect: own,
  });
  await ask(demo, {
    title: "Local: the pod sees the outsider's own address, NodePort of node2",
    from: outside,
    address: node2.addresses.IPv4,
    port: 30070,
    expect: own,
  });
  await ask(demo, {
    title: 'Local: a pod on node1 reaches the pod on node2',
    from: client,
    address,
    port: 80,
    expect: masqueraded,
  });
  await ask(demo, {
    title: 'Local: the node without a pod of it reaches the pod on node2',
    from: node1,
    address,
    port: 80,
    expect: masqueraded,
  });
  await showDrop(demo);
}

async function showDrop(demo: Demo) {
  const { cluster, report } = demo;
  const { topology, node1, outside } = cluster;
  const before = await dropRule(demo, node1);
  await topology.route(outside, [`${address}/32`], node1);
  await ask(demo, {
    title: 'Local: node1, without a pod, drops an outsider at the LoadBalancer address',
    from: outside,
    address,
    port: 80,
    expect: 'dropped',
  });
  await ask(demo, {
    title: 'Local: node1, without a pod, drops an outsider at the NodePort',
    from: outside,
    address: node1.addresses.IPv4,
    port: 30070,
    expect: 'dropped',
  });
  const after = await dropRule(demo, node1);
  report.gap();
  report.note('The rule of node1 that dropped them, [packets:bytes]:');
  report.block(after?.line ?? '(none)');
  const counted = (after?.packets ?? 0) - (before?.packets ?? 0);
  report.statement(
    'Local: both requests were dropped by the DROP rule of node1 and lost nowhere else',
    counted >= 2 ? undefined : `the rule counted ${counted} packets more`,
  );
}

async function dropRule({ cluster }: Demo, node: Node) {
  const rules = await readRules(cluster.topology, node, 'filter', 'KUBE-PROXY-FIREWALL');
  return rules.find(({ text }) => text.endsWith('-j DROP'));
}
