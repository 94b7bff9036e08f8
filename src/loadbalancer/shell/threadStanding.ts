/**
 * How this node stands, as the announcer's thread sees it: whether the main thread says that all is
 * programmed, and says it at all; where the node is attached; whether it is about to go.
 */
import { familyOf } from '../../net/address.ts';
import type { OwnFacts } from '../announcer/surroundings.ts';
import type { Attachment } from '../../wire/heartbeatBody.ts';
import type { CarrierInterface } from '../responder/carrierInterfaces.ts';

/** The main thread says once a second that it turns. */
const STUCK_MS = 30_000;
const LEAVE_LIMIT_MS = 500;

export class ThreadStanding {
  #attachments: readonly Attachment[] = [];
  #isReady = false;
  #isStuck = false;
  #heardMainMs: number;
  #readySinceMs: number | undefined;
  #unreachableSinceMs: number | undefined;
  #leavingSinceMs: number | undefined;
  #hasChanged = true;

  constructor(nowMs: number) {
    this.#heardMainMs = nowMs;
  }

  get isLeaving(): boolean {
    return this.#leavingSinceMs !== undefined;
  }

  facts(nowMs: number): OwnFacts {
    const isReady = this.#isReady && !this.#isStuck;
    if (!isReady) this.#readySinceMs = undefined;
    else this.#readySinceMs ??= nowMs;
    return {
      readySinceMs: this.#readySinceMs,
      isLeaving: this.isLeaving,
      unreachableSinceMs: this.#unreachableSinceMs,
      attachments: this.#attachments,
    };
  }

  heardMain(
    said: { readonly isReady: boolean; readonly isApiServerReachable: boolean },
    nowMs: number,
  ): void {
    const { isReady, isApiServerReachable } = said;
    const isUnreachable = this.#unreachableSinceMs !== undefined;
    if (isReady !== this.#isReady || isUnreachable === isApiServerReachable)
      this.#hasChanged = true;
    this.#isReady = isReady;
    this.#unreachableSinceMs = isApiServerReachable
      ? undefined
      : (this.#unreachableSinceMs ?? nowMs);
    this.#heardMainMs = nowMs;
  }

  attach(interfaces: readonly CarrierInterface[]): void {
    this.#attachments = attachmentsOf(interfaces);
    this.#hasChanged = true;
  }

  leave(nowMs: number): void {
    this.#leavingSinceMs ??= nowMs;
    this.#hasChanged = true;
  }

  /** @returns whether its facts are others than at the last review */
  review(nowMs: number): boolean {
    const isStuck = nowMs - this.#heardMainMs > STUCK_MS;
    if (isStuck !== this.#isStuck) this.#hasChanged = true;
    this.#isStuck = isStuck;
    const hasChanged = this.#hasChanged;
    this.#hasChanged = false;
    return hasChanged;
  }

  /** @param left addresses that nobody has taken over */
  hasLeft(nowMs: number, left: number): boolean {
    if (this.#leavingSinceMs === undefined) return false;
    const forMs = nowMs - this.#leavingSinceMs;
    return forMs >= LEAVE_LIMIT_MS || (left === 0 && forMs > LEAVING_BEATS_MS);
  }
}

/** So long its last words take. */
const LEAVING_BEATS_MS = 60;

/** What other nodes are told: every address of every interface that may announce. */
function attachmentsOf(interfaces: readonly CarrierInterface[]): readonly Attachment[] {
  return interfaces.flatMap(({ name, mac, addresses, defaultRoute }) =>
    addresses.map(({ address, prefixLength }) => ({
      interfaceName: name,
      mac,
      address,
      prefixLength,
      hasDefaultRoute: defaultRoute.includes(familyOf(address)),
    })),
  );
}
