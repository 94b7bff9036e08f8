/** The elections that this node holds for itself, about who has an address and who might. */
import type { AnnouncerSettings } from '../../config/loadBalancer/settings.ts';
import type { Address } from '../../net/address.ts';
import type { AnnouncedAddress, CandidateNode } from '../announcement.ts';
import { electWinner, type Outcome } from '../election.ts';
import type { Surroundings } from './surroundings.ts';

export interface BallotOptions {
  /** this node's name */
  readonly node: string;
  readonly settings: Pick<AnnouncerSettings, 'ignoreExcludeLabel' | 'holdDownMs'>;
  readonly sha256: (text: string) => string;
}

const NOBODY: ReadonlySet<string> = new Set();

export class Ballots {
  readonly #options: BallotOptions;
  readonly #around: Surroundings;

  constructor(options: BallotOptions, around: Surroundings) {
    this.#options = options;
    this.#around = around;
  }

  /** @param owners nodes that claim it, this one too */
  winner(announced: AnnouncedAddress, owners: ReadonlySet<string>, nowMs: number): Outcome {
    return this.#elect(announced, owners, this.#around.candidates(nowMs));
  }

  /** Who would have it if this node had not; undefined: nobody. */
  successor(announced: AnnouncedAddress, nowMs: number): string | undefined {
    const others = this.#around.candidates(nowMs).filter(({ name }) => name !== this.#options.node);
    return this.#elect(announced, NOBODY, others).node;
  }

  /** It may announce the address, whoever else may. */
  isCandidate(announced: AnnouncedAddress, node: string, nowMs: number): boolean {
    const alone = this.#around.candidates(nowMs).filter(({ name }) => name === node);
    return this.#elect(announced, NOBODY, alone).node === node;
  }

  /** Of two that do not hear each other, on one segment: whether the other comes first. */
  isBehind(announced: AnnouncedAddress, rival: string, nowMs: number): boolean {
    const both = this.#around
      .presumedCandidates(nowMs)
      .filter(({ name }) => name === this.#options.node || name === rival);
    return this.#elect(announced, NOBODY, both).node === rival;
  }

  /** Of those that are up, the one that tells the cluster of the address what all of them see. */
  isSpeaker(address: Address, nowMs: number): boolean {
    const { node, sha256 } = this.#options;
    const [first] = this.#around
      .candidates(nowMs)
      .filter(({ isAlive, isReady, isLeaving }) => isAlive && isReady && !isLeaving)
      .map(({ name }) => ({ name, hash: sha256(`${name}#${address}`) }))
      .sort((a, b) => (a.hash < b.hash ? -1 : 1));
    return first?.name === node;
  }

  /** How many come before this node if all are up, `limit` at most. */
  turn(announced: AnnouncedAddress, nowMs: number, limit: number): number {
    let nodes = this.#around.presumedCandidates(nowMs);
    for (let turn = 0; turn < limit; turn++) {
      const first = this.#elect(announced, NOBODY, nodes).node;
      if (first === this.#options.node || first === undefined) return turn;
      nodes = nodes.filter(({ name }) => name !== first);
    }
    return limit;
  }

  #elect(
    announced: AnnouncedAddress,
    owners: ReadonlySet<string>,
    nodes: readonly CandidateNode[],
  ): Outcome {
    const { settings, sha256 } = this.#options;
    return electWinner(announced, owners, { nodes, settings, sha256 });
  }
}
