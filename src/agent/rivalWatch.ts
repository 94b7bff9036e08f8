/**
 * A kube-proxy that comes while this one runs: a kubeadm upgrade brings it back wherever its
 * ConfigMap is left. Its ports, by which it is seen at the start, are ours by then, and a container
 * does not see its process; so two signs more are taken: its table of nftables, where it was not
 * before; and our own rules, if audits find them changed again and again. Told as long as it lasts.
 */
import type { ResolvedConfig } from '../config/resolve.ts';
import type { Feature } from '../feature/feature.ts';
import { listNftTables } from '../kernel/nftTables.ts';
import type { Conditions } from '../ops/conditions.ts';
import type { Logger } from '../ops/log.ts';
import type { RoundOutcome } from '../plan/round.ts';
import type { Clock } from '../time/clock.ts';
import { OTHER_PROXY } from './conditions.ts';
import { findProxies, placesOf, REMOVE_KUBE_PROXY, type Sighting } from '../node/otherProxy.ts';

/** What is looked at, on this machine. */
const SIGNS = { findProxies, listNftTables };

export function rivalWatch(config: ResolvedConfig, signs: typeof SIGNS = SIGNS): Feature {
  return {
    name: 'rival-watch',
    start: ({ log, clock, conditions }) => {
      const watch = new RivalWatch({
        log,
        clock,
        conditions,
        look: () => signs.findProxies(placesOf(config)),
        hasProxyTable: async () =>
          (await signs.listNftTables()).some(({ name }) => name === 'kube-proxy'),
      });
      watch.start();
      return { round: (outcome) => watch.round(outcome), stop: () => watch.close() };
    },
  };
}

export interface RivalWatchParts {
  /** what findProxies says */
  readonly look: () => Promise<readonly Sighting[]>;
  /** whether kube-proxy's table of nftables is there */
  readonly hasProxyTable: () => Promise<boolean>;
  readonly log: Logger;
  readonly clock: Clock;
  readonly conditions: Pick<Conditions, 'set' | 'clear'>;
}

/** A look costs two answers on the loopback, a listing of tables and a name for each process. */
const LOOK_MS = 120_000;

/** One audit that corrects rules is a mishap, two may be. */
const SUSPICIOUS_AUDITS = 3;

/** What has the condition, whatever the signs. */
const KUBE_PROXY = 'kube-proxy';

export class RivalWatch {
  readonly #parts: RivalWatchParts;
  readonly #closing = new AbortController();
  #watching: Promise<void> | undefined;
  /** a table that was there at the start is what is left of an earlier kube-proxy */
  #hadProxyTable = true;
  #auditsWithDamage = 0;
  #isFirstRound = true;

  constructor(parts: RivalWatchParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#watching = this.#watch();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#watching;
  }

  /** After each round of the loop. */
  round({ isFull, report }: RoundOutcome): void {
    const isFirst = this.#isFirstRound;
    this.#isFirstRound = false;
    if (!isFull || isFirst) return;
    const isDamaged = report.done.some(({ op }) => op === 'writeRules');
    this.#auditsWithDamage = isDamaged ? this.#auditsWithDamage + 1 : 0;
  }

  async #watch(): Promise<void> {
    const { signal } = this.#closing;
    this.#hadProxyTable = await this.#hasProxyTable();
    while (!signal.aborted) {
      await this.#parts.clock.sleep(LOOK_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      try {
        this.#tell(await this.#evidence());
      } catch (error) {
        this.#parts.log.verbose(1, 'no look for other proxies', { err: String(error) });
      }
    }
  }

  async #evidence(): Promise<readonly string[]> {
    const sightings = await this.#parts.look();
    const hasTable = await this.#hasProxyTable();
    // Removed meanwhile, it is news when it comes again.
    if (!hasTable) this.#hadProxyTable = false;
    const count = this.#auditsWithDamage;
    return [
      ...sightings.filter(({ kind }) => kind === 'kube-proxy').map(({ evidence }) => evidence),
      ...(hasTable && !this.#hadProxyTable ? ['its nftables table kube-proxy has appeared'] : []),
      ...(count < SUSPICIOUS_AUDITS
        ? []
        : [`${count} audits in a row found our iptables rules changed by somebody`]),
    ];
  }

  #hasProxyTable(): Promise<boolean> {
    return this.#parts.hasProxyTable().catch(() => false);
  }

  #tell(evidence: readonly string[]): void {
    const { conditions } = this.#parts;
    if (evidence.length === 0) {
      conditions.clear(OTHER_PROXY, KUBE_PROXY);
      return;
    }
    const message =
      `another Service proxy, by all signs kube-proxy, works on this node beside this one (${evidence.join('; ')}), ` +
      `and two undo each other's rules. Remove it: ${REMOVE_KUBE_PROXY}`;
    conditions.set(OTHER_PROXY, KUBE_PROXY, { message, reason: '' });
  }
}
