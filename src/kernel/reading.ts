/**
 * One reading of the kernel, part by part: what fails, or does not answer in time, is noted as
 * unknown and keeps nothing from the rest. What is read, and how, is the ports' business.
 */
import type { Part } from '../dataplane/part.ts';

/**
 * Longer than any port waits for a program or an answer of the kernel: it passes only if something
 * is badly wrong.
 */
export const READ_LIMIT_MS = 120_000;

export class Reading {
  readonly #limitMs: number;
  /** what could not be read, and why */
  readonly unknown = new Map<Part, Error>();

  constructor(limitMs: number = READ_LIMIT_MS) {
    this.#limitMs = limitMs;
  }

  /** @returns `empty` when `read` fails: then all `parts` are unknown */
  async part<T>(parts: readonly Part[], read: () => Promise<T>, empty: T): Promise<T> {
    try {
      return await this.#limited(read());
    } catch (error) {
      for (const part of parts) this.unknown.set(part, error as Error);
      return empty;
    }
  }

  /**
   * All names in one go; only if that fails each by itself, so that one keeps nothing from the
   * others.
   */
  async each<T>(
    names: readonly string[],
    partOf: (name: string) => Part,
    read: (names: readonly string[]) => Promise<ReadonlyMap<string, T>>,
  ): Promise<ReadonlyMap<string, T>> {
    const failures = new Map<Part, Error>();
    const found = await this.part(
      names.map(partOf),
      () =>
        read(names).catch(async () => {
          const singly = new Map<string, T>();
          for (const name of names) {
            await read([name]).then(
              (one) => one.forEach((value, key) => singly.set(key, value)),
              (error: unknown) => failures.set(partOf(name), error as Error),
            );
          }
          return singly;
        }),
      new Map<string, T>(),
    );
    for (const [part, error] of failures) this.unknown.set(part, error);
    return found;
  }

  async #limited<T>(work: Promise<T>): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>();
    const seconds = this.#limitMs / 1000;
    const timer = setTimeout(
      () => reject(new Error(`it could not be read within ${seconds} s: no answer`)),
      this.#limitMs,
    );
    try {
      return await Promise.race([work, promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}
