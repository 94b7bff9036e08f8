/**
 * Which process of a node is believed. A signature says that somebody with the key wrote a
 * datagram, not when: it may be a recording. So a process is accepted once it echoes a datagram of
 * ours that is later than the last acceptance, which no recording of its predecessors can; and of
 * an accepted one each datagram counts once.
 */
import type { Heartbeat, HeartbeatHeader } from '../../wire/heartbeat.ts';
import { ReplayWindow } from '../../wire/replayWindow.ts';

export type Echo = HeartbeatHeader['echo'];

export const NO_ECHO: Echo = { bootId: 0n, sequence: 0n };

/** `heard`: of the process that is believed already; `accepted`: of one that is from now on. */
export type BootJudgement = 'heard' | 'accepted' | 'replay' | 'unacceptedBoot';

/** Our own process, as echoes name it. */
export interface OwnBoot {
  readonly bootId: bigint;
  /** of the last datagram to anybody, 0 before the first one */
  readonly sequence: bigint;
}

interface Stranger {
  sequence: bigint;
  isAnswerDue: boolean;
  answeredMs: number;
}

interface Accepted {
  readonly bootId: bigint;
  /** What came until it was accepted, this or lower, counted for nothing and does not later. */
  readonly first: bigint;
  readonly window: ReplayWindow;
}

/** One is the node's new process; more are recordings. */
const MAX_STRANGERS = 4;

export class BootAcceptance {
  #accepted: Accepted | undefined;
  /** Echoes must be later than this number of ours. */
  #challenge: bigint;
  #strangers = new Map<bigint, Stranger>();

  /** @param sequence of our last datagram, when the node came to be known */
  constructor(sequence: bigint) {
    this.#challenge = sequence;
  }

  /** What our datagrams tell it that we have heard of it. */
  get echo(): Echo {
    if (this.#accepted === undefined) return NO_ECHO;
    const { bootId, window } = this.#accepted;
    return { bootId, sequence: window.highest };
  }

  judge({ bootId, sequence, echo }: Heartbeat, own: OwnBoot): BootJudgement {
    if (this.#accepted?.bootId === bootId) {
      const { first, window } = this.#accepted;
      return sequence > first && window.accept(sequence) ? 'heard' : 'replay';
    }
    if (echo.bootId !== own.bootId) {
      this.#meet(bootId, sequence);
      return 'unacceptedBoot';
    }
    // It has heard this process of ours, but before the present one of that node was accepted.
    if (echo.sequence <= this.#challenge || echo.sequence > own.sequence) return 'unacceptedBoot';
    const window = new ReplayWindow();
    window.accept(sequence);
    const met = this.#strangers.get(bootId)?.sequence ?? 0n;
    this.#accepted = { bootId, first: met > sequence ? met : sequence, window };
    this.#challenge = own.sequence;
    this.#strangers.clear();
    return 'accepted';
  }

  /** What is to be echoed now, so that those that are not accepted yet can show that they hear. */
  answers(nowMs: number, intervalMs: number): readonly Echo[] {
    const due = [...this.#strangers].filter(
      ([, { isAnswerDue, answeredMs }]) => isAnswerDue && nowMs - answeredMs >= intervalMs,
    );
    return due.map(([bootId, stranger]) => {
      stranger.isAnswerDue = false;
      stranger.answeredMs = nowMs;
      return { bootId, sequence: stranger.sequence };
    });
  }

  #meet(bootId: bigint, sequence: bigint): void {
    const known = this.#strangers.get(bootId);
    if (known !== undefined) {
      known.isAnswerDue = true;
      if (sequence > known.sequence) known.sequence = sequence;
      return;
    }
    const [longest] = this.#strangers.keys();
    if (this.#strangers.size >= MAX_STRANGERS) this.#strangers.delete(longest!);
    this.#strangers.set(bootId, { sequence, isAnswerDue: true, answeredMs: -Infinity });
  }
}
