/**
 * Announcers as they are on two switches (mostly on one of them), somebody who asks on each, and
 * tcpdump there. Carries out the steps of a sequence and looks at what comes of them.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { type Address, addressToBytes } from '../../../../src/net/address.ts';
import { patience } from '../../../lab/patience.ts';
import { AnnouncerNodes } from '../announcerNodes.ts';
import type { Turn } from '../announcerProgram.ts';
import { Asker } from './asker.ts';
import { answeredBetween } from './judge.ts';
import { hexOf, Witness } from './witness.ts';
import { type Deed, type Expectation, type Step, World, wordsOf } from './world.ts';

export interface StageOptions {
  readonly count: number;
  readonly addresses: readonly Address[];
  /** those of them whose Service has the policy Local */
  readonly local: readonly Address[];
  readonly askEveryMs: number;
}

/** Something done, or come about. */
export interface Moment {
  readonly atMs: number;
  readonly words: string;
}

/** An address that is not answered for as it should be, however long one waits. */
export class NotSettled extends Error {}

const SWITCHES = ['br0', 'br1'] as const;
/** Stations who ask there. */
const CLIENTS = [0x1a, 0x1b] as const;
/** Silence takes so long to be one, and what others make of it is told by then. */
const SILENCE_MS = 1_000;
/** So long all questions have the same answer, and then it is believed. */
const STEADY_MS = 300;
/** Not old enough to have been answered, perhaps. */
const FRESH_MS = 60;
const PATIENCE_MS = 40_000;
const HOLD_DOWN_MS = 1_000;
const HEARTBEAT_PORT = '10260';

export class Stage {
  readonly nodes: AnnouncerNodes;
  readonly witnesses: readonly Witness[];
  readonly moments: Moment[] = [];
  readonly #options: StageOptions;
  readonly #askers: readonly Asker[];
  readonly #ending = new Map<string, Promise<void>>();
  /** what a node is told when it reaches the API server again */
  readonly #untold = new Map<string, Turn[]>();
  #world: World;
  /** since heartbeats do not pass where other frames do; and when that was so before */
  #contestSinceMs: number | undefined;
  readonly #contests: (readonly [sinceMs: number, untilMs: number])[] = [];

  private constructor(
    options: StageOptions,
    nodes: AnnouncerNodes,
    witnesses: readonly Witness[],
    askers: readonly Asker[],
  ) {
    this.#options = options;
    this.nodes = nodes;
    this.witnesses = witnesses;
    this.#askers = askers;
    this.#world = new World(nodes.names, options.local);
  }

  static async open(options: StageOptions): Promise<Stage> {
    const { count, addresses, local, askEveryMs } = options;
    const announcer = { holdDownMs: HOLD_DOWN_MS };
    const nodes = await AnnouncerNodes.create(count, { addresses, local, announcer });
    const { segment } = nodes;
    await segment.addSwitch(SWITCHES[1]);
    const stations = await Promise.all(CLIENTS.map((number) => segment.station(number)));
    await segment.plugInto(CLIENTS[1], SWITCHES[1]);
    const { switchNamespace } = segment;
    const witnesses = await Promise.all(
      SWITCHES.map((name) => Witness.listen(switchNamespace, name)),
    );
    let questions = 0;
    const askers = stations.map((station) => new Asker(station, addresses, () => ++questions));
    const stage = new Stage(options, nodes, witnesses, askers);
    for (const name of nodes.names) nodes.start(name);
    for (const asker of askers) asker.start(askEveryMs);
    return stage;
  }

  get world(): World {
    return this.#world;
  }

