/**
 * Who has yet to be sent which parts of our tables. A node with 5,000 addresses has some 80 parts
 * for each of its peers, and the thread that sends them also answers the network: so many go at a
 * time, and everybody gets its first ones, where what is new stands, before anybody its last ones.
 */
import type { HeartbeatBody } from '../../wire/heartbeatBody.ts';

/** Some milliseconds of work. */
const PER_TURN = 128;
const TURN_MS = 50;
/** To one peer before the next one has its turn: all there is, where a node has few addresses. */
const RUN = 4;
/** Everything again, counted from when it was sent whole: what a peer has lost it asks for. */
const REFRESH_MS = 5_000;

interface Transfer {
  /** sent before the tables */
  urgent: readonly HeartbeatBody[];
  /** index of the next part of the tables; undefined: all are sent */
  next: number | undefined;
  refreshMs: number;
}

export interface Sending {
  readonly node: string;
  readonly body: HeartbeatBody;
}

export class Transfers {
  #transfers = new Map<string, Transfer>();
  #budget = PER_TURN;
  #countedMs = -Infinity;

  setNodes(nodes: readonly string[]): void {
    const before = this.#transfers;
    this.#transfers = new Map(
      nodes.map((node) => [
        node,
        before.get(node) ?? { urgent: [], next: undefined, refreshMs: Infinity },
      ]),
    );
  }

  /** Our tables changed: everybody who was being told, or has been told, is told anew. */
  restart(nodes: Iterable<string>): void {
    for (const node of nodes) this.#transfers.get(node)!.next = 0;
  }

  /** It missed something; what is on its way to it is not begun again. */
  ask(node: string): void {
    this.#transfers.get(node)!.next ??= 0;
  }

  addUrgent(nodes: Iterable<string>, bodies: readonly HeartbeatBody[]): void {
    for (const node of nodes) {
      const transfer = this.#transfers.get(node)!;
      transfer.urgent = [...transfer.urgent, ...bodies];
    }
  }

  /** It is dead: nothing is sent before something changes, or it comes back. */
  stop(node: string): void {
    const transfer = this.#transfers.get(node)!;
    transfer.urgent = [];
    transfer.next = undefined;
    transfer.refreshMs = Infinity;
  }

  /** @param tables all parts of ours, as they are now */
  due(tables: readonly HeartbeatBody[], nowMs: number): readonly Sending[] {
    this.#refill(nowMs);
    const sendings = this.#takeUrgent();
    for (const transfer of this.#transfers.values()) {
      if (transfer.next === undefined && transfer.refreshMs <= nowMs) transfer.next = 0;
    }
    while (this.#budget > 0) {
      const round = [...this.#transfers].filter(([, { next }]) => next !== undefined);
      if (round.length === 0) break;
      for (const [node, transfer] of round) {
        sendings.push(...this.#run(node, transfer, tables, nowMs));
      }
    }
    return sendings;
  }

  #refill(nowMs: number): void {
    const gained = Math.floor(((nowMs - this.#countedMs) * PER_TURN) / TURN_MS);
    if (gained <= 0) return;
    this.#budget = Math.min(PER_TURN, this.#budget + gained);
    this.#countedMs = nowMs;
  }

  #takeUrgent(): Sending[] {
    return [...this.#transfers].flatMap(([node, transfer]) => {
      const taken = transfer.urgent.slice(0, this.#budget);
      transfer.urgent = transfer.urgent.slice(taken.length);
      this.#budget -= taken.length;
      return taken.map((body) => ({ node, body }));
    });
  }

  #run(
    node: string,
    transfer: Transfer,
    tables: readonly HeartbeatBody[],
    nowMs: number,
  ): readonly Sending[] {
    const { next } = transfer;
    if (next === undefined || this.#budget <= 0) return [];
    const taken = tables.slice(next, next + Math.min(RUN, this.#budget));
    this.#budget -= taken.length;
    const end = next + taken.length;
    transfer.next = end < tables.length ? end : undefined;
    if (transfer.next === undefined) transfer.refreshMs = nowMs + REFRESH_MS;
    // To the end of the queue: whoever is left when the budget is used up comes first next time.
    this.#transfers.delete(node);
    this.#transfers.set(node, transfer);
    return taken.map((body) => ({ node, body }));
  }
}
