/**
 * A profile in pprof's format as lines, `cpu/nanoseconds 2000: inner a.js:3 < outer a.js:1`. Reads
 * the wire format by itself, so that a mistake of the writer cannot hide.
 */

type Fields = ReadonlyMap<number, readonly (number | Uint8Array)[]>;

export interface PprofText {
  readonly samples: readonly string[];
  readonly periodType: string;
  readonly period: number;
  readonly timeNanos: number;
  readonly durationNanos: number;
}

/** @param bytes not compressed */
export function pprofText(bytes: Uint8Array): PprofText {
  const profile = fieldsOf(bytes);
  const strings = bytesIn(profile, 6).map((text) => new TextDecoder().decode(text));
  const name = (fields: Fields, field: number) => strings[numberIn(fields, field)]!;
  const typeText = (type: Uint8Array) => `${name(fieldsOf(type), 1)}/${name(fieldsOf(type), 2)}`;
  const types = bytesIn(profile, 1).map(typeText);
  const byId = (field: number) =>
    new Map(
      bytesIn(profile, field)
        .map(fieldsOf)
        .map((each) => [numberIn(each, 1), each]),
    );
  const functions = byId(5);
  const locations = byId(4);
  const placeText = (id: number) => {
    const line = fieldsOf(bytesIn(locations.get(id)!, 4)[0]!);
    const called = functions.get(numberIn(line, 1))!;
    return `${name(called, 2)} ${name(called, 4)}:${numberIn(line, 2)}`;
  };
  const samples = bytesIn(profile, 2).map((bytesOfSample) => {
    const sample = fieldsOf(bytesOfSample);
    const values = numbersIn(sample, 2).map((value, i) => `${types[i]} ${value}`);
    return `${values.join(' ')}: ${numbersIn(sample, 1).map(placeText).join(' < ')}`;
  });
  return {
    samples,
    periodType: typeText(bytesIn(profile, 11)[0]!),
    period: numberIn(profile, 12),
    timeNanos: numberIn(profile, 9),
    durationNanos: numberIn(profile, 10),
  };
}

function fieldsOf(bytes: Uint8Array): Fields {
  const fields = new Map<number, (number | Uint8Array)[]>();
  const reader = new Reader(bytes);
  while (!reader.isAtEnd) {
    const tag = reader.varint();
    const [field, wire] = [tag >> 3, tag & 7];
    if (wire !== 0 && wire !== 2) throw new Error(`wire type ${wire}`);
    const value = wire === 0 ? reader.varint() : reader.chunk(reader.varint());
    fields.set(field, [...(fields.get(field) ?? []), value]);
  }
  return fields;
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  varint(): number {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new Error('cut off');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number(value);
    }
  }

  chunk(length: number): Uint8Array {
    if (this.#at + length > this.#bytes.length) throw new Error('cut off');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}

function numberIn(fields: Fields, field: number): number {
  return (fields.get(field)?.[0] as number | undefined) ?? 0;
}

function bytesIn(fields: Fields, field: number): readonly Uint8Array[] {
  return (fields.get(field) ?? []) as readonly Uint8Array[];
}

function numbersIn(fields: Fields, field: number): readonly number[] {
  return bytesIn(fields, field).flatMap((packed) => {
    const reader = new Reader(packed);
    const numbers: number[] = [];
    while (!reader.isAtEnd) numbers.push(reader.varint());
    return numbers;
  });
}
