/**
 * The conntrack codec and port against a real table: entries made by conntrack(8), listed, deleted
 * one by one.
 */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { ConntrackClient } from '../../src/kernel/conntrackClient.ts';
import { requireNamespaces } from '../support/lab/kernelProbe.ts';
import { freshNamespace, type Namespace } from '../support/lab/namespace.ts';

const describe = await requireNamespaces();

interface Made {
  readonly client: string;
  /** no two entries may have the same answers */
  readonly clientPort?: number;
  readonly to: string;
  readonly port: number;
  readonly endpoint: string;
  readonly protocol?: 'udp' | 'tcp';
}

async function make(namespace: Namespace, entry: Made): Promise<void> {
  const { client, clientPort = 40_000, to, port, endpoint, protocol = 'udp' } = entry;
  const ends = ['-s', client, '-d', to, '-r', endpoint, '-q', client];
  const ports = ['--sport', String(clientPort), '--dport', String(port)];
  const reply = ['--reply-port-src', '5353', '--reply-port-dst', String(clientPort)];
  const state = protocol === 'tcp' ? ['--state', 'ESTABLISHED'] : [];
  const argv = ['-I', '-p', protocol, ...ends, ...ports, ...reply, ...state, '-t', '100'];
  await namespace.run('conntrack', ...argv);
}

const CLIENT = '10.244.1.20';
const ENDPOINT = '10.244.1.5';
const VIP = '10.96.0.10';
const dns = { client: CLIENT, to: VIP, port: 53, endpoint: ENDPOINT };

describe('conntrack', () => {
  let namespace: Namespace;
  let port: ConntrackClient;

  beforeEach(async () => {
    namespace = await freshNamespace();
    port = new ConntrackClient(namespace);
  });

  afterEach(async () => {
    port.close();
    await namespace.remove();
  });

  const listed = async (family: 'ipv4' | 'ipv6' = 'ipv4') => {
    const text = await namespace.run('conntrack', '-L', '-f', family);
    return [...text.matchAll(/^(\w+) .*?src=(\S+) dst=(\S+) sport=\d+ dport=(\d+)/gm)]
      .map(([, protocol, source, to, at]) => `${protocol} ${source} ${to} ${at}`)
      .toSorted();
  };

  test('one flow of many is found by where it was sent, and nothing else is deleted', async () => {
    await make(namespace, dns);
    await make(namespace, { ...dns, clientPort: 40_001, port: 54 });
    await make(namespace, { ...dns, clientPort: 40_002, to: '10.96.0.11' });
    await make(namespace, { ...dns, protocol: 'tcp' });
    const found = await port.listUdp('IPv4', [{ address: VIP, port: 53 }]);
    expect(found).toEqual([
      {
        protocol: 17,
        original: { source: CLIENT, sourcePort: 40_000, destination: VIP, destinationPort: 53 },
        reply: {
          source: ENDPOINT,
          sourcePort: 5353,
          destination: CLIENT,
          destinationPort: 40_000,
        },
        id: expect.any(Number),
        zone: 0,
      },
    ]);
    expect(await port.delete(found)).toBe(1);
    expect(await listed()).toEqual([
      `tcp ${CLIENT} ${VIP} 53`,
      `udp ${CLIENT} ${VIP} 54`,
      `udp ${CLIENT} 10.96.0.11 53`,
    ]);
    expect(await port.delete(found)).toBe(0);
  });

  test('IPv6 flows are found and deleted', async () => {
    const six = { client: 'fd00:10:244:1::20', to: 'fd00:10:96::10', endpoint: 'fd00:10:244:1::5' };
    await make(namespace, { ...six, port: 53 });
    await make(namespace, { ...six, clientPort: 40_001, port: 54 });
    await make(namespace, { ...six, clientPort: 40_002, to: 'fd00:10:96::11', port: 53 });
    const found = await port.listUdp('IPv6', [{ address: six.to, port: 53 }]);
    expect(found).toMatchObject([{ reply: { source: six.endpoint, sourcePort: 5353 } }]);
    expect(await port.delete(found)).toBe(1);
    expect(await listed('ipv6')).toEqual([
      `udp ${six.client} ${six.to} 54`,
      `udp ${six.client} fd00:10:96::11 53`,
    ]);
  });

  test('of many addresses the same is found in one list', async () => {
    await make(namespace, dns);
    await make(namespace, { ...dns, clientPort: 40_002, to: '10.96.0.11' });
    const many = Array.from({ length: 20 }, (_, i) => ({ address: '10.96.1.1', port: i + 1 }));
    const found = await port.listUdp('IPv4', [...many, { address: VIP, port: 53 }]);
    expect(found.map(({ original }) => original.destination)).toEqual([VIP]);
  });

  test('an empty table is an empty list', async () => {
    expect(await port.listUdp('IPv6', [{ address: 'fd00:10:96::10', port: 53 }])).toEqual([]);
  });
});
