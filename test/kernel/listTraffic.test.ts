/**
 * Listings of a kernel that real traffic went through, beside the real ipvsadm: counters, rates,
 * live connection counts, and the table of connections. Counters are frozen for the comparison (the
 * kernel stops its estimator on request); a table of connections counts seconds, so it is compared
 * frozen in a file, byte for byte, and live with its seconds between two readings.
 */
import { readFile, writeFile, chmod, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { nodeAt, outsideClient, podAddresses } from '../lab/addressPlan.ts';
import { execIn } from '../lab/netns.ts';
import { Topology } from '../lab/topology.ts';
import type { FlowProtocol, HeldFlow } from '../lab/traffic.ts';
import {
  type Answer,
  type OracleNamespace,
  ourAnswer,
  REAL_IPVSADM,
  realAnswers,
} from '../support/ipvsadm/ipvsadmOracle.ts';
import { requireIpvs } from '../support/lab/kernelProbe.ts';

const describe = await requireIpvs();

const node1 = nodeAt(1);
const pods = { web1: podAddresses(node1, 10), web2: podAddresses(node1, 11) };
const NAMESPACE: OracleNamespace = {
  name: node1.name,
  networkNamespacePath: `/run/netns/${node1.name}`,
};

/**
 * Long persistence: in an emulated kernel a minute is over before the last test, and then a
 * template that still has connections begins anew.
 */
const RULES = `
-A -t 10.96.0.1:80 -s rr
-a -t 10.96.0.1:80 -r ${pods.web1.IPv4}:8080 -m
-a -t 10.96.0.1:80 -r ${pods.web2.IPv4}:8080 -m
-A -t 10.96.0.2:80 -s rr -p 10800
-a -t 10.96.0.2:80 -r ${pods.web1.IPv4}:8080 -m -x 100 -y 50
-A -t 10.96.0.3:80 -s sh -p 3000 -M 255.255.255.0
-a -t 10.96.0.3:80 -r ${pods.web2.IPv4}:8080 -m
-A -u 10.96.0.1:53 -s rr
-a -u 10.96.0.1:53 -r ${pods.web1.IPv4}:5353 -m
-a -u 10.96.0.1:53 -r ${pods.web2.IPv4}:5353 -m
-A -u 10.96.0.4:53 -s rr -o
-a -u 10.96.0.4:53 -r ${pods.web1.IPv4}:5353 -m
-A -u 10.96.0.5:5060 -s rr -p 6000 --pe sip
-a -u 10.96.0.5:5060 -r ${pods.web1.IPv4}:5353 -m
-A --sctp-service 10.96.0.1:3868 -s rr
-a --sctp-service 10.96.0.1:3868 -r ${pods.web1.IPv4}:3868 -m
-A -t [fd00:10:96::1]:80 -s rr
-a -t [fd00:10:96::1]:80 -r [${pods.web1.IPv6}]:8080 -m
-a -t [fd00:10:96::1]:80 -r [${pods.web2.IPv6}]:8080 -m
-A -t [fd00:10:96::2]:80 -s wlc -p 6000 -M 64
-a -t [fd00:10:96::2]:80 -r [${pods.web2.IPv6}]:8080 -m
-A -f 7 -s rr -p 5000
-a -f 7 -r ${pods.web1.IPv4}:8080 -m
-A -f 8 -6 -s rr -p 5000
-a -f 8 -6 -r [${pods.web1.IPv6}]:8080 -m
-A -t 10.96.0.6:80 -s rr
-a -t 10.96.0.6:80 -r 10.244.9.9:80 -m
`;

const VIPS = ['10.96.0.0/24', 'fd00:10:96::/112'];

const OPTION_SETS = ['', '--stats', '--rate', '--thresholds', '--persistent-conn', '--tun-info']
  .flatMap((columns) =>
    ['-n', '-n --exact', '', '-n --nosort'].map((rest) => `-L ${columns} ${rest}`),
  )
  .map((line) => line.split(' ').filter((word) => word !== ''));

const CONNECTION_SETS = [
  '-Lnc',
  '-Lc',
  '-Lnc --persistent-conn',
  '-L -c --persistent-conn --nosort',
].map((line) => line.split(' '));

describe('beside the real ipvsadm, after traffic', () => {
  let topology: Topology;
  const held: HeldFlow[] = [];
  /** while half-open ones were among them */
  let connections: string;

  beforeAll(async () => {
    topology = await Topology.create({ nodeCount: 1 });
    for (const name of Object.keys(pods)) await addServer(name);
    const { traffic } = topology;
    await traffic.sysctl('node1', 'net/ipv4/vs/conntrack', 1);
    for (const address of ['10.96.0.1', '10.96.0.2', '10.96.0.3', '10.96.0.4', '10.96.0.5']) {
      await inNode('ip', 'address', 'add', `${address}/32`, 'dev', 'lo');
    }
    for (const address of ['10.96.0.6', '10.96.0.7', '10.96.0.8']) {
      await inNode('ip', 'address', 'add', `${address}/32`, 'dev', 'lo');
    }
    for (const address of ['fd00:10:96::1', 'fd00:10:96::2', 'fd00:10:96::8']) {
      await inNode('ip', 'address', 'add', `${address}/128`, 'dev', 'lo', 'nodad');
    }
    const mark = ['-t', 'mangle', '-A', 'PREROUTING', '-p', 'tcp', '-j', 'MARK', '--set-mark'];
    await inNode('iptables', ...mark, '7', '-d', '10.96.0.7');
    await inNode('ip6tables', ...mark, '8', '-d', 'fd00:10:96::8');
    await topology.route(topology.outside, VIPS, node1);
    await realAnswers(NAMESPACE, [{ argv: ['-R'], stdin: RULES.trim() }]);
    await makeTraffic();
    connections = await inNode('cat', '/proc/net/ip_vs_conn');
    // Name servers are then out of reach at once, and not after a time.
    await inNode('ip', 'route', 'delete', 'default');
    await inNode('ip', '-6', 'route', 'delete', 'default');
    // Two ticks of the estimator, then none.
    await sleep(2100);
    await burst();
    await sleep(2100);
    await traffic.sysctl('node1', 'net/ipv4/vs/run_estimation', 0);
  });
  afterAll(async () => {
    for (const flow of held) await flow.close();
    await topology.destroy();
  });

  async function addServer(name: string): Promise<void> {
    await topology.addPod('node1', name);
    await topology.traffic.serve(name, name, 'tcp', 8080);
    // A connection to a persistent mark keeps its port.
    await topology.traffic.serve(name, name, 'tcp', 80);
    await topology.traffic.serve(name, name, 'udp', 5353);
    await topology.traffic.serve(name, name, 'sctp', 3868);
  }

  async function inNode(...argv: readonly string[]): Promise<string> {
    const { stdout, stderr, status } = await execIn('node1', argv);
    if (status !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`);
    return stdout;
  }

  async function makeTraffic(): Promise<void> {
    const targets: (readonly [FlowProtocol, string, number])[] = [
      ['tcp', '10.96.0.1', 80],
      ['tcp', '10.96.0.2', 80],
      ['tcp', '10.96.0.3', 80],
      ['udp', '10.96.0.1', 53],
      ['sctp', '10.96.0.1', 3868],
      ['tcp', 'fd00:10:96::1', 80],
      ['tcp', 'fd00:10:96::2', 80],
      ['tcp', '10.96.0.7', 80],
      ['tcp', 'fd00:10:96::8', 80],
    ];
    const from = outsideClient.name;
    const answers: string[] = [];
    for (const [protocol, address, port] of targets) {
      for (let i = 0; i < 5; i++) {
        const { kind } = await topology.traffic.probe({ from, protocol, address, port });
        answers.push(`${address}:${port} ${kind}`);
      }
      const flow = await topology.traffic.hold({ from, protocol, address, port });
      held.push(flow);
    }
    // One packet, no answer: such a connection is forgotten at once.
    const datagram = { from, protocol: 'udp', timeoutMs: 200 } as const;
    await topology.traffic.probe({ ...datagram, address: '10.96.0.4', port: 53 });
    const invite = 'INVITE sip:a@b SIP/2.0\\r\\nCall-ID: a-call-id@host\\r\\n\\r\\n';
    const send = `printf '${invite}' | cat >/dev/udp/10.96.0.5/5060`;
    await execIn(from, ['bash', '--norc', '-c', send]);
    // Nobody there: half-open connections.
    await topology.traffic.probe({
      from,
      protocol: 'tcp',
      address: '10.96.0.6',
      port: 80,
      timeoutMs: 200,
    });
    expect(answers.filter((answer) => !answer.endsWith('answered'))).toEqual([]);
  }

  async function burst(): Promise<void> {
    const from = outsideClient.name;
    const target = { from, protocol: 'tcp', address: '10.96.0.1', port: 80 } as const;
    const probes = Array.from({ length: 100 }, () => topology.traffic.probe(target));
    await Promise.all(probes);
  }

  test('counters, rates and live connections', async () => {
    const real = await realAnswers(
      NAMESPACE,
      OPTION_SETS.map((argv) => ({ argv })),
    );
    for (const [i, argv] of OPTION_SETS.entries()) await compareWhileItStays(argv, real[i]!);
    const stats =
      real[OPTION_SETS.findIndex((argv) => argv.join(' ') === '-L --stats -n --exact')]!;
    expect(stats.stdout).toMatch(/TCP {2}10\.96\.0\.1:80 +106 +[1-9]/);
    const rates = real[OPTION_SETS.findIndex((argv) => argv.join(' ') === '-L --rate -n')]!;
    expect(rates.stdout).toMatch(/TCP {2}10\.96\.0\.1:80 +[1-9]/);
  });

  /**
   * Closed connections are forgotten after 10 s to 5 minutes, so the real one may have to be asked
   * again.
   */
  async function compareWhileItStays(argv: readonly string[], before: Answer): Promise<void> {
    const ours = await ourAnswer(NAMESPACE, { argv });
    if (isDeepStrictEqual(ours, before)) return;
    const [now] = await realAnswers(NAMESPACE, [{ argv }]);
    if (!isDeepStrictEqual(now, before)) return compareWhileItStays(argv, now!);
    expect({ argv, ...ours }).toEqual({ argv, ...now });
  }

  test('a frozen table of connections, byte for byte', async () => {
    for (const word of [
      'ESTABLISHED',
      'SYN_RECV',
      'ASSURED',
      'UDP',
      'SCTP',
      'fd00:',
      'IP ',
      'a-call-id@host',
    ]) {
      expect(connections).toContain(word);
    }
    await compareFrozen(connections);
    await compareFrozen(STRANGE_TABLE);
  });

  /**
   * A copy of ipvsadm that reads a file of ours: the path in it is replaced by one of the same
   * length.
   */
  async function compareFrozen(table: string): Promise<void> {
    const path = '/tmp/kube_ipvs_conn0';
    const copy = '/tmp/ipvsadm-frozen';
    const program = await readFile(REAL_IPVSADM, 'latin1');
    const changed = program.replace('/proc/net/ip_vs_conn', path);
    expect(changed).not.toBe(program);
    expect(changed.length).toBe(program.length);
    await writeFile(copy, changed, 'latin1');
    await chmod(copy, 0o755);
    await writeFile(path, table);
    try {
      const commands = CONNECTION_SETS.map((argv) => ({ argv }));
      const real = await realAnswers(NAMESPACE, commands, copy);
      for (const [i, { argv }] of commands.entries()) {
        const ours = await ourAnswer(NAMESPACE, { argv }, path);
        expect({ argv, ...ours }).toEqual({ argv, ...real[i] });
      }
    } finally {
      await rm(copy);
      await rm(path);
    }
  }

  test('the live table of connections', async () => {
    const argv = ['-Lnc', '--persistent-conn'];
    const [before] = await realAnswers(NAMESPACE, [{ argv }]);
    const ours = await inNode(
      'node',
      '--disable-warning=ExperimentalWarning',
      'src/cli/main.ts',
      'ipvsadm',
      ...argv,
    );
    const [after] = await realAnswers(NAMESPACE, [{ argv }]);
    const [first, second, third] = [before!.stdout, ours, after!.stdout].map(timesByLine);
    // Connections end meanwhile, and the slower the machine the more; none begins.
    const lines = [...second!.keys()];
    expect(lines).toEqual([...first!.keys()].filter((line) => second!.has(line)));
    expect([...third!.keys()]).toEqual(lines.filter((line) => third!.has(line)));
    for (const [line, seconds] of second!) {
      // Its ends talk without being asked.
      if (line.startsWith('SCTP')) continue;
      expect([line, seconds]).toEqual([line, Math.min(seconds, first!.get(line)!)]);
      expect([line, seconds]).toEqual([line, Math.max(seconds, third!.get(line) ?? 0)]);
    }
  });
});

/**
 * A table of connections: each line without its time → that time in seconds, 0 for one that has
 * none.
 */
function timesByLine(table: string): ReadonlyMap<string, number> {
  return new Map(
    table.split('\n').map((line) => {
      const [, minutes = 0, rest = 0] = /^\S+ +(\d+):(\d\d) /.exec(line) ?? [];
      return [line.replace(/ \d\d+:\d\d +/, ' TIME '), Number(minutes) * 60 + Number(rest)];
    }),
  );
}

/**
 * What a kernel shows seldom: every width exceeded, marks as addresses, mixed families, other
 * protocols.
 */
const STRANGE_TABLE = `Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData
TCP 0A000001 1F90 0A600001 0050 0AF40102 1F90 FIN_WAIT          5
TCP 0A000001 1F91 0A600001 0050 0AF40102 1F90 CLOSE_WAIT       59
TCP 0A000001 1F93 0A600001 0050 0AF40102 1F90 SYNACK         3599
TCP 0A000001 1F94 0A600001 0050 0AF40102 1F90 NONE           3600
UDP FFFFFFFF FFFF FFFFFFFE FFFF FFFFFFFD FFFF UDP          359999
UDP 0A000001 0035 0A600001 0035 0AF40102 0035 UDP      2147483647
SCTP 0A000001 1F90 0A600001 0F1C 0AF40102 1F90 S-ACK-SENT        0
IP  AC100002 0000 0000000A 0000 0AF40102 0000 ASSURED         299
IP  fd00:0172:0016:0000:0000:0000:0000:0002 0000 0000:0014:: 0000 fd00:0010:0244:0001:0000:0000:0000:0002 0000 ASSURED          99
IP_47 AC100002 0000 0A600001 0000 0AF40102 0000 NONE             12
TCP fd00:0172:0016:0000:0000:0000:0000:0002 04D2 fd00:0010:0096:0000:0000:0000:0000:0001 0050 fd00:0010:0244:0001:0000:0000:0000:0002 0050 ESTABLISHED     100
TCP 2001:0db8:aaaa:bbbb:cccc:dddd:eeee:ffff FFFF 2001:0db8:1111:2222:3333:4444:5555:6666 FFFF 2001:0db8:aaaa:bbbb:cccc:dddd:eeee:fffe FFFF ESTABLISHED     899
TCP 0000:0000:0000:0000:0000:ffff:0a00:0001 04D2 0000:0000:0000:0000:0000:0000:0a00:0001 0050 0000:0000:0000:0000:0000:0000:0000:0001 0050 CLOSE            1
UDP 0A000001 0000 0A600001 13C4 0AF40102 13C4 ASSURED          56 sip a-call-id@host.example
`;
