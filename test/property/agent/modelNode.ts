/**
 * A node whose agent runs in simulated time over a troubled kernel, and a model of what must come
 * of it: a few Services, written down by hand, without a line of the product. Whatever has gone
 * wrong on the way, once it is over the kernel holds what the model says and nothing else, what is
 * others' is as they left it, and nothing is told as wrong any more.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { firstReading } from '../../../src/agent/loop/firstReading.ts';
import { RUN_FLAGS } from '../../../src/config/flags.ts';
import { parseFlags } from '../../../src/config/parseFlags.ts';
import { resolveConfig } from '../../../src/config/resolve.ts';
import { tablesIn } from '../../../src/dataplane/tables.ts';
import { KernelDataplane } from '../../../src/kernel/dataplane.ts';
import { FAMILIES } from '../../../src/net/family.ts';
import { joinHostPort } from '../../../src/net/address.ts';
import { differingChain } from '../../../src/plan/ruleDifference.ts';
import { NO_TROUBLES, TroubledKernel, type Troubles } from '../../support/kernel/troubledKernel.ts';
import { hostNetwork } from '../../support/objects/nodeFixtures.ts';
import { AgentHarness, NO_CONTRIBUTORS } from '../../support/program/agentHarness.ts';
import { compared } from './compared.ts';
import { FOREIGN_SERVERS, foreignDifferences, NODE_ADDRESS, putForeign } from './foreign.ts';

const TCP = 6;
const UDP = 17;

export interface ModelService {
  readonly name: string;
  readonly address: string;
  readonly protocol: 'TCP' | 'UDP';
  readonly nodePort?: number;
  /** the addresses that its endpoints have, the first ones of them */
  readonly endpoints: readonly string[];
}

const pool = (prefix: string) => [1, 2, 3].map((i) => `${prefix}${i}`);

export const SERVICES: readonly ModelService[] = [
  { name: 'web', address: '10.96.0.1', protocol: 'TCP', endpoints: pool('10.244.0.') },
  { name: 'dns', address: '10.96.0.2', protocol: 'UDP', endpoints: pool('10.244.0.') },
  {
    name: 'door',
    address: '10.96.0.3',
    protocol: 'TCP',
    nodePort: 30_080,
    endpoints: pool('10.244.1.'),
  },
  { name: 'six', address: 'fd00:96::1', protocol: 'TCP', endpoints: pool('fd00:244::') },
];

const FLAGS = ['--ipvs-sync-period=30s'];

/** After it everything has been read once and tried once more. */
const SETTLED_MS = 65_000;
/**
 * Longer than the longest pause between two tries, and than the longest between two looks at a
 * drain.
 */
const HEALED_MS = 100_000;

export class ModelNode {
  readonly kernel = new TroubledKernel();
  readonly #folder = mkdtempSync(join(tmpdir(), 'model-node-'));
  /** how many endpoints each has */
  readonly #services = new Map<ModelService, number>();
  /** as far as the agent has heard of it */
  #heard: ReadonlyMap<ModelService, number> = new Map();
  #agent: AgentHarness | undefined;
  #isConnected = true;

  private constructor() {
    putForeign(this.kernel);
  }

  static async start(): Promise<ModelNode> {
    const node = new ModelNode();
    for (const service of SERVICES) node.#services.set(service, 2);
    await node.#startAgent();
    return node;
  }

