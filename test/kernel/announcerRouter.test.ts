/**
 * Announcers beside what is slow to notice: an API server that is away, and a router that keeps ARP
 * entries for twenty minutes behind a switch that forgets after five seconds.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { patience } from '../lab/patience.ts';
import { requireNamespaces } from '../support/lab/kernelProbe.ts';
import { sight } from '../support/lab/segment.ts';
import { AnnouncerNodes } from '../support/loadbalancer/announcerNodes.ts';

const describe = await requireNamespaces();

const V4 = '192.0.2.64';
const V6 = '2001:db8:1::64';
/** Longer than a node waits before it takes itself for cut off; KUBE_IPVS_FROZEN_SEC sets it. */
const FROZEN_MS = 1_000 * Number(process.env['KUBE_IPVS_FROZEN_SEC'] ?? 6);

/** A machine that stands still for a while is no reason for an address to move. */
const MISSES = 25;

describe('three nodes', () => {
  let nodes: AnnouncerNodes;

  beforeAll(async () => {
    nodes = await AnnouncerNodes.create(3, { addresses: [V4, V6], misses: MISSES });
    for (const name of nodes.names) nodes.start(name);
  });
  afterAll(async () => {
    await nodes.remove();
  });

  async function owner(address: string): Promise<string> {
    const found = await sight(
      () => nodes.answerers(address),
      (answerers) => answerers.length === 1,
    );
    if (found.length !== 1) throw new Error(`${address}: ${found.join(' ')}\n${nodes.logs}`);
    return found[0]!;
  }

  test(
    'no address moves while the API server is away, nor when it is back',
    async () => {
      const before = [await owner(V4), await owner(V6)];
      const sniffer = await nodes.segment.sniff(`arp or (icmp6 and ip6[40] == 136)`);
      nodes.tell({ isConnected: false });
      await pause(FROZEN_MS);
      nodes.tell({ isConnected: true });
      expect([await owner(V4), await owner(V6)]).toEqual(before);
      await sniffer.stop();
      const others = sniffer.lines.filter(
        (line) =>
          (line.includes(`Reply ${V4} `) && !line.startsWith(nodes.station(before[0]!).mac)) ||
          (line.includes(`tgt is ${V6},`) && !line.startsWith(nodes.station(before[1]!).mac)),
      );
      expect(others).toEqual([]);
    },
    patience(60_000) + FROZEN_MS,
  );

  test('a router that never asks again reaches the next node, also while it is away', async () => {
    const { client, segment } = nodes;
    await segment.atSwitch('ip', 'link', 'set', 'br0', 'type', 'bridge', 'ageing_time', '500');
    const twentyMinutes = ['base_reachable_time_ms=1200000', 'gc_stale_time=1200'];
    // What it has been told it uses, and does not make sure of.
    for (const setting of [...twentyMinutes, 'delay_first_probe_time=1200'])
      await client.namespace.run('sysctl', '-qw', `net.ipv4.neigh.eth0.${setting}`);
    const dead = await owner(V4);
    await sight(
      () => nodes.neighbour(V4),
      (name) => name === dead,
    );
    const asked = await segment.sniff(`arp[6:2] == 1 and ether src ${client.mac}`);
    nodes.tell({ isConnected: false });
    await nodes.end(dead, 'SIGKILL');
    const next = await sight(
      () => nodes.neighbour(V4),
      (name) => name !== undefined && name !== dead,
    );
    const { mac, namespace } = nodes.station(next!);
    const arrival = `udp port 9 and dst host ${V4} and ether dst ${mac}`;
    const tcpdump = ['tcpdump', '-Z', 'root', '-n', '-i', 'eth0', '-c', '1', arrival];
    const limitSec = String(patience(30_000) / 1_000);
    const arrived = namespace.run('timeout', limitSec, ...tcpdump);
    let hasArrived = false;
    void arrived.then(() => (hasArrived = true)).catch(() => undefined);
    await sight(
      () => client.namespace.run('bash', '--norc', '-c', `echo >/dev/udp/${V4}/9 || true`),
      () => hasArrived,
    );
    expect(await arrived).toContain(`> ${V4}.9`);
    await asked.stop();
    expect(asked.lines.filter((line) => line.includes(`who-has ${V4}`))).toEqual([]);
  });
});
