/** A process that does nothing but heartbeats: Peers with the little around it that it needs. */
import type { OwnState } from '../../../src/loadbalancer/peers/ownTables.ts';
import {
  type Outgoing,
  type PeerNode,
  Peers,
  type PeersOptions,
} from '../../../src/loadbalancer/peers/peers.ts';
import type { PeerRefusal, PeerView } from '../../../src/loadbalancer/peers/peerView.ts';
import type { Address } from '../../../src/net/address.ts';
import type { Heartbeat } from '../../../src/wire/heartbeat.ts';
import type { SimulatedNode } from './network.ts';

/** A tick that comes so much late says that the process stood still (reference §8.5). */
const PAUSE_MS = 300;

export const ownState = (given: Partial<OwnState> = {}): OwnState => ({
  isReady: true,
  readyForMs: 0,
  isLeaving: false,
  isApiServerReachable: true,
  isObserver: false,
  attachments: [],
  claims: new Set(),
  unable: new Set(),
  ...given,
});

export const addressOf = (name: string): Address => `10.0.0.${name.slice(1)}`;

/** `n1` to `n5` have the addresses 10.0.0.1 to 10.0.0.5. */
export const nodesOf = (names: readonly string[]): readonly PeerNode[] =>
  names.map((name) => ({ name, addresses: [addressOf(name)] }));

export class PeerProcess implements SimulatedNode {
  readonly name: string;
  readonly addresses: readonly Address[];
  readonly bootId: bigint;
  readonly peers: Peers;
  readonly refusals: PeerRefusal[] = [];
  /** called with what became of each datagram */
  onReceived: (refusal: PeerRefusal | undefined) => void = () => {};
  /** as it was told last, but for what it has let go since */
  state = ownState();
  /** everything that it sent */
  readonly sent: Outgoing[] = [];
  #lastTickMs: number | undefined;

  constructor(
    name: string,
    others: readonly string[],
    given: Partial<PeersOptions> & Pick<PeersOptions, 'random'>,
  ) {
    this.name = name;
    this.addresses = [addressOf(name)];
    const { random } = given;
    this.bootId = given.bootId ?? BigInt(1 + Math.floor(random() * 2 ** 48));
    this.peers = new Peers({
      node: name,
      intervalMs: 200,
      misses: 3,
      configurationHash: 1,
      ...given,
      bootId: this.bootId,
    });
    this.peers.setNodes(nodesOf(others));
    this.own();
  }

  own(given: Partial<OwnState> = {}): void {
    this.state = ownState(given);
    this.peers.setOwn(this.state);
  }

  release(addresses: readonly Address[]): void {
    const claims = [...this.state.claims].filter((address) => !addresses.includes(address));
    this.state = { ...this.state, claims: new Set(claims) };
    this.peers.release(addresses);
  }

  tick(nowMs: number): readonly Outgoing[] {
    const lateMs = nowMs - (this.#lastTickMs ?? nowMs);
    if (lateMs > PAUSE_MS) this.peers.paused(nowMs);
    this.#lastTickMs = nowMs;
    const outgoing = this.peers.tick(nowMs);
    this.sent.push(...outgoing);
    return outgoing;
  }

  received(heartbeat: Heartbeat, from: Address, nowMs: number): void {
    const refusal = this.peers.received(heartbeat, from, nowMs);
    if (refusal !== undefined) this.refusals.push(refusal);
    this.onReceived(refusal);
  }

  /** How it sees one other. */
  sees(name: string, nowMs: number): PeerView {
    return this.peers.view(nowMs).get(name)!;
  }
}
