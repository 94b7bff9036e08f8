/**
 * Bytes to lines. A watch is one JSON object a line, and a piece of a stream may end anywhere, also
 * inside a UTF-8 sequence; so lines are cut as bytes and decoded whole.
 */

const NEWLINE = 0x0a;
/** etcd refuses objects above 1.5 MiB; a line far above that is not a watch event. */
const MAX_LINE_BYTES = 32 * 1024 * 1024;

export class LineSplitter {
  readonly #maxLineBytes: number;
  #pieces: Uint8Array[] = [];
  #pendingBytes = 0;

  constructor(maxLineBytes = MAX_LINE_BYTES) {
    this.#maxLineBytes = maxLineBytes;
  }

  /** Bytes of a line that has begun and not ended. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /**
   * @returns the lines that `chunk` completes, without their newline, empty ones left out
   * @throws RangeError when a line grows beyond the limit
   */
  push(chunk: Uint8Array): string[] {
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const line = this.#complete(chunk.subarray(start, end));
      if (line !== '') lines.push(line);
      start = end + 1;
    }
    this.#keep(chunk.subarray(start));
    return lines;
  }

  #complete(last: Uint8Array): string {
    if (this.#pieces.length === 0) return decode(last);
    const line = decode(Buffer.concat([...this.#pieces, last]));
    this.#pieces = [];
    this.#pendingBytes = 0;
    return line;
  }

  #keep(rest: Uint8Array): void {
    if (rest.length === 0) return;
    this.#pendingBytes += rest.length;
    if (this.#pendingBytes > this.#maxLineBytes) {
      throw new RangeError(`a line is longer than ${this.#maxLineBytes} bytes`);
    }
    this.#pieces.push(rest);
  }
}

function decode(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8').trim();
}
