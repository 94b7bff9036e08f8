// ClusterIP: everybody reaches the pods by one address, in both families; only who is no pod is
// masqueraded.

import { addressTowards } from '../cluster.ts';
import type { Demo } from '../demo.ts';
import { ask } from '../requests.ts';

const address = { IPv4: '10.96.0.10', IPv6: 'fd00:10:96::10' } as const;

export async function clusterIp(demo: Demo) {
  const { cluster, report } = demo;
  const { node1, web1, web2, client, outside } = cluster;
  report.chapter(
    'ClusterIP (cluster-ip.yaml): web, 10.96.0.10:80 → 8080',
    'Requests take turns between the two pods. A pod is seen with its own address; whoever is no pod (--cluster-cidr) is ' +
      'masqueraded by its node, so that the answer finds back.',
  );
  report.heading();
  for (const family of ['IPv4', 'IPv6'] as const) {
    const suffix = family === 'IPv4' ? '' : ', over IPv6';
    const target = { address: address[family], port: 80 };
    const itself = [web1, web2].map(({ name }) => ({
      by: `${name}:8080`,
      client: client.addresses[family],
    }));
    const masqueraded = [web1, web2].map((pod) => ({
      by: `${pod.name}:8080`,
      client: addressTowards(pod, node1, family),
    }));
    const title = (who: string) => `ClusterIP: ${who}${suffix}`;
    await ask(demo, {
      title: title('a pod reaches both pods, seen as itself'),
      from: client,
      ...target,
      expect: itself,
    });
    await ask(demo, {
      title: title('a node reaches both pods'),
      from: node1,
      ...target,
      expect: masqueraded,
    });
    await ask(demo, {
      title: title('an outsider reaches both pods, masqueraded'),
      from: outside,
      ...target,
      expect: masqueraded,
    });
  }
}
