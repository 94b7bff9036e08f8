/**
 * What one reflector knows of its kind, in slim form, and the differences that reach the agent: an object that is the
 * same in everything we read makes no event, one that became unreadable counts as gone, and a new list deletes what it
 * does not hold.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Problem } from '../model/problem.ts';
import type { ObjectKey } from '../model/resources.ts';
import type { ResourceKind } from './resourceKind.ts';
import type { ClusterListener } from './source.ts';
import { isRecord } from './apiError.ts';

export type StoreListener = Pick<ClusterListener, 'onChange' | 'onProblems'>;

export class ResourceStore<T> {
  readonly #kind: ResourceKind<T>;
  readonly #listener: StoreListener;
  readonly #objects = new Map<ObjectKey, T>();
  readonly #problems = new Map<ObjectKey, readonly Problem[]>();

  constructor(kind: ResourceKind<T>, listener: StoreListener) {
    this.#kind = kind;
    this.#listener = listener;
  }

  get size(): number {
    return this.#objects.size;
  }

  /** @returns the object's key */
  put(raw: unknown): ObjectKey {
    const key = keyOf(raw);
    const { object, problems } = this.#kind.slim(raw);
    this.#report(key, problems);
    if (object === undefined) {
      this.#drop(key);
    } else if (!isDeepStrictEqual(this.#objects.get(key), object)) {
      this.#objects.set(key, object);
      this.#listener.onChange(this.#kind.upserted(key, object));
    }
    return key;
  }

  remove(raw: unknown): void {
    this.#forget(keyOf(raw));
  }

  /** Deletes everything but these: the end of a complete list. */
  retain(keys: ReadonlySet<ObjectKey>): void {
    const known = new Set([...this.#objects.keys(), ...this.#problems.keys()]);
    for (const key of known) if (!keys.has(key)) this.#forget(key);
  }

  #forget(key: ObjectKey): void {
    this.#report(key, []);
    this.#drop(key);
  }

  #drop(key: ObjectKey): void {
    const last = this.#objects.get(key);
    if (last === undefined) return;
    this.#objects.delete(key);
    this.#listener.onChange(this.#kind.deleted(key, last));
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