  /** With so many endpoints; undefined: it is deleted. */
  async service(service: ModelService, endpoints: number | undefined): Promise<void> {
    if (endpoints === undefined) this.#services.delete(service);
    else this.#services.set(service, endpoints);
    if (this.#isConnected) this.#hear();
    await this.#idle();
  }

  /** Nothing of the cluster is heard until it is back. */
  async connected(isConnected: boolean): Promise<void> {
    const detail = isConnected ? 'watching' : 'list services: connect ECONNREFUSED';
    const { listener } = this.#agent!.source;
    if (isConnected) this.#hear();
    listener!.onStatus({ isConnected, isFailing: !isConnected, detail });
    this.#isConnected = isConnected;
    await this.#idle();
  }

  /** What watches the kernel tells the agent a little later, as it does in production. */
  async tamper(change: (kernel: TroubledKernel) => void): Promise<void> {
    this.kernel.tamper(() => change(this.kernel));
    await this.#idle();
  }

  /** Whether /run can be written. */
  run(isWritable: boolean): void {
    const folder = this.#ledgerFolder;
    rmSync(folder, { recursive: true, force: true });
    if (isWritable) mkdirSync(folder);
    else writeFileSync(folder, 'no folder');
  }

  get #ledgerFolder(): string {
    return join(this.#folder, 'run');
  }

  /** A new process in the place of the old one. @param steps that the old one still does */
  async restart(steps: number): Promise<void> {
    this.kernel.dieAfter(steps);
    await this.pass(50);
    this.kernel.dieAfter(0);
    await this.#agent!.end();
    this.#isConnected = true;
    await this.#startAgent();
  }

  jump(ms: number): void {
    this.#agent!.clock.jump(ms);
  }

  async pass(ms: number): Promise<void> {
    const { clock } = this.#agent!;
    const untilMs = clock.monotonicMs() + ms;
    for (;;) {
      await this.#idle();
      this.#passNews();
      await this.#idle();
      const nextMs = Math.min(clock.nextDueMs ?? Infinity, untilMs);
      await clock.advance(nextMs - clock.monotonicMs());
      if (nextMs >= untilMs) break;
    }
    await this.#idle();
  }

  /** @returns what is wrong with the node and nobody tells, or is told and not so */
  async untold(): Promise<readonly string[]> {
    await this.pass(SETTLED_MS);
    const told = new Set(this.#standing());
    const unread = readTroubles(this.kernel.troubles);
    const undone = [...this.#differences(false)].filter(([group]) => !unread.has(group));
    const isOwnerUnread = unread.has('ipvs') || unread.has('links');
    // Whose a server is its address and entries tell: they wait for it to be read.
    const wrong = undone
      .flatMap(([, differences]) => differences)
      .filter((text) => !isOwnerUnread || !text.includes(' is too much: '));
    return [
      ...(unread.size > 0 === told.has('KernelPartlyUnread') ? [] : ['what cannot be read']),
      ...(wrong.length === 0 || told.has('OperationsFailing') ? [] : wrong),
      ...(this.#isWell && told.has('OperationsFailing') ? ['nothing fails, and it is told'] : []),
      ...(this.#isConnected === told.has('SourceNotConnected') ? ['the source'] : []),
      ...this.#givenUp(),
    ];
  }

  /** Everything works again. @returns what is still wrong after a while */
  async healed(): Promise<readonly string[]> {
    this.kernel.troubles = { ...NO_TROUBLES };
    this.run(true);
    await this.connected(true);
    for (const { destinations } of this.kernel.ipvs.served.values())
      for (const [key, one] of destinations)
        destinations.set(key, { ...one, activeConnections: 0, inactiveConnections: 0 });
    await this.pass(HEALED_MS);
    const standing = this.#standing().map((code) => `still told: ${code}`);
    const differences = [...this.#differences(true).values()].flat();
    return [...differences, ...standing, ...(await this.#leftOver()), ...this.#givenUp()];
  }

  /** What is remembered of troubles ends with them. */
  async #leftOver(): Promise<readonly string[]> {
    const text = await this.#agent!.metrics.render();
    const names = ['failing_operations', 'draining_destinations', 'unread_parts', 'problems'];
    return names.filter((name) => !text.includes(`kubeipvs_${name} 0\n`));
  }

  async end(): Promise<void> {
    await this.#agent?.end();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get log(): readonly string[] {
    return this.#agent!.log.lines;
  }

  #standing(): readonly string[] {
    return this.#agent!.conditions.standing.map(({ condition }) => condition.code);
  }

  /** Nothing that happens here is a reason for it. */
  #givenUp(): readonly string[] {
    return this.log.filter((line) => line.includes('given up'));
  }

  async #startAgent(): Promise<void> {
    const { values } = parseFlags(FLAGS, RUN_FLAGS);
    const { config } = resolveConfig({ flags: values, isInCluster: true });
    const { names } = firstReading(config!.dataplane, hostNetwork(), NO_CONTRIBUTORS);
    const agent = new AgentHarness({
      flags: FLAGS,
      isTimeFake: true,
      // A slice of an audit at a time, so that what happens happens between them too.
      turnMs: 0,
      dataplane: new KernelDataplane(names, this.kernel.clients()),
      ledgerFile: join(this.#ledgerFolder, 'ledger.json'),
    });
    this.#agent = agent;
    await agent.started();
    const status = { isConnected: true, isFailing: false, detail: 'watching' };
    agent.source.listener!.onStatus(status);
    agent.node('node-1');
    this.#hear();
    agent.source.listener!.onSynced();
    await this.#idle();
  }

  #hear(): void {
    for (const each of SERVICES) this.#tell(each);
    this.#heard = new Map(this.#services);
  }

  /** What has not changed is no change there. */
  #tell(service: ModelService): void {
    const agent = this.#agent!;
    const { name, address, protocol, nodePort, endpoints } = service;
    const key = `default/${name}`;
    const count = this.#services.get(service);
    const { store } = agent.source.listener!;
    const metadata = { name, namespace: 'default' };
    if (count === undefined) {
      if (store.services.has(key)) agent.remove('Service', key);
      return;
    }
    const type = nodePort === undefined ? 'ClusterIP' : 'NodePort';
    const port = { name: 'p', port: 80, protocol, ...(nodePort === undefined ? {} : { nodePort }) };
    agent.service({ metadata, spec: { type, clusterIPs: [address], ports: [port] } });
    agent.slice({
      metadata: { ...metadata, labels: { 'kubernetes.io/service-name': name } },
      addressType: address.includes(':') ? 'IPv6' : 'IPv4',
      ports: [{ name: 'p', port: 8080, protocol }],
      endpoints: endpoints.slice(0, count).map((each) => ({ addresses: [each] })),
    });
  }

  #passNews(): void {
    const news = this.kernel.takeNews();
    if (news !== undefined) this.#agent!.dummy(news);
  }

  /** The loop sleeps: whatever can happen without time passing has happened. */
  async #idle(): Promise<void> {
    const { clock } = this.#agent!;
    do for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
    while (clock.nextDueMs === undefined);
  }

  get #isWell(): boolean {
    return Object.values(this.kernel.troubles).every((trouble) => !trouble);
  }

