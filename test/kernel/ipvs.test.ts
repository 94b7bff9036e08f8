/** IPVS of a real kernel through our port, with ipvsadm as the second witness. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { IpvsClient } from '../../src/kernel/ipvsClient.ts';
import type { IpvsOperation } from '../../src/kernel/ipvsApply.ts';
import type { Destination } from '../../src/dataplane/state.ts';
import type { ServerSpec } from '../../src/dataplane/operations.ts';
import { requireIpvs } from '../support/lab/kernelProbe.ts';
import { freshNamespace, type Namespace } from '../support/lab/namespace.ts';

const describe = await requireIpvs();

const web: ServerSpec = {
  address: '10.96.0.1',
  port: 80,
  protocol: 'TCP',
  scheduler: 'rr',
  flags: [],
};
const first: Destination = { address: '10.244.1.1', port: 8080, weight: 1 };
const second: Destination = { address: '10.244.1.2', port: 8080, weight: 1 };

/** Holds a connection through the virtual server until its standard input ends. */
const CLIENT_AND_SERVER = `
  const net = require('node:net');
  const server = net.createServer((peer) => peer.write('hello'));
  server.listen(8080, '10.244.1.1', () => net.connect(80, '10.96.0.1'));
  process.stdin.on('end', () => process.exit(0)).resume();
`;

const add = (server: ServerSpec, ...destinations: readonly Destination[]): IpvsOperation[] => [
  { op: 'addServer', server },
  ...destinations.map((destination) => ({ op: 'addDestination', server, destination }) as const),
];

