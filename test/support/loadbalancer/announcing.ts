/** An announcer on node `n1` with the others and the wire played by the test. */
import { createHash } from 'node:crypto';
import type { AnnouncerSettings } from '../../../src/config/loadBalancer/settings.ts';
import type { AnnouncedAddress } from '../../../src/loadbalancer/announcement.ts';
import { Announcer } from '../../../src/loadbalancer/announcer/announcer.ts';
import type { MemberNode } from '../../../src/loadbalancer/announcer/electors.ts';
import type { Move } from '../../../src/loadbalancer/announcer/move.ts';
import type { ForeignAnswer, PeerBook } from '../../../src/loadbalancer/announcer/ports.ts';
import type { OwnFacts } from '../../../src/loadbalancer/announcer/surroundings.ts';
import type { PeerView } from '../../../src/loadbalancer/peers/peerView.ts';
import type { OwnState } from '../../../src/loadbalancer/peers/ownTables.ts';
import type { Attachment } from '../../../src/wire/heartbeatBody.ts';
import { settingsOf } from './balanced.ts';

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

export const member = (name: string, given: Partial<MemberNode> = {}): MemberNode => ({
  name,
  isLeaving: false,
  addresses: [`10.0.0.${name.slice(1)}`],
  ...given,
  announcing: {
    labels: {},
    isCordoned: false,
    isOutOfService: false,
    isNetworkUnavailable: false,
    isNodeReady: true,
    ...given.announcing,
  },
});

/** One interface in 192.0.2.0/24, as `n3` with 192.0.2.3 and 02:00:00:00:00:03. */
export const attachment = (name: string): Attachment => ({
  interfaceName: 'eth0',
  mac: `02:00:00:00:00:0${name.slice(1)}`,
  address: `192.0.2.${name.slice(1)}`,
  prefixLength: 24,
  hasDefaultRoute: true,
});

export const peer = (name: string, given: Partial<PeerView> = {}): PeerView => ({
  state: 'Alive',
  silenceMs: 100,
  hearsUs: true,
  isReady: true,
  isObserver: false,
  isApiServerReachable: true,
  aliveForMs: 3_600_000,
  claims: new Set(),
  unable: new Set(),
  attachments: [attachment(name)],
  configurationHash: 1,
  ...given,
});

export const announced = (address: string, on = ['n1', 'n2', 'n3']): AnnouncedAddress => ({
  address,
  pool: undefined,
  services: [
    {
      key: 'default/web',
      labels: {},
      isLocal: false,
      endpoints: { isAny: on.length > 0, nodes: new Set(on) },
    },
  ],
});

/** The first in the order of equals: whom an election without owner names. */
export const firstOf = (address: string, names: readonly string[]): string =>
  names.toSorted((a, b) => (sha256(`${a}#${address}`) < sha256(`${b}#${address}`) ? -1 : 1))[0]!;

interface Probe {
  readonly address: string;
  readonly count: number;
  readonly end: (answer?: ForeignAnswer) => void;
}