  async close(): Promise<void> {
    for (const asker of this.#askers) asker.stop();
    for (const witness of this.witnesses) await witness.stop();
    await Promise.all(this.#ending.values());
    await this.nodes.remove();
  }

  /** Everything as it was in the beginning, but for who has what. */
  async mend(): Promise<void> {
    if (this.#world.deaf.size > 0) await this.take({ deed: 'hearAgain' });
    for (const [node, at] of this.#world.nodes) {
      if (at.isStopped) await this.take({ deed: 'continue', node });
      if (!at.hasCable) await this.take({ deed: 'plug', node });
      if (at.isElsewhere) await this.take({ deed: 'join', node });
      if (!at.hasApi) await this.take({ deed: 'regainApi', node });
      if (!at.isRunning) await this.take({ deed: 'start', node });
      if (this.#world.objects.cordoned.has(node)) await this.take({ deed: 'uncordon', node });
      if (this.#world.objects.excluded.has(node)) await this.take({ deed: 'include', node });
    }
    const nodes = this.nodes.names;
    for (const address of this.#options.local) await this.take({ deed: 'move', address, nodes });
  }

  /**
   * Until every process has heard every other one: whom it never heard is a stranger to it, and
   * against strangers an address is kept.
   */
  async acquaint(): Promise<void> {
    const { names } = this.nodes;
    const deadline = Date.now() + patience(PATIENCE_MS);
    for (;;) {
      this.nodes.forgetLogs();
      this.nodes.tell({ report: true });
      await pause(200);
      const alive = this.nodes.logs.match(/"state":"Alive"/g) ?? [];
      if (alive.length === names.length * (names.length - 1)) return;
      if (Date.now() > deadline) throw new NotSettled(`not all hear all: ${this.nodes.logs}`);
    }
  }

  /** What has been seen so far is of no interest any more. */
  forget(): void {
    this.nodes.forgetLogs();
    this.moments.length = 0;
    this.#contests.length = 0;
    for (const { sightings } of this.witnesses) sightings.length = 0;
  }

  note(words: string): void {
    this.moments.push({ atMs: Date.now(), words });
  }

  async take(step: Deed | Step): Promise<void> {
    const wasWhole = this.#world.deaf.size === 0;
    this.note(wordsOf({ waits: true, ...step }));
    if (!wasWhole || isDividing(step)) this.#contestSinceMs ??= Date.now();
    await this.#carryOut(step);
    this.#world.take(step);
  }

  /** Whether those who share a wire may not have heard each other then, by what was done. */
  isContested({ fromMs }: { readonly fromMs: number }): boolean {
    if (this.#contestSinceMs !== undefined && fromMs >= this.#contestSinceMs) return true;
    return this.#contests.some(([sinceMs, untilMs]) => fromMs >= sinceMs && fromMs < untilMs);
  }

  /** Into the logs: what each node says of itself now. */
  async report(): Promise<void> {
    this.nodes.tell({ report: true });
    await pause(500);
  }

  /** @throws NotSettled */
  async settle(): Promise<void> {
    const deadline = Date.now() + patience(PATIENCE_MS);
    // As it was before is mostly also right, until something comes of what was done.
    await pause(SILENCE_MS);
    for (;;) {
      const wrong = this.#wrong();
      if (wrong.length === 0) break;
      if (Date.now() > deadline) throw new NotSettled(wrong.join('; '));
      await pause(50);
    }
    this.note('settled');
    if (this.#contestSinceMs === undefined || this.#world.deaf.size > 0) return;
    this.#contests.push([this.#contestSinceMs, Date.now()]);
    this.#contestSinceMs = undefined;
  }

  nameOf(mac: string): string {
    return this.nodes.nameOf(mac);
  }

  addressOf(hex: string): string {
    return this.#options.addresses.find((each) => hexOf(addressToBytes(each)) === hex) ?? hex;
  }

  /** @returns what is not as it should be at the moment */
  #wrong(): readonly string[] {
    const toMs = Date.now() - FRESH_MS;
    return this.witnesses.flatMap(({ sightings }, side) => {
      const answered = answeredBetween(sightings, toMs - STEADY_MS, toMs);
      return this.#options.addresses.flatMap((address) => {
        const macs = answered.get(hexOf(addressToBytes(address)));
        const expected = this.#world.expectation(address, side === 1);
        const names = macs?.map((mac) => this.nameOf(mac));
        if (names !== undefined && isAsExpected(names, expected)) return [];
        const wanted = `${expected.mayBeNobody ? 'at most' : 'exactly'} one of ${[...expected.among].join(' ')}`;
        return [
          `${address} at ${SWITCHES[side]}: ${names?.join(' and ') ?? 'unsteady'}, not ${wanted}`,
        ];
      });
    });
  }

  async #carryOut(step: Deed): Promise<void> {
    const { nodes } = this;
    if (step.deed === 'hearAgain') {
      for (const name of nodes.names)
        await nodes.station(name).namespace.run('iptables', '-F', 'INPUT');
      return;
    }
    if (step.deed === 'move')
      return this.#tellAll({ endpoints: { address: step.address, nodes: step.nodes } });
    if (step.deed === 'deafen') return this.#deafen(step.node, step.from);
    const { deed, node } = step;
    switch (deed) {
      case 'kill':
        return nodes.end(node, 'SIGKILL');
      case 'term':
        this.#ending.set(node, nodes.end(node, 'SIGTERM'));
        return;
      case 'start':
        await this.#ending.get(node);
        return nodes.start(node, this.#turnsFor(node));
      case 'stop':
        return nodes.signal(node, 'SIGSTOP');
      case 'continue':
        return nodes.signal(node, 'SIGCONT');
      case 'unplug':
      case 'plug':
        return nodes.segment.setCable(this.#number(node), deed === 'plug' ? 'up' : 'down');
      case 'split':
      case 'join':
        return nodes.segment.plugInto(this.#number(node), SWITCHES[deed === 'split' ? 1 : 0]);
      case 'isolate':
        for (const other of nodes.names) {
          if (other === node) continue;
          await this.#deafen(node, other);
          await this.#deafen(other, node);
        }
        return;
      case 'loseApi':
        return this.#tell(node, { isConnected: false });
      case 'regainApi': {
        const untold = this.#untold.get(node) ?? [];
        this.#untold.delete(node);
        for (const turn of [...untold, { isConnected: true }]) this.#tell(node, turn);
        return;
      }
      case 'release':
        return this.#tell(node, { release: this.#options.addresses });
      default:
        return this.#tellAll({ [deed]: node });
    }
  }

  #number(node: string): number {
    return this.nodes.names.indexOf(node) + 1;
  }

  async #deafen(node: string, from: string): Promise<void> {
    const source = `192.0.2.${this.#number(from)}`;
    const rule = ['-s', source, '-p', 'udp', '--dport', HEARTBEAT_PORT, '-j', 'DROP'];
    await this.nodes.station(node).namespace.run('iptables', '-A', 'INPUT', ...rule);
  }

  #tell(node: string, turn: Turn): void {
    if (this.#world.nodes.get(node)!.isRunning) this.nodes.tell(turn, [node]);
  }

  #tellAll(turn: Turn): void {
    for (const [node, { hasApi }] of this.#world.nodes) {
      if (hasApi) this.#tell(node, turn);
      else this.#untold.set(node, [...(this.#untold.get(node) ?? []), turn]);
    }
  }

  /** What a process finds that starts now. */
  #turnsFor(node: string): readonly Turn[] {
    const { excluded, cordoned, endpoints } = this.#world.objects;
    this.#untold.delete(node);
    return [
      ...Array.from(excluded, (exclude) => ({ exclude })),
      ...Array.from(cordoned, (cordon) => ({ cordon })),
      ...Array.from(endpoints, ([address, nodes]) => ({ endpoints: { address, nodes } })),
      ...(this.#world.nodes.get(node)!.hasApi ? [{ isConnected: true }] : []),
    ];
  }
}

/** Heartbeats are lost where the rest passes, or two wires become one. */
function isDividing({ deed }: Deed): boolean {
  return deed === 'deafen' || deed === 'isolate' || deed === 'hearAgain' || deed === 'join';
}

function isAsExpected(names: readonly string[], { among, mayBeNobody }: Expectation): boolean {
  if (names.length === 0) return mayBeNobody;
  return names.length === 1 && among.has(names[0]!);
}
