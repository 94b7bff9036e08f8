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
  /**
   * It was accepted by this one, which some that were sent before may come after. They count if
   * they would have been accepted too: older ones are recordings.
   */
  readonly by: bigint;
  readonly challenge: bigint;
  /** the highest that came before it was accepted: what counted for nothing does not later */
  readonly met: bigint;
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

  judge(heartbeat: Heartbeat, own: OwnBoot): BootJudgement {
    const { bootId, sequence } = heartbeat;
    const present = this.#accepted;
    if (present?.bootId === bootId) {
      const isEarly = sequence < present.by && !hearsUs(heartbeat, own, present.challenge);
      const isOld = isEarly || sequence <= present.met;
      return !isOld && present.window.accept(sequence) ? 'heard' : 'replay';
    }
    if (!hearsUs(heartbeat, own, this.#challenge)) {
      this.#meet(bootId, sequence);
      return 'unacceptedBoot';
    }
    this.#accept(bootId, sequence);
    this.#challenge = own.sequence;
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

  #accept(bootId: bigint, sequence: bigint): void {
    const met = this.#strangers.get(bootId)?.sequence ?? 0n;
    const window = new ReplayWindow();
    window.accept(sequence);
    this.#accepted = { bootId, by: sequence, challenge: this.#challenge, met, window };
    this.#strangers.clear();
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

/** It echoes this process of ours, and later than that. */
function hearsUs({ echo }: Heartbeat, own: OwnBoot, challenge: bigint): boolean {
  const { bootId, sequence } = echo;
  return bootId === own.bootId && sequence > challenge && sequence <= own.sequence;
}