/** What the node does is in its fields; time goes on by {@link TestAnnouncer.after}. */
export class TestAnnouncer {
  readonly announcer: Announcer;
  /** what it did on the wire, in order: `answer 192.0.2.64 eth0` */
  readonly wire: string[] = [];
  readonly probes: Probe[] = [];
  readonly moves: Move[] = [];
  readonly conflicts: string[] = [];
  readonly released: string[] = [];
  /** names and what is heard of them */
  view: ReadonlyMap<string, PeerView> = new Map();
  everHeard: ReadonlySet<string> = new Set(['n2', 'n3']);
  own: OwnState | undefined;
  nowMs = 0;
  #servable = new Set<string>();
  #facts: OwnFacts = {
    readySinceMs: 0,
    isLeaving: false,
    unreachableSinceMs: undefined,
    attachments: [attachment('n1')],
  };

  constructor(settings: Partial<AnnouncerSettings> = {}) {
    const all = { ...settingsOf([]).announcer, ...settings };
    this.announcer = new Announcer(
      {
        node: 'n1',
        settings: all,
        sha256,
        peers: this.#peers(),
        wire: {
          answer: (address, on) => this.wire.push(`answer ${address} ${on.join()}`),
          silence: (address) => this.wire.push(`silence ${address}`),
          announce: (address) => this.wire.push(`announce ${address}`),
          defend: (address, against) => this.wire.push(`defend ${address} against ${against}`),
          probe: (address, _, { count }, onEnd) => {
            this.wire.push(`probe ${address} ${count}`);
            this.probes.push({
              address,
              count,
              end: (answer) => onEnd(answer, this.nowMs),
            });
          },
        },
        onMove: (move) => this.moves.push(move),
        onConflict: (address, { mac }) => this.conflicts.push(`${address} ${mac}`),
      },
      0,
    );
    this.announcer.setOwn(this.#facts, this.nowMs);
    this.setMembers(member('n1'), member('n2'), member('n3'));
    this.hear({});
  }

  setMembers(...members: readonly MemberNode[]): void {
    this.announcer.setMembers(new Map(members.map((each) => [each.name, each])));
  }

  /** All of them are alive but for what is given. */
  hear(given: Readonly<Record<string, Partial<PeerView>>>): void {
    this.view = new Map(['n2', 'n3'].map((name) => [name, peer(name, given[name])]));
  }

  /** Nobody was ever heard. */
  deafen(): void {
    this.everHeard = new Set();
    this.view = new Map(
      ['n2', 'n3'].map((name) => [
        name,
        peer(name, { state: 'Unknown', hearsUs: false, attachments: undefined }),
      ]),
    );
  }

  setFacts(facts: Partial<OwnFacts>): void {
    this.#facts = { ...this.#facts, ...facts };
    this.announcer.setOwn(this.#facts, this.nowMs);
  }

  serve(...addresses: readonly string[]): void {
    const changed = new Set([...this.#servable, ...addresses]);
    this.#servable = new Set(addresses);
    this.announcer.setServable(this.#servable, changed);
  }

  announce(...addresses: readonly string[]): void {
    for (const address of addresses) this.announcer.setAddress(announced(address), this.nowMs);
  }

  /** Time passes, and all is looked at. @returns what was done on the wire meanwhile */
  after(ms: number): readonly string[] {
    const before = this.wire.length;
    this.nowMs += ms;
    for (let more = true; more;) more = this.announcer.tick(this.nowMs, 100);
    return this.wire.slice(before);
  }

  #peers(): PeerBook {
    const everHeard = () => this.everHeard;
    return {
      view: () => this.view,
      get everHeard() {
        return everHeard();
      },
      setOwn: (own) => {
        this.own = own;
      },
      release: (addresses) => {
        this.released.push(...addresses);
      },
    };
  }
}

const NODES = ['n1', 'n2', 'n3'];
const ADDRESSES = Array.from({ length: 60 }, (_, i) => `192.0.2.${64 + i}`);
/** Addresses that fall to n1, and to n2. */
export const OURS = ADDRESSES.find((each) => firstOf(each, NODES) === 'n1')!;
export const THEIRS = ADDRESSES.find((each) => firstOf(each, NODES) === 'n2')!;
/** A MAC address that no node has. */
export const STRANGER = { mac: '02:00:00:00:00:99', interfaceName: 'eth0' };
/** Three intervals. */
export const LISTENED_MS = 600;

/** It has been up for a while, and serves both. */
export function upAndListening(settings = {}): TestAnnouncer {
  const node = new TestAnnouncer(settings);
  node.serve(OURS, THEIRS);
  node.after(LISTENED_MS);
  return node;
}

/** It has OURS. */
export function owning(settings = {}): TestAnnouncer {
  const node = upAndListening(settings);
  node.announce(OURS);
  node.after(0);
  node.probes.at(-1)?.end();
  node.after(0);
  if (!node.announcer.claims.has(OURS)) throw new Error('it does not have it');
  node.wire.length = 0;
  return node;
}
