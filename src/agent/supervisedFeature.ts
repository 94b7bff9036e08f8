/**
 * One feature, kept away from everything else: whatever it throws becomes its condition, a start
 * that fails is tried again, an end that does not come is not waited for. One bad object, one bad
 * round says nothing of the next.
 */
import type { KindStatus } from '../cluster/source.ts';
import { FeatureStartError, type Running } from '../feature/feature.ts';
import { type ClusterChange, type ClusterSnapshot, replay } from '../model/clusterStore.ts';
import type { Conditions } from '../ops/conditions.ts';
import type { RoundOutcome } from '../plan/round.ts';
import { backoffMs } from '../time/backoff.ts';
import type { Clock } from '../time/clock.ts';
import { FEATURE_FAILED } from './conditions.ts';
import type { OpenedHost } from './featureHost.ts';
import type { AskedFeature } from './features.ts';

export interface SupervisedFeatureParts extends AskedFeature {
  readonly open: (onFailed: (error: unknown) => void) => OpenedHost;
  readonly cluster: ClusterSnapshot;
  readonly conditions: Pick<Conditions, 'set' | 'clear'>;
  readonly clock: Pick<Clock, 'sleep'>;
}

/** Between two attempts to start. */
const RETRY = { firstMs: 1_000, maxMs: 60_000 };

export class SupervisedFeature {
  readonly #parts: SupervisedFeatureParts;
  readonly #ending = new AbortController();
  /** by where it was: `start`, `round`, `work`, `Service shop/web`, `Services` for a whole kind */
  readonly #troubles = new Map<string, unknown>();
  #running: Running | undefined;
  #opened: OpenedHost | undefined;
  #starting: Promise<void> | undefined;

  constructor(parts: SupervisedFeatureParts) {
    this.#parts = parts;
  }

  get name(): string {
    return this.#parts.name;
  }

  /** Resolves after the first attempt; others follow by themselves. Never rejects. */
  async start(): Promise<void> {
    const first = this.#attempt();
    this.#starting = first.then(() => this.#tryAgain());
    await first;
  }

  /** It has not started yet, and nobody waits any longer. */
  isLate(limitMs: number): void {
    if (this.#running !== undefined || this.#troubles.has('start')) return;
    this.#failed('start', new Error(`has not started within ${limitMs / 1000} s`));
  }

  changed(change: ClusterChange): void {
    if (this.#running?.changed === undefined) return;
    const where = () => `${change.kind} ${change.key}`;
    this.#call(where, (running) => running.changed?.(change));
  }

  roundBegan(): void {
    this.#callOfRound('roundBegan', (running) => running.roundBegan?.());
  }

  round(outcome: RoundOutcome): void {
    this.#callOfRound('round', (running) => running.round?.(outcome));
  }

  roundDone(): void {
    this.#callOfRound('roundDone', (running) => running.roundDone?.());
  }

  /** A kind that it needs and that cannot be read is its trouble, nobody else's. */
  kindStatus({ kind, failure }: KindStatus): void {
    if (this.#parts.needs?.includes(kind) !== true) return;
    if (failure === undefined) this.#succeeded(`${kind}s`);
    else this.#failed(`${kind}s`, new Error(failure));
  }

  /** Never rejects. */
  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#starting;
    await this.#end(this.#running, this.#opened);
    this.#running = undefined;
  }

  async #tryAgain(): Promise<void> {
    const { signal } = this.#ending;
    for (let failures = 0; this.#running === undefined && !signal.aborted; failures += 1) {
      await this.#parts.clock.sleep(backoffMs(failures, RETRY), signal).catch(() => undefined);
      if (!signal.aborted) await this.#attempt();
    }
  }

  async #attempt(): Promise<void> {
    const opened = this.#parts.open((error) => this.#failed('work', error));
    try {
      const feature = await this.#parts.load();
      const running = await feature.start(opened.host);
      if (this.#ending.signal.aborted) return await this.#end(running, opened);
      this.#opened = opened;
      this.#running = running;
      this.#succeeded('start');
    } catch (error) {
      this.#failed('start', error);
      return opened.close();
    }
    if (this.#running.changed === undefined) return;
    for (const change of replay(this.#parts.cluster)) this.changed(change);
  }

  async #end(running: Running | undefined, opened: OpenedHost | undefined): Promise<void> {
    opened?.abort();
    try {
      await running?.stop();
    } catch (error) {
      this.#failed('stop', error);
    }
    await opened?.close();
  }

  /** Without the method there is nothing that could have worked. */
  #callOfRound(method: 'roundBegan' | 'round' | 'roundDone', act: (running: Running) => unknown) {
    if (this.#running?.[method] !== undefined) this.#call(() => method, act);
  }

  #call(where: () => string, act: (running: Running) => unknown): void {
    if (this.#running === undefined) return;
    try {
      const result = act(this.#running);
      // An async function may stand where nothing is to be returned.
      if (result instanceof Promise) {
        result.catch((error: unknown) => this.#failed(where(), error));
      }
      if (this.#troubles.size > 0) this.#succeeded(where());
    } catch (error) {
      this.#failed(where(), error);
    }
  }

  #failed(where: string, error: unknown): void {
    this.#troubles.set(where, error);
    this.#tell();
  }

  #succeeded(where: string): void {
    if (this.#troubles.delete(where)) this.#tell();
  }

  #tell(): void {
    const { conditions, name } = this.#parts;
    const [trouble] = this.#troubles;
    if (trouble === undefined) {
      conditions.clear(FEATURE_FAILED, name);
      return;
    }
    conditions.set(FEATURE_FAILED, name, reportOf(name, ...trouble));
  }
}

function reportOf(name: string, where: string, error: unknown) {
  if (error instanceof FeatureStartError) return { message: error.message, error: error.cause };
  const when = where === 'start' ? 'does not start' : `failed (${where})`;
  return { message: `feature ${name} ${when}; everything else goes on`, error };
}
