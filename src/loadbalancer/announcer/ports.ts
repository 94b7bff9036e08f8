/** What an announcer stands on: the other nodes as heard, and the wire. */
import type { Address } from '../../net/address.ts';
import type { MacAddress } from '../../net/macAddress.ts';
import type { OwnState } from '../peers/ownTables.ts';
import type { PeerView } from '../peers/peerView.ts';

/** peers/peers.ts, as far as it is asked here. */
export interface PeerBook {
  view(nowMs: number): ReadonlyMap<string, PeerView>;
  readonly everHeard: ReadonlySet<string>;
  setOwn(own: OwnState): void;
  release(addresses: readonly Address[]): void;
}

/** How often the wire is asked whether somebody has an address. */
export interface ProbeRounds {
  readonly count: number;
  readonly gapMs: number;
  /** after the last one */
  readonly waitMs: number;
}

export interface ForeignAnswer {
  readonly mac: MacAddress;
  readonly interfaceName: string;
}

/** Who claims it too: a node that is not heard, or somebody whom this cluster does not know. */
export type Rival = 'node' | 'stranger';

/** The wire (shell/responder.ts). */
export interface AnswerPort {
  answer(address: Address, interfaces: readonly string[]): void;
  silence(address: Address): void;
  announce(address: Address): void;
  defend(address: Address, against: Rival): void;
  /** @param onEnd with who answered; undefined: nobody */
  probe(
    address: Address,
    interfaces: readonly string[],
    rounds: ProbeRounds,
    onEnd: (answer: ForeignAnswer | undefined, nowMs: number) => void,
  ): void;
}
