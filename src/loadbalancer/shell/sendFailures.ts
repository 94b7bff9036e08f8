/**
 * Heartbeats that cannot be sent, told once for each kind of failure: a network that is gone fails
 * some hundred times a second.
 */
import type { Address } from '../../net/address.ts';

/** Some minutes of ticks: to whom nothing was sent in between is not waited for any longer. */
const ROUNDS_REMEMBERED = 4096;

export class SendFailures {
  readonly #onFailure: (subject: string, error: Error | undefined) => void;
  /** what failed for whom, as long as it does */
  readonly #codeOf = new Map<Address, string>();
  #tried = new Set<Address>();
  #rounds = 0;

  /** @param onFailure undefined: nobody has this failure any more */
  constructor(onFailure: (subject: string, error: Error | undefined) => void) {
    this.#onFailure = onFailure;
  }

  /** @param code an errno's name; undefined: it was sent */
  note(to: Address, code: string | undefined): void {
    this.#tried.add(to);
    const before = this.#codeOf.get(to);
    if (before === code) return;
    if (code === undefined) return this.#end(to);
    const isNew = !this.#isKnown(code);
    if (before !== undefined) this.#end(to);
    this.#codeOf.set(to, code);
    if (isNew) this.#onFailure(subjectOf(code), new Error(`${code}, to ${to} first`));
  }

  /** Of each time that something is sent: forgets Nodes that are none any more. */
  countRound(): void {
    this.#rounds = (this.#rounds + 1) % ROUNDS_REMEMBERED;
    if (this.#rounds > 0) return;
    for (const to of this.#codeOf.keys()) if (!this.#tried.has(to)) this.#end(to);
    this.#tried = new Set();
  }

  #end(to: Address): void {
    const code = this.#codeOf.get(to)!;
    this.#codeOf.delete(to);
    if (!this.#isKnown(code)) this.#onFailure(subjectOf(code), undefined);
  }

  #isKnown(code: string): boolean {
    return [...this.#codeOf.values()].includes(code);
  }
}

function subjectOf(code: string): string {
  return `sending heartbeats: ${code}`;
}
