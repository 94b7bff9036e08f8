/**
 * The book of what somebody else has changed and is to be put right: found by a reading, or told by
 * the kernel, and kept until the operation that mends it is done, be it in a later round.
 */
import type { DriftCounts, DriftKind } from '../dataplane/driftKinds.ts';
import type { ApplyReport, Operation } from '../dataplane/operations.ts';
import { operationSubject } from '../dataplane/operations.ts';
import { type ActualState, serverKey } from '../dataplane/state.ts';
import type { Address } from '../net/address.ts';
import { applyReport, type MutableState } from './applied.ts';
import { driftOf, kindOf } from './drift.ts';

export class DriftBook {
  #before: MutableState | undefined;
  readonly #told = new Set<Address>();
  #isDeviceLost = false;
  /** found and not yet put right, by subject */
  readonly #found = new Map<string, readonly DriftKind[]>();

  /**
   * @param before what was known until a reading, and is nobody else's now; undefined: nothing, so
   * nothing drifted
   */
  read(before: MutableState | undefined): void {
    this.#before = before;
  }

  /** By the kernel, without an audit. */
  told(addresses: Iterable<Address>, isDeviceLost: boolean): void {
    for (const address of addresses) this.#told.add(address);
    this.#isDeviceLost ||= isDeviceLost;
  }

  /**
   * Before a plan is applied.
   *
   * @param now what it was compared with
   * @param isOfAll all that is wrong is planned; else what was known before the reading is kept for
   * the rounds to come
   */
  find(planned: readonly Operation[], now: ActualState, isOfAll: boolean): void {
    const before = this.#before;
    if (before === undefined && this.#told.size === 0 && !this.#isDeviceLost) return;
    const drifts = planned.flatMap((operation) => {
      const kinds = this.#kindsOf(operation, now);
      return kinds.length === 0 ? [] : [{ operation, kinds }];
    });
    const follows = followersOf(drifts.map(({ operation }) => operation));
    for (const { operation, kinds } of drifts) {
      if (!follows(operation)) this.#found.set(operationSubject(operation), kinds);
    }
    this.#told.clear();
    this.#isDeviceLost = false;
    if (!isOfAll) return;
    this.#before = undefined;
    if (before !== undefined) this.#keep(new Set(planned.map(operationSubject)));
  }

  /** @returns how many of each kind are right again */
  repaired(report: ApplyReport): DriftCounts {
    // What we did ourselves meanwhile is nobody's doing.
    if (this.#before !== undefined) applyReport(this.#before, report);
    const { done } = report;
    const counts = new Map<DriftKind, number>();
    if (this.#found.size === 0) return counts;
    for (const operation of done) {
      const subject = operationSubject(operation);
      for (const kind of this.#found.get(subject) ?? [])
        counts.set(kind, (counts.get(kind) ?? 0) + 1);
      this.#found.delete(subject);
    }
    return counts;
  }

  #kindsOf(operation: Operation, now: ActualState): readonly DriftKind[] {
    if (this.#isTold(operation)) {
      const kind = kindOf(operation, now);
      return kind === undefined ? [] : [kind];
    }
    return this.#before === undefined ? [] : driftOf(operation, this.#before, now);
  }

  #isTold(operation: Operation): boolean {
    if (operation.op === 'createDummyDevice') return this.#isDeviceLost;
    const isOfAddress = operation.op === 'bindAddress' || operation.op === 'unbindAddress';
    return isOfAddress && this.#told.has(operation.address);
  }

  /** A comparison of everything has planned all that is still wrong. */
  #keep(wanted: ReadonlySet<string>): void {
    for (const subject of this.#found.keys()) if (!wanted.has(subject)) this.#found.delete(subject);
  }
}

/** Whether an operation only follows from another one of these. */
function followersOf(drifts: readonly Operation[]): (operation: Operation) => boolean {
  const servers = new Set<string>();
  const sets = new Set<string>();
  let isDeviceNew = false;
  for (const operation of drifts) {
    if (operation.op === 'addServer') servers.add(serverKey(operation.server));
    if (operation.op === 'createSet' || operation.op === 'replaceSet') sets.add(operation.set.name);
    isDeviceNew ||= operation.op === 'createDummyDevice';
  }
  return (operation) => {
    if (operation.op === 'bindAddress') return isDeviceNew;
    if (operation.op === 'addEntry' || operation.op === 'removeEntry')
      return sets.has(operation.set.name);
    return operation.op === 'addDestination' && servers.has(serverKey(operation.server));
  };
}
