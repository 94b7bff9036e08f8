/** Messages of protocol buffers, as far as pprof's format needs them. */

const VARINT = 0;
const BYTES = 2;

export class ProtoWriter {
  readonly #bytes: number[] = [];

  /** @param value a whole number, not negative; 0 is left out as the default */
  number(field: number, value: number): this {
    if (value === 0) return this;
    this.#varint(field * 8 + VARINT);
    this.#varint(value);
    return this;
  }

  /** Packed; zeros are kept. */
  numbers(field: number, values: readonly number[]): this {
    const packed = new ProtoWriter();
    for (const value of values) packed.#varint(value);
    return this.#chunk(field, packed.#bytes);
  }

  /** An empty one is kept: it may be an item of a list. */
  text(field: number, value: string): this {
    return this.#chunk(field, new TextEncoder().encode(value));
  }

  message(field: number, message: ProtoWriter): this {
    return this.#chunk(field, message.#bytes);
  }

  take(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }

  #chunk(field: number, bytes: ArrayLike<number>): this {
    this.#varint(field * 8 + BYTES);
    this.#varint(bytes.length);
    for (let i = 0; i < bytes.length; i++) this.#bytes.push(bytes[i]!);
    return this;
  }

  /** Beyond 32 bits, where shifts end: times in nanoseconds are. */
  #varint(value: number): void {
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.#bytes.push((rest % 0x80) + 0x80);
    this.#bytes.push(rest);
  }
}
