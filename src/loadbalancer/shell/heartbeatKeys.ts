/**
 * The keys that heartbeats are signed with, of a file that a Secret is mounted as: one a line, the
 * first one signs, each is accepted, so that a key is exchanged without a moment in which nodes do
 * not understand each other. Without a file the key is empty, and whoever knows this can sign.
 */
import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import { constants, open } from 'node:fs/promises';
import type { Clock } from '../../time/clock.ts';
import { type SignedBytes, SIGNATURE_BYTES } from '../../wire/heartbeat.ts';

/** How often the file is looked at; new content counts when it is seen twice, so within 1 s. */
const LOOK_MS = 500;
const MIN_KEY_BYTES = 16;
const MAX_KEYS = 2;
const MAX_FILE_BYTES = 4096;
const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

const CURE = 'write 32 random characters there, as the chart does with its Secret';

/** Says which file, what is wrong with it and what to do. */
export class HeartbeatKeyError extends Error {
  override readonly name = 'HeartbeatKeyError';

  constructor(path: string, problem: string, options?: ErrorOptions) {
    super(`announcer.heartbeat.secretFile ${path}: ${problem}`, options);
  }
}

export interface HeartbeatKeysOptions {
  /** undefined: heartbeat.insecure */
  readonly path: string | undefined;
  readonly clock: Pick<Clock, 'after'>;
  /** The file became wrong, and the keys of before stay; undefined: it is right again. */
  readonly onProblem: (error: HeartbeatKeyError | undefined) => void;
}

export class HeartbeatKeys {
  readonly #options: HeartbeatKeysOptions;
  #keys: readonly KeyObject[];
  /** what the file said when it was looked at last */
  #seen: string;
  /** what was made of it */
  #judged: string;
  #hasProblem = false;
  #cancel = (): void => undefined;
  #isClosed = false;

  /** @throws HeartbeatKeyError */
  static async open(options: HeartbeatKeysOptions): Promise<HeartbeatKeys> {
    const { path } = options;
    if (path === undefined)
      return new HeartbeatKeys(options, [createSecretKey(Buffer.alloc(0))], '');
    const content = await readKeyFile(path);
    const keys = new HeartbeatKeys(options, parseKeys(path, content), fingerprint(content));
    keys.#watch();
    return keys;
  }

  private constructor(options: HeartbeatKeysOptions, keys: readonly KeyObject[], seen: string) {
    this.#options = options;
    this.#keys = keys;
    this.#seen = seen;
    this.#judged = seen;
  }

  sign(signed: Uint8Array): Uint8Array {
    return hmac(this.#keys[0]!, signed);
  }

  /** In a time that does not depend on what is wrong. */
  isRight({ signed, signature }: SignedBytes): boolean {
    if (signature.length !== SIGNATURE_BYTES) return false;
    return this.#keys.some((key) => timingSafeEqual(hmac(key, signed), signature));
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel();
  }

  #watch(): void {
    if (this.#isClosed) return;
    this.#cancel = this.#options.clock.after(LOOK_MS, () => {
      void this.#look().finally(() => this.#watch());
    });
  }

  /** A file that is being written is half there: only what stays counts. */
  async #look(): Promise<void> {
    const path = this.#options.path!;
    const found = await readKeyFile(path).catch((error: HeartbeatKeyError) => error);
    if (this.#isClosed) return;
    const seen = found instanceof Error ? `error: ${found.message}` : fingerprint(found);
    const isSettled = seen === this.#seen;
    this.#seen = seen;
    if (!isSettled || seen === this.#judged) return;
    this.#judged = seen;
    this.#take(path, found);
  }

  #take(path: string, found: Uint8Array | HeartbeatKeyError): void {
    const { onProblem } = this.#options;
    try {
      if (found instanceof Error) throw found;
      this.#keys = parseKeys(path, found);
      if (this.#hasProblem) onProblem(undefined);
      this.#hasProblem = false;
    } catch (error) {
      if (!(error instanceof HeartbeatKeyError)) throw error;
      this.#hasProblem = true;
      onProblem(error);
    }
  }
}

/** A key as bytes would be made an object for each datagram, which takes longer than the rest. */
function hmac(key: KeyObject, bytes: Uint8Array): Uint8Array {
  return createHmac('sha256', key).update(bytes).digest();
}

function fingerprint(content: Uint8Array): string {
  return Buffer.from(content).toString('base64');
}

/** Of a file of any kind: one that never ends, or has no writer, holds nothing up. */
async function readKeyFile(path: string): Promise<Uint8Array> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const buffer = Buffer.alloc(MAX_FILE_BYTES + 1);
      let length = 0;
      for (let isMore = true; isMore && length < buffer.length;) {
        const { bytesRead } = await file.read(buffer, length, buffer.length - length, null);
        length += bytesRead;
        isMore = bytesRead > 0;
      }
      return buffer.subarray(0, length);
    } finally {
      await file.close();
    }
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const problem =
      code === 'ENOENT'
        ? `is not there: ${CURE}, or allow unsigned heartbeats by announcer.heartbeat.insecure`
        : `cannot be read: ${message}`;
    throw new HeartbeatKeyError(path, problem, { cause });
  }
}

function parseKeys(path: string, content: Uint8Array): readonly KeyObject[] {
  if (content.length > MAX_FILE_BYTES) {
    throw new HeartbeatKeyError(path, `has more than ${MAX_FILE_BYTES} bytes: this is no key`);
  }
  const keys = linesOf(content).filter((line) => line.length > 0);
  if (keys.length === 0) throw new HeartbeatKeyError(path, `is empty: ${CURE}`);
  if (keys.length > MAX_KEYS) {
    throw new HeartbeatKeyError(
      path,
      `has ${keys.length} lines: one key a line, the one that signs and at most one more`,
    );
  }
  const short = keys.findIndex((key) => key.length < MIN_KEY_BYTES);
  if (short >= 0) {
    throw new HeartbeatKeyError(
      path,
      `key ${short + 1} has ${keys[short]!.length} bytes, the least is ${MIN_KEY_BYTES}: ${CURE}`,
    );
  }
  return keys.map((key) => createSecretKey(key));
}

function linesOf(content: Uint8Array): readonly Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let from = 0; from < content.length;) {
    const newline = content.indexOf(NEWLINE, from);
    const end = newline < 0 ? content.length : newline;
    const isCrlf = end > from && content[end - 1] === CARRIAGE_RETURN;
    lines.push(content.slice(from, isCrlf ? end - 1 : end));
    from = end + 1;
  }
  return lines;
}
