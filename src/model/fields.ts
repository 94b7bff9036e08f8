/**
 * Typed reading of a raw object, from an API server or from a file written by hand, that may hold
 * anything. A field of the wrong type is reported with its dotted path and makes its *unit* (the
 * object, or one port or endpoint of it) unusable; what the unit's owner does about that is decided
 * in slimService, slimEndpointSlice and slimNode. Absent and null are the same, as in the API.
 */
import type { Consequence } from './consequence.ts';
import type { Problem } from './problem.ts';
import { trimmed } from './trimmed.ts';

/**
 * What a door gives: no object when it was unusable (see problems) or, with no problem, is none of
 * a proxy's business.
 */
export interface Slim<T> {
  readonly object?: T;
  readonly problems: readonly Problem[];
}

/** What is dropped as one when a field of it is bad. */
interface Unit {
  /** names it in messages: `this port is skipped` */
  readonly noun: Noun;
  isUsable: boolean;
}

const SKIPPED = {
  Service: 'ServiceSkipped',
  EndpointSlice: 'EndpointSliceSkipped',
  Node: 'NodeSkipped',
  'balanced Service': 'NotBalanced',
  /** of a kind that has no word of its own */
  object: 'ObjectSkipped',
  port: 'PortSkipped',
  endpoint: 'EndpointSkipped',
  address: 'AddressSkipped',
  'load balancer address': 'BalancerAddressSkipped',
  hint: 'HintSkipped',
  condition: 'ConditionSkipped',
} as const satisfies Readonly<Record<string, Consequence>>;

export type Noun = keyof typeof SKIPPED;

type RawRecord = Readonly<Record<string, unknown>>;

const NOTHING: RawRecord = {};
const NO_TEXTS: Readonly<Record<string, string>> = {};

export class Fields {
  /** every problem found in the whole object, in reading order */
  readonly problems: Problem[];
  /** position in the list it came from; 0 for others */
  readonly index: number;
  readonly #record: RawRecord;
  readonly #unit: Unit;
  readonly #parent: Fields | undefined;
  readonly #step: string;

  private constructor(
    record: RawRecord,
    unit: Unit,
    parent: Fields | Problem[],
    step: string,
    index = 0,
  ) {
    this.#record = record;
    this.#unit = unit;
    this.#parent = Array.isArray(parent) ? undefined : parent;
    this.problems = Array.isArray(parent) ? parent : parent.problems;
    this.#step = step;
    this.index = index;
  }

  /**
   * Opens an object of the API. Its name must be a non-empty string; any such string will do.
   *
   * @param kind also the noun in messages, for those that have a word of their own
   * @param noun another one
   */
  static open(raw: unknown, kind: string, isNamespaced: boolean, noun?: Noun): OpenedObject {
    const metadata = isRecord(raw) && isRecord(raw['metadata']) ? raw['metadata'] : NOTHING;
    const name = labelPart(metadata['name'], '(unnamed)');
    const namespace = labelPart(metadata['namespace'], 'default');
    const label = isNamespaced ? `${kind}/${namespace}/${name}` : `${kind}/${name}`;
    const root = new Fields(
      isRecord(raw) ? raw : NOTHING,
      { noun: noun ?? (Object.hasOwn(SKIPPED, kind) ? (kind as Noun) : 'object'), isUsable: true },
      [],
      label,
    );
    if (!isRecord(raw)) root.#reject(label, raw, 'must be an object');
    const meta = root.object('metadata');
    const isNamed = typeof metadata['name'] === 'string' && metadata['name'] !== '';
    if (!isNamed) meta.reject('name', 'must be a non-empty string');
    if (isNamespaced) meta.string('namespace');
    return { root, metadata: meta, namespace, name, isNamed };
  }

  /** false once a field of this unit was rejected */
  get isUsable(): boolean {
    return this.#unit.isUsable;
  }

  /** As it was read, with what nobody asked for. */
  whole(): Readonly<Record<string, unknown>> {
    return this.#record;
  }

  /** Raw value, undefined for absent and null. */
  value(key: string): unknown {
    return this.#record[key] ?? undefined;
  }

