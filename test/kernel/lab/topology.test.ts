import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Topology } from '../../lab/topology.ts';

let topology: Topology;

beforeAll(async () => {
  topology = await Topology.create();
  await topology.addPod('node1', 'pod1');
  await topology.addPod('node2', 'pod2');
  await topology.addPod('node1', 'asker');
  for (const name of ['pod1', 'pod2']) {
    for (const protocol of ['tcp', 'udp', 'sctp'] as const) {
      await topology.traffic.serve(name, name, protocol, 8080);
    }
    await topology.traffic.serve(name, name, 'http', 8000);
  }
});

afterAll(() => topology.destroy());

const pod = (name: string) => topology.pods.find((candidate) => candidate.name === name)!;

test('every protocol and family reaches a pod on the other node, and the pod sees the asker', async () => {
  const targets = (['tcp', 'udp', 'sctp', 'http'] as const).flatMap((protocol) =>
    (['IPv4', 'IPv6'] as const).map((family) => ({ protocol, family })),
  );
  const results = await Promise.all(
    targets.map(({ protocol, family }) =>
      topology.traffic.probe({
        from: 'asker',
        protocol,
        address: pod('pod2').addresses[family],
        port: protocol === 'http' ? 8000 : 8080,
      }),
    ),
  );
  expect(results).toEqual(
    targets.map(({ family }) => ({
      kind: 'answered',
      by: 'pod2',
      client: pod('asker').addresses[family],
    })),
  );
});

test('a closed port is refused and a black hole drops, for every protocol', async () => {
  const rule = 'iptables -A FORWARD -d 10.244.2.99 -j DROP';
  await topology.exec(topology.node('node1'), rule.split(' '));
  for (const protocol of ['tcp', 'udp', 'sctp'] as const) {
    const ask = (address: string, port: number) =>
      topology.traffic.probe({ from: 'asker', protocol, address, port, timeoutMs: 500 });
    expect(await ask(pod('pod2').addresses.IPv4, 9)).toEqual({ kind: 'refused' });
    expect(await ask(pod('pod2').addresses.IPv6, 9)).toEqual({ kind: 'refused' });
    expect(await ask('10.244.2.99', 8080)).toEqual({ kind: 'dropped' });
  }
});

test('an ICMP reject is told from silence for every protocol and family', async () => {
  const node = topology.node('node1');
  for (const rule of [
    'iptables -A FORWARD -d 10.244.2.98 -j REJECT',
    'ip6tables -A FORWARD -d fd00:10:244:2::98 -j REJECT',
  ]) {
    await topology.exec(node, rule.split(' '));
  }
  for (const protocol of ['tcp', 'udp', 'sctp'] as const) {
    for (const address of ['10.244.2.98', 'fd00:10:244:2::98']) {
      const result = await topology.traffic.probe({ from: 'asker', protocol, address, port: 8080 });
      expect({ protocol, address, ...result }).toEqual({ protocol, address, kind: 'refused' });
    }
  }
});

test('IPVS by hand sends pods on, also to a pod on the same bridge', async () => {
  const node = topology.node('node1');
  const vip = '10.96.0.10:80';
  const setUp = [
    'sysctl -qw net.ipv4.vs.conntrack=1',
    'ip link add kube-ipvs0 type dummy',
    'ip address add 10.96.0.10/32 dev kube-ipvs0',
    `ipvsadm -A -t ${vip} -s rr`,
    `ipvsadm -a -t ${vip} -r 10.244.1.10:8080 -m`,
    `ipvsadm -a -t ${vip} -r 10.244.2.10:8080 -m`,
  ];
  const { status, stderr } = await topology.exec(node, ['sh', '-ec', setUp.join('\n')]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });

  const answeredBy = new Set<string>();
  for (let i = 0; i < 4; i++) {
    const target = { from: 'asker', protocol: 'tcp', address: '10.96.0.10', port: 80 } as const;
    const result = await topology.traffic.probe(target);
    expect(result).toMatchObject({ kind: 'answered', client: pod('asker').addresses.IPv4 });
    if (result.kind === 'answered') answeredBy.add(result.by);
  }
  expect([...answeredBy].sort()).toEqual(['pod1', 'pod2']);
});

test('a held flow goes on with the same server, and a removed pod is gone', async () => {
  await topology.addPod('node2', 'shortlived', 50);
  await topology.traffic.serve('shortlived', 'shortlived', 'tcp', 8080);
  const target = { from: 'asker', protocol: 'tcp', address: '10.244.2.50', port: 8080 } as const;
  const flow = await topology.traffic.hold(target);
  expect(flow.opened).toMatchObject({ kind: 'answered', by: 'shortlived' });
  expect(await flow.ask()).toMatchObject({ kind: 'answered', by: 'shortlived' });
  await topology.removePod('shortlived');
  expect((await topology.traffic.probe({ ...target, timeoutMs: 300 })).kind).not.toBe('answered');
  await flow.close();
});
