/**
 * Others work on what is ours, while connections come in all the time and some are held: everything
 * is put right again and counted by its kind, what is theirs stays, and no connection ends but
 * those that the kernel itself ends, though all are used meanwhile. What the dummy device loses
 * comes back when the kernel tells of it, without an audit; everything else with the next one. The
 * proxy is stopped while it is done, so that what was done is seen for certain.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { DRIFT_KINDS, type DriftKind } from '../../src/dataplane/driftKinds.ts';
import { familyOf } from '../../src/net/address.ts';
import { nodeAt, type Pod } from '../lab/addressPlan.ts';
import { patience } from '../lab/patience.ts';
import { Topology } from '../lab/topology.ts';
import type { FlowResult, HeldFlow } from '../lab/traffic.ts';
import { eventually } from '../support/e2e/cluster.ts';
import { requireIpvs } from '../support/lab/kernelProbe.ts';
import { ProxyProcess } from '../support/lab/labProxy.ts';
import {
  type Connection,
  everythingIn,
  OF_THE_DEVICE,
  OF_THE_REST,
  QUIET_VIP,
  REMOVE_EVERYTHING,
  type Tampering,
  VIP4,
  VIP6,
  WITH_A_FAULT,
} from './tampering/tamperings.ts';

const describe = await requireIpvs();

const node1 = nodeAt(1);
const MANIFESTS = '/run/tampering';
const VIPS = [VIP4, VIP6] as const;
const PATIENCE_MS = patience(180_000);
/** What is sent into a hole is sent again when the hole is mended: TCP doubles its waits. */
const FLOW_TIMEOUT_MS = 120_000;

interface Held extends Connection {
  readonly flow: HeldFlow;
}

const FOREIGN = `
ipvsadm -A -t 203.0.113.9:80 -s rr
ipvsadm -a -t 203.0.113.9:80 -r 203.0.113.10:80 -m -w 3
ipvsadm -A -f 7 -s rr
ipset create cali40 hash:ip
ipset add cali40 10.9.0.1
iptables -t nat -N CNI-HOSTPORT
iptables -t nat -A CNI-HOSTPORT -p tcp --dport 8443 -j RETURN
iptables -t nat -A PREROUTING -j CNI-HOSTPORT
ip address add 192.0.2.200/32 dev lo`;

/** Few programs: each costs the lab a tenth of a second. */
const READ_ALL = `
curl -s 127.0.0.1:10249/metrics
echo ====
ip -o address show
ipvsadm -Sn
ipset save
for name in conntrack expire_nodest_conn expire_quiescent_template; do
  echo "$name $(< /proc/sys/net/ipv4/vs/$name)"
done
for tables in iptables ip6tables; do echo "#$tables"; $tables-save; done`;
/** Of a round that has mended something; by kind. */
const REPAIR = /^.*(?:corrected the kernel|put right what somebody else had changed).*$/gm;
/** What is drawn by lot, counts, or tells the time. */
const VARYING = / (?:bucketsize|initval) \S+| \[\d+:\d+\]$|^\d+: /gm;

