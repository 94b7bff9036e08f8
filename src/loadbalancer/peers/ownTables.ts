/**
 * What this node tells the others of itself: flags in each datagram, and the tables of claims, of
 * addresses that it cannot serve and of attachments, which have one generation together.
 */
import type { Address } from '../../net/address.ts';
import { bodyCapacity, type HeartbeatHeader } from '../../wire/heartbeat.ts';
import {
  ADDRESS_ENTRY_BYTES,
  type Attachment,
  ATTACHMENT_BYTES,
  type HeartbeatBody,
  inParts,
} from '../../wire/heartbeatBody.ts';
import { areSame, without } from './addressSets.ts';
import { nextGeneration } from './generation.ts';

export interface OwnState {
  readonly isReady: boolean;
  /** since when, at the moment that it is told; goes on by itself while it is ready */
  readonly readyForMs: number;
  readonly isLeaving: boolean;
  readonly isApiServerReachable: boolean;
  /** never announces */
  readonly isObserver: boolean;
  readonly attachments: readonly Attachment[];
  readonly claims: ReadonlySet<Address>;
  readonly unable: ReadonlySet<Address>;
}

export type OwnFlags = Pick<
  HeartbeatHeader,
  'isReady' | 'isLeaving' | 'isApiServerReachable' | 'isObserver' | 'ageMs' | 'generation'
>;

const NOTHING: OwnState = {
  isReady: false,
  readyForMs: 0,
  isLeaving: false,
  isApiServerReachable: false,
  isObserver: false,
  attachments: [],
  claims: new Set(),
  unable: new Set(),
};

export class OwnTables {
  readonly #capacity: number;
  #state = NOTHING;
  #generation = 0;
  /** The latest first: what is new is in the first part. */
  #claims: readonly Address[] = [];
  #bodies: readonly HeartbeatBody[] | undefined;
  #toldMs: number | undefined;

  /** @param node our own */
  constructor(node: string) {
    this.#capacity = bodyCapacity(node);
  }

  get state(): OwnState {
    return this.#state;
  }

  get generation(): number {
    return this.#generation;
  }

  /** @returns whether a table changed */
  set(state: OwnState): boolean {
    this.#toldMs = undefined;
    return this.#replace(state);
  }

  /** @returns whether any of them was claimed */
  release(addresses: readonly Address[]): boolean {
    const claims = new Set(without(this.#state.claims, new Set(addresses)));
    return this.#replace({ ...this.#state, claims });
  }

  #replace(state: OwnState): boolean {
    const before = this.#state;
    this.#state = state;
    const isSame =
      areSame(before.claims, state.claims) &&
      areSame(before.unable, state.unable) &&
      areEqual(before.attachments, state.attachments);
    if (isSame) return false;
    this.#generation = nextGeneration(this.#generation);
    this.#bodies = undefined;
    const known = new Set(this.#claims);
    const added = without(state.claims, known);
    this.#claims = [...added, ...this.#claims.filter((address) => state.claims.has(address))];
    return true;
  }

  flags(nowMs: number): OwnFlags {
    this.#toldMs ??= nowMs;
    const { isReady, isLeaving, isApiServerReachable, isObserver, readyForMs } = this.#state;
    const ageMs = isReady ? Math.floor(readyForMs + (nowMs - this.#toldMs)) : 0;
    const generation = this.#generation;
    return { isReady, isLeaving, isApiServerReachable, isObserver, ageMs, generation };
  }

  /**
   * All tables in parts, what is newest and most wanted first; the same object until one changes.
   */
  get bodies(): readonly HeartbeatBody[] {
    this.#bodies ??= this.#divide();
    return this.#bodies;
  }

  #divide(): readonly HeartbeatBody[] {
    const { attachments, unable } = this.#state;
    const attach = inParts(attachments, ATTACHMENT_BYTES, this.#capacity);
    const [first, ...others] = this.#addressParts('claims', this.#claims);
    return [
      first!,
      ...attach.map((part) => ({ type: 'attach' as const, ...part })),
      ...this.#addressParts('unable', [...unable]),
      ...others,
    ];
  }

  releaseBodies(addresses: readonly Address[]): readonly HeartbeatBody[] {
    return addresses.length === 0 ? [] : this.#addressParts('release', addresses);
  }

  #addressParts(type: 'claims' | 'release' | 'unable', addresses: readonly Address[]) {
    const parts = inParts(addresses, ADDRESS_ENTRY_BYTES, this.#capacity);
    return parts.map((part) => ({ type, ...part }));
  }
}

function areEqual(one: readonly Attachment[], other: readonly Attachment[]): boolean {
  return (
    one === other || (one.length === other.length && one.every((a, i) => isEqual(a, other[i]!)))
  );
}

function isEqual(one: Attachment, other: Attachment): boolean {
  return (
    one.interfaceName === other.interfaceName &&
    one.mac === other.mac &&
    one.address === other.address &&
    one.prefixLength === other.prefixLength &&
    one.hasDefaultRoute === other.hasDefaultRoute
  );
}
