/**
 * How many connections may be carried at once. Every user of the node can open them, and each costs
 * this process two descriptors: no port and no user may take what the proxy needs.
 */
export class RelayLimit {
  readonly #total: number;
  readonly #perPort: number;
  readonly #byPort = new Map<number, number>();
  #open = 0;

  constructor(total: number, perPort: number) {
    this.#total = total;
    this.#perPort = perPort;
  }

  get open(): number {
    return this.#open;
  }

  /** @returns to be called at its end; undefined: there are too many */
  take(port: number): (() => void) | undefined {
    const ofPort = this.#byPort.get(port) ?? 0;
    if (this.#open >= this.#total || ofPort >= this.#perPort) return undefined;
    this.#open++;
    this.#byPort.set(port, ofPort + 1);
    return () => {
      this.#open--;
      const left = this.#byPort.get(port)! - 1;
      if (left === 0) this.#byPort.delete(port);
      else this.#byPort.set(port, left);
    };
  }
}
