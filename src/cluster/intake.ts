/**
 * The way of one kind's raw objects into the store, and the differences that reach the agent: an
 * object that is the same in everything we read makes no event, one that became unreadable counts
 * as gone, and a new list deletes what it does not hold.
 */
import { isDeepStrictEqual } from 'node:util';
import type { ClusterStore, ObjectState } from '../model/clusterStore.ts';
import type { AnyKind } from '../model/kinds.ts';
import type { Problem } from '../model/problem.ts';
import type { ObjectKey } from '../model/resources.ts';
import { isRecord } from './apiError.ts';
import type { ClusterListener } from './source.ts';

export interface IntakeListener extends Pick<ClusterListener, 'onChange' | 'onProblems'> {
  readonly store: ObjectStore;
}

/** Where objects of a kind are put; its keys are those that a complete reading may delete. */
export type ObjectStore = Pick<ClusterStore, 'put' | 'keys'>;

export class Intake {
  readonly #kind: AnyKind;
  readonly #listener: IntakeListener;
  readonly #problems = new Map<ObjectKey, readonly Problem[]>();

  constructor(kind: AnyKind, listener: IntakeListener) {
    this.#kind = kind;
    this.#listener = listener;
  }

  /** @returns the object's key */
  put(raw: unknown): ObjectKey {
    const key = keyOf(raw);
    const { object, problems } = this.#kind.slim(raw);
    this.#report(key, problems);
    this.#store(key, object);
    return key;
  }

  /** @returns the object's key */
  remove(raw: unknown): ObjectKey {
    const key = keyOf(raw);
    this.#forget(key);
    return key;
  }

  /** Deletes everything but these: the end of a complete list. */
  retain(keys: ReadonlySet<ObjectKey>): void {
    const stored = this.#listener.store.keys(this.#kind.kind);
    const known = new Set([...stored, ...this.#problems.keys()]);
    for (const key of known) if (!keys.has(key)) this.#forget(key);
  }

  #forget(key: ObjectKey): void {
    this.#report(key, []);
    this.#store(key, undefined);
  }

  #store(key: ObjectKey, object: ObjectState['object']): void {
    const change = this.#listener.store.put({ kind: this.#kind.kind, key, object } as ObjectState);
    if (change !== undefined) this.#listener.onChange(change);
  }

  #report(key: ObjectKey, problems: readonly Problem[]): void {
    const before = this.#problems.get(key) ?? [];
    if (isDeepStrictEqual(before, problems)) return;
    if (problems.length === 0) this.#problems.delete(key);
    else this.#problems.set(key, problems);
    this.#listener.onProblems(`${this.#kind.kind}/${key}`, problems);
  }
}

function keyOf(raw: unknown): ObjectKey {
  const metadata = isRecord(raw) && isRecord(raw['metadata']) ? raw['metadata'] : {};
  const { namespace, name } = metadata;
  return typeof namespace === 'string' ? `${namespace}/${String(name)}` : String(name);
}
