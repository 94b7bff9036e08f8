/** Sends what the pacer says when it says so. */
import { familyOf } from '../../net/address.ts';
import type { Family } from '../../net/family.ts';
import type { Clock } from '../../time/clock.ts';
import { announcementFrames, type SendingKind } from '../responder/announcementFrames.ts';
import type { AnswerTable } from '../responder/answerTable.ts';
import type { Pacer, Sending } from '../responder/pacing.ts';

export interface AnnouncementsOptions {
  readonly clock: Clock;
  readonly pacer: Pacer;
  readonly table: AnswerTable;
  readonly send: (interfaceName: string, family: Family, frames: readonly Uint8Array[]) => void;
  readonly onSent: (sending: Sending) => void;
}

/** A timer may come this much before its time. */
const TIMER_SLACK_MS = 1;

export class Announcements {
  readonly #options: AnnouncementsOptions;
  /** how often, by kind; a take-over counts once a round and interface */
  readonly sent: Record<SendingKind, number> = { takeover: 0, defence: 0, refresh: 0, probe: 0 };
  #cancel = (): void => undefined;
  #isWoken = false;
  #isClosed = false;

  constructor(options: AnnouncementsOptions) {
    this.#options = options;
  }

  /** Something may be due: looks after all that is being said now, so that it goes together. */
  wake(): void {
    if (this.#isWoken) return;
    this.#isWoken = true;
    queueMicrotask(() => {
      this.#isWoken = false;
      this.#send();
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel();
  }

  #send(): void {
    if (this.#isClosed) return;
    const { clock, pacer } = this.#options;
    const nowMs = clock.monotonicMs();
    const sendings = pacer.take(nowMs);
    for (const batch of Map.groupBy(sendings, socketOf).values()) this.#sendBatch(batch);
    this.#cancel();
    const nextMs = pacer.nextMs(nowMs);
    if (nextMs === Infinity) return;
    const inMs = Math.max(TIMER_SLACK_MS, nextMs - clock.monotonicMs());
    this.#cancel = clock.after(inMs, () => this.#send());
  }

  #sendBatch(batch: readonly Sending[]): void {
    const { send, onSent } = this.#options;
    const [{ interfaceName, address }] = batch as [Sending];
    const frames = batch.flatMap((sending) => this.#framesOf(sending));
    send(interfaceName, familyOf(address), frames);
    for (const sending of batch) onSent(sending);
  }

  /** None where the interface has gone, or the address is not answered there any more. */
  #framesOf({ kind, address, interfaceName }: Sending): readonly Uint8Array[] {
    const { table } = this.#options;
    const carrier = table.carrier(interfaceName);
    if (carrier === undefined) return [];
    if (kind !== 'probe' && !table.answers(address, interfaceName)) return [];
    const frames = announcementFrames(kind, address, carrier);
    if (frames.length > 0) this.sent[kind] += 1;
    return frames;
  }
}

const socketOf = ({ interfaceName, address }: Sending): string =>
  `${familyOf(address)} ${interfaceName}`;
