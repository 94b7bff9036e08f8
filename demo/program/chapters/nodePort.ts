// NodePort: any node, both ports, masqueraded by the mark 0x4000; the rule's packet counter and the
// connection table of the kernel bear witness.

import type { Node, Place } from '../../../test/lab/addressPlan.ts';
import { addressTowards } from '../cluster.ts';
import type { Demo } from '../demo.ts';
import { ask } from '../requests.ts';
import { readRules, type CountedRule } from '../rules.ts';

export async function nodePort(demo: Demo) {
  const { report, cluster } = demo;
  const { node1, node2, client, outside } = cluster;
  report.chapter(
    'NodePort (node-port.yaml): shop, ports 30080 and 30090 of every node',
    'The node that was asked may send the request on to a pod of another node. It then puts its own address in place of ' +
      "the client's (SNAT, mark 0x4000), or the pod would answer past it and the client would not know the answer.",
  );
  const before = await postrouting(demo, node1);
  report.heading();
  await askNode(demo, outside, node1, 30080, 8080);
  await askNode(demo, outside, node1, 30090, 9090);
  await askNode(demo, outside, node2, 30080, 8080);
  await askNode(demo, client, node1, 30080, 8080);
  await askNode(demo, client, node2, 30080, 8080);
  await askNode(demo, node1, node1, 30080, 8080);
  const after = await postrouting(demo, node1);
  showCounters(demo, before, after);
  await showConnection(demo);
}

/** 2 requests a call, each answered by another pod. */
async function askNode(demo: Demo, from: Place, node: Node, port: number, podPort: number) {
  const { web1, web2 } = demo.cluster;
  const who = { outside: 'an outsider', client: 'a pod' }[from.name] ?? 'the node itself';
  await ask(demo, {
    title: `NodePort ${port}: ${who} asks ${node.name} and reaches both pods, masqueraded`,
    from,
    address: node.addresses.IPv4,
    port,
    expect: [web1, web2].map((pod) => ({
      by: `${pod.name}:${podPort}`,
      client: addressTowards(pod, node, 'IPv4'),
    })),
  });
}

/** Connections to node1 in this chapter; the nat table counts the first packet of each. */
const masqueradedByNode1 = 8;

function postrouting(demo: Demo, node: Node): Promise<CountedRule[]> {
  return readRules(demo.cluster.topology, node, 'nat', 'KUBE-POSTROUTING');
}

function showCounters(
  { report }: Demo,
  before: readonly CountedRule[],
  after: readonly CountedRule[],
) {
  const isMasquerade = ({ text }: CountedRule) => text.includes('requiring SNAT');
  const rule = after.find(isMasquerade);
  const counted = (rule?.packets ?? 0) - (before.find(isMasquerade)?.packets ?? 0);
  report.gap();
  report.note('KUBE-POSTROUTING on node1, as iptables-save -c counts [packets:bytes]:');
  report.block(after.map(({ line }) => line).join('\n'));
  report.statement(
    `NodePort: the SNAT rule of node1 counted each of the ${masqueradedByNode1} connections to it`,
    counted === masqueradedByNode1
      ? undefined
      : `the counter of "${rule?.text ?? 'no such rule'}" rose by ${counted}`,
  );
}

/**
 * The kernel's own record of a connection: whom the client asked, and to whom the pod on the other
 * node answers.
 */
async function showConnection({ cluster, report }: Demo) {
  const { topology, node1, outside, web2 } = cluster;
  const argv = [
    'conntrack',
    '-L',
    '-p',
    'tcp',
    '-s',
    outside.addresses.IPv4,
    '--orig-port-dst',
    '30080',
  ];
  const { stdout } = await topology.exec(node1, argv);
  const asked = ` src=${outside.addresses.IPv4} dst=${node1.addresses.IPv4} `;
  const answered = ` src=${web2.addresses.IPv4} dst=${node1.addresses.IPv4} `;
  const line = stdout.split('\n').find((each) => each.includes(asked) && each.includes(answered));
  report.gap();
  report.note(
    'One of them in the connection table of node1: the client asked node1, web-2 on node2 answers to node1:',
  );
  report.block(line?.replace(/ +/g, ' ') ?? '(none)');
  report.statement(
    'NodePort: the pod on the other node answers through the node that was asked',
    line === undefined
      ? `no connection with "${asked}" and "${answered}" in:\n${stdout}`
      : undefined,
  );
}
