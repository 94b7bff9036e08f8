/**
 * Frames as they come, and the answers to those that ask for an address that is answered here; what
 * others claim in them is passed on.
 */
import type { Family } from '../../net/family.ts';
import type { Clock } from '../../time/clock.ts';
import type { AnswerTable } from '../responder/answerTable.ts';
import { Durations } from '../responder/durations.ts';
import type { ForeignClaims } from '../responder/foreignClaims.ts';
import { type Claim, judgeArp, judgeNeighbor } from '../responder/frames.ts';
import type { Probes } from '../responder/probes.ts';
import type { ResponderListener } from './responderParts.ts';

export interface QuestionParts {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly table: AnswerTable;
  readonly foreign: ForeignClaims;
  readonly probes: Probes;
  readonly listener: Pick<ResponderListener, 'isStale' | 'onForeign'>;
}

export class Questions {
  readonly #parts: QuestionParts;
  /** by family, then by outcome */
  readonly counts = { IPv4: new Map<string, number>(), IPv6: new Map<string, number>() };
  /** from when they were read to when their answers were with the kernel */
  readonly durations = new Durations();

  constructor(parts: QuestionParts) {
    this.#parts = parts;
  }

  /** @returns the answers */
  heard(name: string, family: Family, frames: Iterable<Uint8Array>): readonly Uint8Array[] {
    const { table, listener } = this.#parts;
    const carrier = table.carrier(name);
    if (carrier === undefined || listener.isStale?.() === true) return [];
    const judge = family === 'IPv4' ? judgeArp : judgeNeighbor;
    const answers: Uint8Array[] = [];
    for (const frame of frames) {
      const { outcome, answer, claim } = judge(frame, carrier, table);
      if (answer !== undefined) answers.push(answer);
      if (outcome !== undefined) this.#count(family, outcome);
      if (claim !== undefined) this.#hearClaim(claim, name);
    }
    return answers;
  }

  #count(family: Family, outcome: string): void {
    const counts = this.counts[family];
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  }

  #hearClaim(claim: Claim, interfaceName: string): void {
    const { clock, foreign, probes, listener } = this.#parts;
    probes.heard(claim, interfaceName);
    if (!foreign.isNews(claim, interfaceName, clock.monotonicMs())) return;
    listener.onForeign({ ...claim, interfaceName });
  }
}