  /** True also for an empty or null value: a label's mere presence counts. */
  has(key: string): boolean {
    return Object.hasOwn(this.#record, key);
  }

  string(key: string): string | undefined {
    const value = this.value(key);
    if (value === undefined || typeof value === 'string') return value;
    const hint = typeof value === 'object' ? '' : ' (put it in quotes)';
    return this.reject(key, `must be a string${hint}`);
  }

  integer(key: string, least: number, most: number): number | undefined {
    const value = this.value(key);
    if (value === undefined) return undefined;
    if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most)
      return value as number;
    return this.reject(key, `must be a whole number from ${least} to ${most}`);
  }

  boolean(key: string): boolean | undefined {
    const value = this.value(key);
    if (value === undefined || typeof value === 'boolean') return value;
    return this.reject(key, 'must be true or false');
  }

  choice<T extends string>(key: string, choices: readonly T[], fallback: T): T {
    const value = this.value(key);
    if (value === undefined || value === '') return fallback;
    const chosen = choices.find((choice) => choice === value);
    if (chosen === undefined) this.reject(key, `must be one of ${choices.join(', ')}`);
    return chosen ?? fallback;
  }

  /** Texts by name, as labels are; an entry of another type is left out alone. */
  strings(key: string): Readonly<Record<string, string>> {
    const below = this.object(key);
    const texts: [string, string][] = [];
    for (const [name, value] of Object.entries(below.#record)) {
      if (typeof value === 'string') texts.push([name, value]);
      else if (value !== null) below.drop(name, 'must be a string (put it in quotes)');
    }
    return texts.length === 0 ? NO_TEXTS : Object.fromEntries(texts);
  }

  /** The object below `key`, part of the same unit; empty when absent or rejected. */
  object(key: string): Fields {
    const value = this.value(key);
    if (value !== undefined && !isRecord(value)) this.reject(key, 'must be an object');
    return new Fields(isRecord(value) ? value : NOTHING, this.#unit, this, stepOf(key));
  }

  list(key: string): readonly unknown[] {
    const value = this.value(key);
    if (value === undefined) return [];
    if (Array.isArray(value)) return value;
    this.reject(key, 'must be a list');
    return [];
  }

  /**
   * A list of strings that are judged elsewhere: entries of other types become their JSON, so that
   * positions hold.
   */
  texts(key: string): readonly string[] {
    return trimmed(this.list(key).map(asText));
  }

  /**
   * The objects of the list below `key`, each a unit of its own called `noun`; entries of other
   * types are rejected.
   */
  *items(key: string, noun: Noun): Generator<Fields> {
    const step = stepOf(key);
    for (const [index, value] of this.list(key).entries()) {
      const record = isRecord(value) ? value : NOTHING;
      const item = new Fields(record, { noun, isUsable: true }, this, `${step}[${index}]`, index);
      if (isRecord(value)) yield item;
      else item.#reject(item.path(), value, 'must be an object');
    }
  }

  /** Reports the field and makes its unit unusable. */
  reject(key: string, why: string): undefined {
    return this.#reject(this.path(key), this.value(key), why);
  }

  /** Reports the field, or one entry of the list it holds, as ignored; the unit stays usable. */
  drop(key: string, why: string, index?: number): void {
    const value = this.value(key);
    const path = index === undefined ? this.path(key) : `${this.path(key)}[${index}]`;
    const found = index === undefined ? value : (value as readonly unknown[])[index];
    this.problems.push({ path, value: found, problem: why, consequence: 'ValueIgnored' });
  }

  path(key?: string): string {
    const own = (this.#parent?.path() ?? '') + this.#step;
    return key === undefined ? own : own + stepOf(key);
  }

  #reject(path: string, value: unknown, why: string): undefined {
    this.#unit.isUsable = false;
    this.problems.push({ path, value, problem: why, consequence: SKIPPED[this.#unit.noun] });
  }
}

export interface OpenedObject {
  readonly root: Fields;
  readonly metadata: Fields;
  /** `default` when absent, as kubectl has it */
  readonly namespace: string;
  readonly name: string;
  /** false: the object has been rejected, and `name` only stands in for it in messages */
  readonly isNamed: boolean;
}

/** `.spec`, or `[a/b.c]` for a key that would not read well after a dot. */
export function stepOf(key: string): string {
  return /^[A-Za-z_]\w*$/.test(key) ? `.${key}` : `[${key}]`;
}

/** A string as it is, anything else as JSON. */
export function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}

function labelPart(value: unknown, fallback: string): string {
  return typeof value === 'string' && value !== '' ? value : fallback;
}

function isRecord(value: unknown): value is RawRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
