/** What the announcer's thread tells the main one without being asked, when it is news. */
import type { Announcer, AnnouncerOptions } from '../announcer/announcer.ts';
import type { News } from '../announcer/messages.ts';
import type { Move } from '../announcer/move.ts';
import { addressReports } from '../announcer/report.ts';

/** Between two looks for what nobody announces. */
const UNANNOUNCED_MS = 1_000;

export class ThreadNews {
  readonly #options: Pick<AnnouncerOptions, 'node' | 'settings' | 'sha256'>;
  readonly #post: (news: News) => void;
  #moves: Move[] = [];
  #standing = { isAlone: false, isCutOff: false };
  #nextUnannouncedMs = 0;

  constructor(
    options: Pick<AnnouncerOptions, 'node' | 'settings' | 'sha256'>,
    post: (news: News) => void,
  ) {
    this.#options = options;
    this.#post = post;
  }

  /** Told with the next tick. */
  moved(move: Move): void {
    this.#moves.push(move);
  }

  /** At the end of a tick. */
  tell(announcer: Announcer, nowMs: number): void {
    this.#tellMoves();
    this.#tellStanding(announcer, nowMs);
    this.#tellUnannounced(announcer, nowMs);
  }

  #tellMoves(): void {
    if (this.#moves.length === 0) return;
    this.#post({ news: 'moves', moves: this.#moves });
    this.#moves = [];
  }

  #tellStanding({ surroundings }: Announcer, nowMs: number): void {
    const isAlone = surroundings.isAlone && surroundings.mayTake(nowMs);
    const isCutOff = surroundings.isCutOff(nowMs);
    const { isAlone: wasAlone, isCutOff: wasCutOff } = this.#standing;
    if (isAlone === wasAlone && isCutOff === wasCutOff) return;
    this.#standing = { isAlone, isCutOff };
    this.#post({ news: 'standing', isAlone, isCutOff });
  }

  #tellUnannounced(announcer: Announcer, nowMs: number): void {
    if (nowMs < this.#nextUnannouncedMs) return;
    this.#nextUnannouncedMs = nowMs + UNANNOUNCED_MS;
    const due = new Set(announcer.takeUnannounced(nowMs));
    if (due.size === 0) return;
    for (const { address, cause, excluded } of addressReports(announcer, this.#options, nowMs)) {
      if (cause === undefined || !due.has(address)) continue;
      this.#post({ news: 'unannounced', address, cause, excluded });
    }
  }
}
