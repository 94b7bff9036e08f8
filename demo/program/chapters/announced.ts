// LoadBalancer without a cloud: the address is found by ARP, and at another node when the proxy of
// the first one is killed. Its kernel forwards until the outsider is told of the other node.

import { addressTowards, outsideAddresses } from '../cluster.ts';
import type { Demo } from '../demo.ts';
import type { Proxy } from '../proxies.ts';
import { ask } from '../requests.ts';

const PATIENCE_MS = 30_000;
const ADDRESS = outsideAddresses.announced;

export async function announced(demo: Demo) {
  const { report, cluster, proxies } = demo;
  report.chapter(
    `LoadBalancer without a cloud (announced.yaml): front, ${ADDRESS}:80 → 8080`,
    'Its class is ours: kube-ipvs gives the address, and one node at a time answers for it by ARP. The outsider has no route ' +
      'to it: it takes it for a neighbour.',
  );
  const { web1, web2, outside, topology } = cluster;
  await until(async () => (await owner(demo)) !== undefined, 'nobody answers ARP for the address');
  const first = (await owner(demo))!;
  report.heading();
  await ask(demo, {
    title: `An outsider finds ${ADDRESS} by ARP and reaches both pods`,
    from: outside,
    address: ADDRESS,
    port: 80,
    expect: [web1, web2].map((pod) => ({
      by: `${pod.name}:8080`,
      client: addressTowards(pod, first.node),
    })),
  });
  report.gap();
  const neighbour = async () => {
    const argv = ['ip', 'neighbour', 'show', ADDRESS];
    return (await topology.exec(outside, argv)).stdout.trim();
  };
  report.note(`The outsider's neighbour table, while ${first.node.name} has the address:`);
  report.block(await neighbour());
  const other = proxies.find((proxy) => proxy !== first)!;
  const killedMs = Date.now();
  await first.kill();
  await until(async () => (await owner(demo)) === other, 'no other node has told the outsider');
  const tookMs = announcedAtMs(other, killedMs) - killedMs;
  report.note(
    `The processes of kube-ipvs on ${first.node.name} are killed (SIGKILL). ${tookMs} ms later ${other.node.name} announces the address:`,
  );
  report.block(await neighbour());
  report.gap();
  await ask(demo, {
    title: `After its node's proxy was killed, ${ADDRESS} is at the other node`,
    from: outside,
    address: ADDRESS,
    port: 80,
    expect: [web1, web2].map((pod) => ({
      by: `${pod.name}:8080`,
      client: addressTowards(pod, other.node),
    })),
  });
  await first.startAgain();
}

/** The proxy of the node whose MAC address the outsider has for it; it has to be known. */
async function owner({ cluster, proxies }: Demo): Promise<Proxy | undefined> {
  const { topology, outside } = cluster;
  await topology.traffic.probe({
    from: outside.name,
    protocol: 'http',
    address: ADDRESS,
    port: 80,
  });
  const { stdout } = await topology.exec(outside, ['ip', 'neighbour', 'show', ADDRESS]);
  const mac = /lladdr (\S+)/.exec(stdout)?.[1];
  if (mac === undefined) return undefined;
  for (const proxy of proxies) {
    const link = await topology.exec(proxy.node, ['ip', '-o', 'link', 'show', 'eth0']);
    if (link.stdout.includes(mac)) return proxy;
  }
  return undefined;
}

async function until(isSo: () => Promise<boolean>, problem: string): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await isSo())) if (performance.now() > deadline) throw new Error(problem);
}

/** Of its log, whose lines begin like `I1130 20:11:22.123456`, in UTC. */
function announcedAtMs(proxy: Proxy, sinceMs: number): number {
  const pattern = /^I\d{4} (\d\d):(\d\d):(\d\d)\.(\d{3})\d* .*announcing a load balancer address/gm;
  for (const [, hours, minutes, seconds, ms] of proxy.log().matchAll(pattern)) {
    const day = new Date(sinceMs);
    const atMs = day.setUTCHours(Number(hours), Number(minutes), Number(seconds), Number(ms));
    if (atMs >= sinceMs) return atMs;
  }
  throw new Error(`the proxy of ${proxy.node.name} has not announced it`);
}