describe('the IPVS port', () => {
  let namespace: Namespace;
  let port: IpvsClient;

  beforeEach(async () => {
    namespace = await freshNamespace();
    port = new IpvsClient(namespace);
  });

  afterEach(async () => {
    port.close();
    await namespace.remove();
  });

  /** `ipvsadm -Sn`: one command a service and destination, sorted. */
  const saved = async () =>
    (await namespace.run('ipvsadm', '-Sn')).trim().split('\n').toSorted().filter(Boolean);
  const apply = async (...run: IpvsOperation[]) => {
    const report = await port.apply(run);
    expect(report.outcomes.filter((outcome) => outcome !== undefined)).toEqual([]);
    return report;
  };

  test('every kind of server arrives as ipvsadm would have made it, and reads back equal', async () => {
    const servers: ServerSpec[] = [
      web,
      { ...web, protocol: 'UDP', port: 53, scheduler: 'sh', flags: ['one-packet'] },
      { ...web, protocol: 'SCTP', port: 3868, scheduler: 'wrr' },
      { ...web, port: 81, flags: ['persistent'], persistenceTimeoutSec: 10800 },
      { ...web, port: 82, scheduler: 'sh', flags: ['sh-fallback', 'sh-port'] },
      { ...web, port: 83, scheduler: 'mh', flags: ['mh-port'] },
      { ...web, address: 'fd00::1', port: 443, scheduler: 'lc' },
      {
        ...web,
        address: 'fd00::2',
        port: 1,
        flags: ['persistent'],
        persistenceTimeoutSec: 360,
      },
    ];
    const v6 = { address: 'fd00:1::1', port: 8443, weight: 3 };
    const run = servers.flatMap((server) =>
      add(server, ...(server.address.includes(':') ? [v6] : [first, { ...second, weight: 0 }])),
    );
    const { kernelWrites } = await apply(...run);
    expect(kernelWrites).toBe(run.length);
    expect(await saved()).toEqual(
      [
        '-A -t 10.96.0.1:80 -s rr',
        '-a -t 10.96.0.1:80 -r 10.244.1.1:8080 -m -w 1',
        '-a -t 10.96.0.1:80 -r 10.244.1.2:8080 -m -w 0',
        '-A -u 10.96.0.1:53 -s sh -o',
        '-a -u 10.96.0.1:53 -r 10.244.1.1:8080 -m -w 1',
        '-a -u 10.96.0.1:53 -r 10.244.1.2:8080 -m -w 0',
        '-A --sctp-service 10.96.0.1:3868 -s wrr',
        '-a --sctp-service 10.96.0.1:3868 -r 10.244.1.1:8080 -m -w 1',
        '-a --sctp-service 10.96.0.1:3868 -r 10.244.1.2:8080 -m -w 0',
        '-A -t 10.96.0.1:81 -s rr -p 10800',
        '-a -t 10.96.0.1:81 -r 10.244.1.1:8080 -m -w 1',
        '-a -t 10.96.0.1:81 -r 10.244.1.2:8080 -m -w 0',
        '-A -t 10.96.0.1:82 -s sh -b sh-fallback,sh-port',
        '-a -t 10.96.0.1:82 -r 10.244.1.1:8080 -m -w 1',
        '-a -t 10.96.0.1:82 -r 10.244.1.2:8080 -m -w 0',
        '-A -t 10.96.0.1:83 -s mh -b mh-port',
        '-a -t 10.96.0.1:83 -r 10.244.1.1:8080 -m -w 1',
        '-a -t 10.96.0.1:83 -r 10.244.1.2:8080 -m -w 0',
        '-A -t [fd00::1]:443 -s lc',
        '-a -t [fd00::1]:443 -r [fd00:1::1]:8443 -m -w 3',
        '-A -t [fd00::2]:1 -s rr -p 360',
        '-a -t [fd00::2]:1 -r [fd00:1::1]:8443 -m -w 3',
      ].toSorted(),
    );
    const { virtualServers, foreignServers } = await port.read();
    expect(foreignServers).toEqual([]);
    expect([...virtualServers.values()]).toEqual(
      expect.arrayContaining(servers.map((server) => expect.objectContaining(server) as unknown)),
    );
    expect(virtualServers.size).toBe(servers.length);
    const { destinations } = virtualServers.get('10.96.0.1:80/TCP')!;
    expect(destinations).toEqual(
      new Map([
        ['10.244.1.1:8080', first],
        ['10.244.1.2:8080', { ...second, weight: 0 }],
      ]),
    );
  });

  test('what is present already gets the wanted settings', async () => {
    await namespace.run('ipvsadm', '-A', '-t', '10.96.0.1:80', '-s', 'wlc', '-p', '50');
    // With direct routing ipvsadm takes the port of the server.
    const routed = { ...first, port: 80 };
    const command = 'ipvsadm -a -t 10.96.0.1:80 -r 10.244.1.1 -g -w 9';
    await namespace.run(...command.split(' '));
    await apply(...add(web, routed));
    expect(await saved()).toEqual([
      '-A -t 10.96.0.1:80 -s rr',
      '-a -t 10.96.0.1:80 -r 10.244.1.1:80 -m -w 1',
    ]);
  });

  test('an update of what is missing adds it, the destinations of a lost server too', async () => {
    await apply(
      { op: 'updateServer', server: web },
      { op: 'updateDestination', server: web, destination: first },
      { op: 'addDestination', server: web, destination: second },
    );
    expect(await saved()).toHaveLength(3);
  });

  test('removing the missing succeeds', async () => {
    await apply(
      { op: 'removeDestination', server: web, destination: first },
      { op: 'removeServer', server: web },
    );
    await apply(...add(web, first));
    await apply(
      { op: 'removeDestination', server: web, destination: second },
      { op: 'removeDestination', server: web, destination: first },
      { op: 'removeServer', server: web },
    );
    expect(await saved()).toEqual([]);
  });

  test('a failed operation is reported with its reason and does not stop the others', async () => {
    const odd = { ...web, port: 81, scheduler: 'nosuch' };
    const { outcomes } = await port.apply([
      ...add(odd, first),
      ...add(web, { ...first, address: '224.0.0.1' }, first),
    ]);
    expect(outcomes.map((outcome) => outcome?.code)).toEqual([
      'ENOENT',
      'ESRCH',
      undefined,
      'EINVAL',
      undefined,
    ]);
    expect(outcomes[0]!.message).toContain('ip_vs_nosuch');
    expect(await saved()).toHaveLength(2);
  });

  test('the order of a run holds where it matters', async () => {
    await namespace.run('ipvsadm', '-A', '-t', '10.96.0.1:80', '-s', 'wlc');
    await apply(
      ...add(web, first),
      { op: 'removeServer', server: web },
      ...add({ ...web, scheduler: 'wrr' }, second),
    );
    expect(await saved()).toEqual([
      '-A -t 10.96.0.1:80 -s wrr',
      '-a -t 10.96.0.1:80 -r 10.244.1.2:8080 -m -w 1',
    ]);
  });

  test('an idle destination drains at once; one that is gone is drained', async () => {
    await apply(...add(web, first, second));
    const report = await apply(
      { op: 'drainDestination', server: web, destination: first },
      {
        op: 'drainDestination',
        server: web,
        destination: { ...first, address: '10.244.9.9' },
      },
      { op: 'drainDestination', server: { ...web, port: 99 }, destination: first },
    );
    expect(report.draining).toEqual([]);
    expect(await saved()).toEqual([
      '-A -t 10.96.0.1:80 -s rr',
      '-a -t 10.96.0.1:80 -r 10.244.1.2:8080 -m -w 1',
    ]);
  });

  test('a destination with a connection keeps it, at weight 0, and is reported', async () => {
    // A server on loopback, a client that connects through IPVS and stays.
    await namespace.run('ip', 'address', 'add', '10.96.0.1/32', 'dev', 'lo');
    await namespace.run('ip', 'address', 'add', '10.244.1.1/32', 'dev', 'lo');
    await apply(...add(web, first));
    const client = spawn(
      'ip',
      ['netns', 'exec', namespace.name, process.execPath, '-e', CLIENT_AND_SERVER],
      { stdio: ['pipe', 'inherit', 'inherit'] },
    );
    const ended = once(client, 'exit');
    const key = '10.96.0.1:80/TCP';
    await untilTrue(async () => (await saved()).length === 2 && (await connected(namespace)));
    const { draining } = await apply({
      op: 'drainDestination',
      server: web,
      destination: { ...first, endpoint: 'default/web-1#0' },
    });
    expect(draining).toEqual([
      {
        server: key,
        destination: { ...first, weight: 0, endpoint: 'default/web-1#0' },
        activeConnections: 1,
        inactiveConnections: 0,
      },
    ]);
    expect(await port.connections([key, '10.96.0.9:1/TCP'])).toEqual([
      { ...draining[0], destination: { ...first, weight: 0 } },
    ]);
    expect(await saved()).toContain('-a -t 10.96.0.1:80 -r 10.244.1.1:8080 -m -w 0');
    client.stdin.end();
    await ended;
  });

  test('what cannot be ours in form is named and left out', async () => {
    await namespace.run('ipvsadm', '-A', '-f', '7', '-s', 'rr');
    await namespace.run('ipvsadm', '-A', '-t', '192.0.2.1:80', '-s', 'rr');
    await namespace.run('ipvsadm', '-a', '-t', '192.0.2.1:80', '-r', '192.0.2.2:80', '-g');
    await apply(...add(web, first));
    const { virtualServers, foreignServers } = await port.read();
    expect([...virtualServers.keys()]).toEqual(['10.96.0.1:80/TCP']);
    expect(foreignServers).toEqual(['192.0.2.1:80/TCP', 'fwmark:7/IPv4']);
  });

  // a server was read as foreign for one such destination, and its own ones grew stale
  test('a destination of another form is left alone, and the server goes on as ours', async () => {
    await apply(...add(web, first));
    const routed = ['-a', '-t', '10.96.0.1:80', '-r', '192.0.2.2:80', '-g', '-w', '1'];
    await namespace.run('ipvsadm', ...routed);
    const { virtualServers, foreignServers } = await port.read();
    expect([...virtualServers.get('10.96.0.1:80/TCP')!.destinations.keys()]).toEqual([
      '10.244.1.1:8080',
    ]);
    expect(foreignServers).toEqual(['10.96.0.1:80/TCP -> 192.0.2.2:80']);
    await apply(
      { op: 'addDestination', server: web, destination: second },
      { op: 'drainDestination', server: web, destination: first },
    );
    expect(await saved()).toEqual([
      '-A -t 10.96.0.1:80 -s rr',
      '-a -t 10.96.0.1:80 -r 10.244.1.2:8080 -m -w 1',
      '-a -t 10.96.0.1:80 -r 192.0.2.2:80 -g -w 1',
    ]);
  });

  test('nothing is written onto a server that is somebody else’s, and it is said why', async () => {
    await namespace.run('ipvsadm', '-A', '-t', '10.96.0.1:80', '-s', 'wlc');
    await namespace.run('ipvsadm', '-a', '-t', '10.96.0.1:80', '-r', '192.0.2.2:80', '-g');
    const before = await saved();
    await port.read();
    const free = { ...web, port: 81 };
    const run = [...add(web, first), { op: 'removeServer', server: web } as const, ...add(free)];
    const { outcomes } = await port.apply(run);
    expect(outcomes.map((outcome) => outcome?.code)).toEqual([
      'EEXIST',
      'EEXIST',
      'EEXIST',
      undefined,
    ]);
    expect(outcomes[0]?.message).toContain(
      "add server 10.96.0.1:80/TCP: EEXIST, file already exists (10.96.0.1:80/TCP is another program's",
    );
    expect(await saved()).toEqual([...before, '-A -t 10.96.0.1:81 -s rr'].toSorted());
    await namespace.run('ipvsadm', '-D', '-t', '10.96.0.1:80');
    await port.read();
    await apply(...add(web, first));
  });

  test('thousands go in and come out; a second time changes nothing', async () => {
    const servers = Array.from({ length: 1500 }, (_, i) => ({
      ...web,
      address: `10.96.${i >> 8}.${i & 255}`,
    }));
    const run = servers.flatMap((server) => add(server, first, second));
    await apply(...run);
    const before = await port.read();
    expect(before.virtualServers.size).toBe(1500);
    expect([...before.virtualServers.values()].every((one) => one.destinations.size === 2)).toBe(
      true,
    );
    await apply(...run);
    expect(await port.read()).toEqual(before);
    await apply(
      ...servers.flatMap((server): IpvsOperation[] => [
        { op: 'drainDestination', server, destination: first },
        { op: 'removeDestination', server, destination: second },
        { op: 'removeServer', server },
      ]),
    );
    expect((await port.read()).virtualServers.size).toBe(0);
  });

  test('one server with a thousand destinations', async () => {
    const many = Array.from({ length: 1000 }, (_, i) => ({ ...first, port: 1000 + i }));
    await apply(...add({ ...web, scheduler: 'mh' }, ...many));
    const { virtualServers } = await port.read();
    expect(virtualServers.get('10.96.0.1:80/TCP')!.destinations.size).toBe(1000);
  });

  test('timeouts are read and set, 0 leaves one alone', async () => {
    const before = await port.timeouts();
    try {
      await port.setTimeouts({ tcpSec: 0, tcpFinSec: 77, udpSec: 66 });
      expect(await port.timeouts()).toEqual({ tcpSec: before.tcpSec, tcpFinSec: 77, udpSec: 66 });
      expect(await namespace.run('ipvsadm', '-L', '--timeout')).toContain(
        `(tcp tcpfin udp): ${before.tcpSec} 77 66`,
      );
      await expect(
        port.setTimeouts({ tcpSec: 0xffff_ffff, tcpFinSec: 0, udpSec: 0 }),
      ).rejects.toMatchObject({ code: 'EINVAL' });
    } finally {
      await port.setTimeouts(before);
    }
  });

  test('the version is that of ip_vs', async () => {
    const { version, connectionTableSize } = await port.version();
    expect(version).toBe(0x010201);
    expect(connectionTableSize).toBeGreaterThanOrEqual(256);
  });
});

async function connected(namespace: Namespace): Promise<boolean> {
  return (await namespace.run('ipvsadm', '-Lnc')).includes('ESTABLISHED');
}

async function untilTrue(condition: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 100; i++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('it never came true');
}
