/** What an announcer says of itself when it is asked: `lb status`, `explain`, metrics. */
import type { Address } from '../../net/address.ts';
import { elect, type NobodyCause } from '../election.ts';
import type { ExclusionReason } from '../judgement.ts';
import type { PeerView } from '../peers/peerView.ts';
import type { Announcer, AnnouncerOptions } from './announcer.ts';
import type { Stance } from './duties.ts';

export interface AddressReport {
  readonly address: Address;
  /** keys of the Services */
  readonly services: readonly string[];
  readonly stance: Stance;
  /** its stance is so old */
  readonly forMs: number;
  /** of this node, that answer */
  readonly interfaces: readonly string[];
  /** who claims it, this node among them */
  readonly owners: readonly string[];
  /** whom the election names; undefined with a cause */
  readonly elected: string | undefined;
  readonly cause: NobodyCause | undefined;
  /** in the order of the election */
  readonly candidates: readonly string[];
  readonly excluded: readonly ExcludedNode[];
}

export interface ExcludedNode {
  readonly node: string;
  /** Released: it gave the address up on purpose, which others see as Unable */
  readonly reason: ExclusionReason | 'Released';
}

export interface PeerReport extends Pick<PeerView, 'state' | 'hearsUs' | 'isReady'> {
  readonly node: string;
  readonly silenceMs: number;
  readonly claims: number;
  /** undefined: it has not said */
  readonly hasSameConfiguration: boolean | undefined;
}

export function addressReports(
  announcer: Announcer,
  { node, settings, sha256 }: Pick<AnnouncerOptions, 'node' | 'settings' | 'sha256'>,
  nowMs: number,
): readonly AddressReport[] {
  const nodes = announcer.surroundings.candidates(nowMs);
  return Array.from(announcer.charges.values(), (charge) => {
    const { announced, stance, sinceMs, interfaces, releasedUntilMs } = charge;
    const { address, services } = announced;
    const owners = announcer.owners(address);
    const election = elect(announced, owners, { nodes, settings, sha256 });
    return {
      address,
      services: services.map(({ key }) => key),
      stance,
      forMs: Math.round(nowMs - sinceMs),
      interfaces,
      owners: [...owners].sort(),
      elected: election.node,
      cause: election.cause,
      candidates: election.candidates,
      excluded: election.excluded.map((each) =>
        each.node === node && each.reason === 'Unable' && releasedUntilMs > nowMs
          ? { node, reason: 'Released' }
          : each,
      ),
    };
  });
}

export function peerReports(
  view: ReadonlyMap<string, PeerView>,
  configurationHash: number,
): readonly PeerReport[] {
  return Array.from(view, ([node, peer]) => ({
    node,
    state: peer.state,
    hearsUs: peer.hearsUs,
    isReady: peer.isReady,
    silenceMs: Math.round(peer.silenceMs),
    claims: peer.claims.size,
    hasSameConfiguration:
      peer.configurationHash === undefined
        ? undefined
        : peer.configurationHash === configurationHash,
  }));
}
