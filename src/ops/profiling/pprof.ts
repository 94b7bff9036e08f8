/**
 * Profiles of V8 in pprof's format, for `go tool pprof` and what scrapes `/debug/pprof`.
 *
 * @see https://github.com/google/pprof/blob/main/proto/profile.proto
 */
import { ProtoWriter } from './protoWriter.ts';

/** A place in the code, as V8's inspector says it; line and column begin with 0. */
export interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}

/** One stack with what was counted on it. */
export interface StackSample {
  /** innermost first */
  readonly frames: readonly CallFrame[];
  /** one for each of `ProfileHead.types` */
  readonly values: readonly number[];
}

export interface ValueType {
  /** `cpu` */
  readonly type: string;
  /** `nanoseconds` */
  readonly unit: string;
}

export interface ProfileHead {
  readonly types: readonly ValueType[];
  readonly periodType: ValueType;
  readonly period: number;
  /** ms since the epoch */
  readonly startedAtMs: number;
  readonly durationMs: number;
}

const NS_PER_MS = 1e6;

/** @returns the message, not yet compressed */
export function encodePprof(head: ProfileHead, samples: readonly StackSample[]): Uint8Array {
  const strings = new Numbered<string>();
  const functions = new Numbered<string, CallFrame>();
  const locations = new Numbered<string, CallFrame>();
  // The first string is the empty one.
  strings.of('', '');
  const out = new ProtoWriter();
  const valueType = ({ type, unit }: ValueType) =>
    new ProtoWriter().number(1, strings.of(type, type)).number(2, strings.of(unit, unit));

  for (const type of head.types) out.message(1, valueType(type));
  for (const { frames, values } of samples) {
    const places = frames.map((frame) => 1 + locations.of(placeKey(frame), frame));
    out.message(2, new ProtoWriter().numbers(1, places).numbers(2, values));
  }
  for (const [id, frame] of locations.entries()) {
    const line = new ProtoWriter()
      .number(1, 1 + functions.of(functionKey(frame), frame))
      .number(2, frame.lineNumber + 1);
    out.message(4, new ProtoWriter().number(1, 1 + id).message(4, line));
  }
  for (const [id, { functionName, url }] of functions.entries()) {
    const called = functionName || '(anonymous)';
    const name = strings.of(called, called);
    const file = strings.of(url, url);
    const entry = new ProtoWriter()
      .number(1, 1 + id)
      .number(2, name)
      .number(3, name);
    out.message(5, entry.number(4, file));
  }
  const periodType = valueType(head.periodType);
  for (const [, text] of strings.entries()) out.text(6, text);
  return out
    .number(9, Math.round(head.startedAtMs * NS_PER_MS))
    .number(10, Math.round(head.durationMs * NS_PER_MS))
    .message(11, periodType)
    .number(12, head.period)
    .take();
}

function functionKey({ functionName, url }: CallFrame): string {
  return `${functionName} ${url}`;
}

function placeKey(frame: CallFrame): string {
  return `${functionKey(frame)}:${frame.lineNumber}`;
}

/** Things with numbers in the order in which they came first. */
class Numbered<Key, Thing = Key> {
  readonly #numbers = new Map<Key, number>();
  readonly #things: Thing[] = [];

  of(key: Key, thing: Thing): number {
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    this.#numbers.set(key, this.#things.length);
    return this.#things.push(thing) - 1;
  }

  entries(): Iterable<[number, Thing]> {
    return this.#things.entries();
  }
}