describe('others work on what is ours, under traffic', () => {
  let topology: Topology;
  let proxy: ProxyProcess | undefined;
  let intact: string | undefined;
  const pods: Pod[] = [];
  const stream = { isEnded: false, rounds: 0, answered: 0, lost: 0, ended: Promise.resolve() };
  /** by this process, all told; unknown after a failure */
  let counted: Readonly<Record<string, number>> | undefined;

  beforeAll(async () => {
    topology = await Topology.create({ nodeCount: 1 });
    for (const name of ['a', 'b']) {
      pods.push(await topology.addPod('node1', name));
      await topology.traffic.serve(name, name, 'tcp', 8080);
    }
    await topology.addPod('node1', 'client', 50);
    await mkdir(MANIFESTS, { recursive: true });
    await writeFile(`${MANIFESTS}/web.yaml`, manifest(pods));
    await sh(`set -e\n${FOREIGN}`);
  });

  afterAll(async () => {
    stream.isEnded = true;
    await stream.ended;
    await proxy?.stop();
    await topology.destroy();
  });

  async function sh(script: string): Promise<string> {
    const { status, stdout, stderr } = await topology.exec(node1, ['bash', '--norc', '-c', script]);
    if (status !== 0) throw new Error(`${script}: ${stderr}`);
    return stdout;
  }

  /** The whole of it, others' too, and what has been counted. */
  async function look(): Promise<{ state: string; drift: Record<string, number> }> {
    const [metrics = '', state = ''] = (await sh(READ_ALL)).split('====\n');
    const rows = metrics.matchAll(/^kubeipvs_drift_repaired_total\{kind="(\w+)"\} (\d+)$/gm);
    const drift = Object.fromEntries([...rows].map(([, kind, count]) => [kind, Number(count)]));
    return { state: sortedLines(state), drift };
  }

  const toService = (address: string) =>
    ({
      from: 'client',
      protocol: 'tcp',
      address,
      port: 80,
      timeoutMs: FLOW_TIMEOUT_MS,
    }) as const;
  const probe = (address: string) => topology.traffic.probe(toService(address));
  const isAnswered = (result: FlowResult) =>
    expect(result).toEqual(expect.objectContaining({ kind: 'answered' }));
  const ask = (flows: readonly Held[]) =>
    Promise.all(flows.map(({ flow }) => flow.ask(FLOW_TIMEOUT_MS)));

  /** To both destinations of each address. */
  async function hold(): Promise<readonly Held[]> {
    const targets = [...VIPS, ...VIPS];
    const flows = targets.map((address) => topology.traffic.hold(toService(address)));
    return (await Promise.all(flows)).map((flow, i) => {
      isAnswered(flow.opened);
      const by = flow.opened.kind === 'answered' ? flow.opened.by : '';
      return { flow, address: targets[i]!, by };
    });
  }

  async function keepConnecting(): Promise<void> {
    const count = ({ kind }: FlowResult) => {
      if (kind === 'answered') stream.answered += 1;
      else stream.lost += 1;
    };
    while (!stream.isEnded) {
      for (const each of await Promise.all(VIPS.map(probe))) count(each);
      stream.rounds += 1;
      // The lab has one processor for the proxy too.
      await sleep(200);
    }
  }

  async function start(syncPeriod: string): Promise<void> {
    await proxy?.stop();
    proxy = await ProxyProcess.start(topology, node1, MANIFESTS, [
      `--ipvs-sync-period=${syncPeriod}`,
    ]);
    const { state, drift } = await look();
    counted = Object.fromEntries(DRIFT_KINDS.map((kind) => [kind, 0]));
    expect(drift).toEqual(counted);
    intact ??= state;
    expect(state).toBe(intact);
  }

  async function isPutRight(tampering: Omit<Tampering, 'title'>): Promise<void> {
    const { script, counts, losesNew, ends = () => false } = tampering;
    const before = counted ?? (await look()).drift;
    counted = undefined;
    const lostBefore = stream.lost;
    const logBefore = proxy!.log.length;
    const held = await hold();
    const lasting = held.filter((flow) => !ends(flow));
    proxy!.signal('SIGSTOP');
    let answers: Promise<FlowResult[]>;
    try {
      await sh(script);
      answers = ask(lasting);
    } finally {
      proxy!.signal('SIGCONT');
    }
    await eventually(
      () => expect(toldIn(proxy!.log.slice(logBefore))).toEqual(counts),
      PATIENCE_MS,
    );
    const right = { state: intact, drift: sumOf(before, counts) };
    await eventually(async () => expect(await look()).toEqual(right), PATIENCE_MS);
    for (const answer of [...(await answers), ...(await ask(lasting))]) isAnswered(answer);
    for (const answer of await Promise.all(VIPS.map(probe))) isAnswered(answer);
    await Promise.all(held.map(({ flow }) => flow.close()));
    // What was begun before has ended too.
    const { rounds } = stream;
    await eventually(() => expect(stream.rounds).toBeGreaterThan(rounds + 1), PATIENCE_MS);
    expect(losesNew === true || stream.lost === lostBefore).toBe(true);
    counted = right.drift;
  }

  test('the proxy is there, and connections come in', async () => {
    await start('1h');
    stream.ended = keepConnecting();
    await eventually(() => expect(stream.answered).toBeGreaterThan(3), PATIENCE_MS);
  });

  test.each(OF_THE_DEVICE)('without an audit: $title', isPutRight);

  test('with another sync period nothing changes', async () => {
    await start('5s');
  });

  test.each(OF_THE_REST)('$title', isPutRight);

  test('everything is removed', () =>
    isPutRight({
      script: REMOVE_EVERYTHING,
      counts: everythingIn(intact!),
      losesNew: true,
      ends: () => true,
    }));

  test.each(WITH_A_FAULT)('$title', isPutRight);

  test('nothing failed on the way but what the lock held up', () => {
    const told = proxy!.log.split('\n').filter((line) => /^[EF]\d/.test(line));
    expect(told.filter((line) => !/xtables.lock|held back/.test(line))).toEqual([]);
    expect(proxy!.log).not.toContain('given up');
    process.stderr.write(`connections: ${stream.answered} answered, ${stream.lost} lost\n`);
  });
});

/** What its log says that a proxy has put right, by kind. */
function toldIn(log: string): Tampering['counts'] {
  const rounds = [...log.matchAll(REPAIR)].join('\n');
  return Object.fromEntries(
    DRIFT_KINDS.flatMap((kind) => {
      const told = [...rounds.matchAll(new RegExp(`\\b${kind}"?[=:](\\d+)`, 'g'))];
      return told.length === 0 ? [] : [[kind, told.reduce((sum, [, n]) => sum + Number(n), 0)]];
    }),
  );
}

const sumOf = (before: Readonly<Record<string, number>>, counts: Tampering['counts']) =>
  Object.fromEntries(
    Object.entries(before).map(([kind, count]) => [kind, count + (counts[kind as DriftKind] ?? 0)]),
  );

/** Rules with their family and table before them. */
function sortedLines(text: string): string {
  let [tables, table] = ['', ''];
  const lines = text
    .replaceAll(VARYING, '')
    .split('\n')
    .map((line) => {
      if (line.startsWith('#ip')) tables = line.slice(1);
      if (line.startsWith('*')) table = line.slice(1);
      return /^(?:#|\*|COMMIT)/.test(line) ? '' : `${tables} ${table} ${line}`;
    });
  return lines.toSorted().join('\n').trimStart();
}

function manifest(pods: readonly Pod[]): string {
  const services = { web: [VIP4, VIP6], quiet: [QUIET_VIP] };
  return Object.entries(services)
    .map(([name, vips]) => serviceOf(name, vips, pods))
    .join('');
}

function serviceOf(name: string, vips: readonly string[], pods: readonly Pod[]): string {
  const slices = vips.map((vip) => {
    const family = familyOf(vip);
    const list = pods.map(
      ({ addresses }) => `{ addresses: ['${addresses[family]}'], nodeName: node1 }`,
    );
    return `---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}-${family.toLowerCase()}, labels: { kubernetes.io/service-name: ${name} } }
addressType: ${family}
ports: [{ port: 8080 }]
endpoints: [${list.join(', ')}]
`;
  });
  return `---
apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec: { clusterIPs: ['${vips.join("', '")}'], ports: [{ port: 80 }] }
${slices.join('')}`;
}
