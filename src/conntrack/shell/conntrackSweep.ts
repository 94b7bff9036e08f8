/**
 * The step after a round that frees UDP flows which netfilter keeps from where their Service is
 * now. It runs beside the loop, one sweep at a time: what rounds note meanwhile is swept together
 * afterwards. A sweep that fails is told of and not repeated, for such an entry ends by itself when
 * its client pauses for half a minute.
 */
import type { ApplyReport } from '../../dataplane/operations.ts';
import type { Frontend } from '../../kernel/conntrackClient.ts';
import { familyOf } from '../../net/address.ts';
import { FAMILIES, type Family } from '../../net/family.ts';
import type { ConntrackEntry } from '../../netlink/conntrack.ts';
import { type Servers, SuspectServers } from '../staleFlows.ts';

/** ConntrackClient is it in production. */
export interface ConntrackTable {
  listUdp(family: Family, to: readonly Frontend[]): Promise<readonly ConntrackEntry[]>;
  delete(entries: readonly ConntrackEntry[]): Promise<number>;
  close(): void;
}

export interface ConntrackSweepEvents {
  onSwept(family: Family, deleted: number, durationMs: number): void;
  onFailed(family: Family, error: unknown): void;
}

export interface ConntrackSweepParts {
  readonly table: ConntrackTable;
  /** in the kernel as far as known */
  readonly servers: () => Servers;
  /** monotonic milliseconds */
  readonly now: () => number;
  readonly events: ConntrackSweepEvents;
}

export class ConntrackSweep {
  readonly #parts: ConntrackSweepParts;
  #suspects = new SuspectServers();
  #running: Promise<void> | undefined;

  constructor(parts: ConntrackSweepParts) {
    this.#parts = parts;
  }

  /** Returns at once. @param report of a round that is booked in `servers` already */
  round(report: Pick<ApplyReport, 'done'>): void {
    this.#suspects.note(report, this.#parts.servers());
    if (this.#suspects.size === 0) return;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  /** Resolves when nothing is left to sweep. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async close(): Promise<void> {
    await this.idle();
    this.#parts.table.close();
  }

  async #run(): Promise<void> {
    while (this.#suspects.size > 0) {
      const suspects = this.#suspects;
      this.#suspects = new SuspectServers();
      for (const family of FAMILIES) await this.#sweep(family, suspects);
    }
  }

  async #sweep(family: Family, suspects: SuspectServers): Promise<void> {
    const { table, servers, now, events } = this.#parts;
    const frontends = suspects.frontends.filter(({ address }) => familyOf(address) === family);
    if (frontends.length === 0) return;
    const startMs = now();
    try {
      const entries = await table.listUdp(family, frontends);
      const stale = entries.filter((entry) => suspects.isStale(entry, servers()));
      const deleted = stale.length === 0 ? 0 : await table.delete(stale);
      events.onSwept(family, deleted, now() - startMs);
    } catch (error) {
      events.onFailed(family, error);
    }
  }
}