  #differences(isHealed: boolean): ReadonlyMap<Group, readonly string[]> {
    return new Map<Group, readonly string[]>([
      ['ipvs', this.#serverDifferences(isHealed)],
      ['links', compared('address', this.kernel.bound, this.#wantedAddresses())],
      ['sets', this.#setDifferences()],
      ['rules', this.#ruleDifferences()],
      ['sysctls', this.#sysctlDifferences()],
      ['foreign', foreignDifferences(this.kernel)],
    ]);
  }

  #wantedAddresses(): readonly string[] {
    return [...this.#heard.keys()].map(({ address }) => address);
  }

  #serverDifferences(isHealed: boolean): readonly string[] {
    const lines = this.kernel.ipvs.dump();
    // What drains is there and may be.
    const actual = isHealed ? lines : lines.filter((line) => !line.endsWith(' w0'));
    const served = new Set(actual.map((line) => line.split(' ')[0]));
    const wanted = [...this.#heard].flatMap(([service, count]) => serverLines(service, count));
    // One that has only draining destinations has no line of its own.
    const visible = wanted.filter((line) => line.includes('->') || served.has(line.split(' ')[0]));
    const isAll = isHealed || visible.length === wanted.length;
    return compared('server', actual, [...(isAll ? wanted : visible), ...FOREIGN_SERVERS]);
  }

  /** Sets, rules and sysctls by what the product wants: their meaning is tried elsewhere. */
  #setDifferences(): readonly string[] {
    const { ipsets } = this.kernel.others.state;
    const differences: string[] = [];
    for (const [name, set] of this.#agent!.desired.ipsets) {
      const actual = ipsets.get(name);
      if (actual?.type !== set.type || actual.family !== set.family)
        differences.push(`set ${name} is ${actual?.type} ${actual?.family}`);
      differences.push(...compared(`entry of ${name}`, actual?.entries ?? [], set.entries));
    }
    const held = ['KUBE-CLUSTER-IP', 'KUBE-6-CLUSTER-IP'].flatMap((name) => [
      ...(ipsets.get(name)?.entries ?? []),
    ]);
    const wanted = [...this.#heard.keys()].map(clusterEntry);
    return [...differences, ...compared('cluster entry', held, wanted)];
  }

  #ruleDifferences(): readonly string[] {
    const { iptables } = this.kernel.others.state;
    return FAMILIES.flatMap((family) =>
      tablesIn(this.#agent!.desired.iptables[family]).flatMap(([table, chains]) => {
        const chain = differingChain(chains, iptables[family][table] ?? new Map());
        return chain === undefined ? [] : [`chain ${family} ${table} ${chain}`];
      }),
    );
  }

  #sysctlDifferences(): readonly string[] {
    const { sysctls } = this.kernel.others.state;
    return [...this.#agent!.desired.sysctls]
      .filter(([name, value]) => sysctls.get(name) !== value)
      .map(([name]) => `sysctl ${name} is ${sysctls.get(name)}`);
  }
}

type Group = 'ipvs' | 'links' | 'sets' | 'rules' | 'sysctls' | 'foreign';

/** What cannot be read with these. */
function readTroubles(troubles: Troubles): ReadonlySet<Group> {
  const { ipvs, links, areSetsUnreadable, areRulesUnreadable, isTableUnreadable } = troubles;
  const unread: readonly [Group, boolean][] = [
    ['ipvs', ipvs !== undefined],
    ['links', links !== undefined],
    ['sets', areSetsUnreadable],
    ['rules', areRulesUnreadable || isTableUnreadable],
    ['sysctls', troubles.areSysctlsUnreadable],
  ];
  return new Set(unread.filter(([, isUnread]) => isUnread).map(([group]) => group));
}

/** In FakeIpvs' words. */
function serverLines(service: ModelService, count: number): readonly string[] {
  const { address, protocol, nodePort, endpoints } = service;
  const number = protocol === 'TCP' ? TCP : UDP;
  const keys = [
    `${joinHostPort(address, 80)}/${number}`,
    ...(nodePort === undefined ? [] : [`${NODE_ADDRESS}:${nodePort}/${number}`]),
  ];
  const at = endpoints.slice(0, count).map((each) => `-> ${joinHostPort(each, 8080)} w1`);
  return keys.flatMap((key) =>
    at.length === 0 ? [`${key} rr`] : at.map((one) => `${key} rr ${one}`),
  );
}

function clusterEntry({ address, protocol }: ModelService): string {
  return `${address},${protocol.toLowerCase()}:80`;
}
