/**
 * All features that the configuration asks for: started together, told together, ended together,
 * each by itself.
 */
import type { KindStatus } from '../cluster/source.ts';
import type { ClusterChange } from '../model/clusterStore.ts';
import type { Address } from '../net/address.ts';
import type { RoundOutcome } from '../plan/round.ts';
import { type AgentView, type FeatureSurroundings, openHost, Shared } from './featureHost.ts';
import type { AskedFeature } from './features.ts';
import { SupervisedFeature } from './supervisedFeature.ts';

export interface FeatureSetParts {
  readonly asked: readonly AskedFeature[];
  readonly surroundings: FeatureSurroundings;
}

/** The first round waits so long for what may have a say in it. */
const START_LIMIT_MS = 5_000;
/**
 * The process is to be gone in less than two seconds, and others have to end after the features.
 */
const STOP_LIMIT_MS = 800;

export class FeatureSet {
  readonly #parts: FeatureSetParts;
  readonly #shared = new Shared();
  #features: readonly SupervisedFeature[] = [];

  constructor(parts: FeatureSetParts) {
    this.#parts = parts;
  }

  /** Addresses of other machines that features know. */
  get heldBack(): readonly Address[] {
    return this.#shared.heldBack;
  }

  /**
   * Resolves when each has started or failed, and in a few seconds at the latest. Never rejects.
   */
  async start(view: AgentView): Promise<void> {
    this.#features = this.#parts.asked.map((each) => this.#supervised(each, view));
    const started = Promise.all(this.#features.map((each) => each.start()));
    if (await this.#isWithin(started, START_LIMIT_MS)) return;
    for (const each of this.#features) each.isLate(START_LIMIT_MS);
  }

  changed(change: ClusterChange): void {
    for (const each of this.#features) each.changed(change);
  }

  roundBegan(): void {
    for (const each of this.#features) each.roundBegan();
  }

  round(outcome: RoundOutcome): void {
    for (const each of this.#features) each.round(outcome);
  }

  roundDone(): void {
    for (const each of this.#features) each.roundDone();
  }

  /** Of a kind that only features need. */
  kindStatus(status: KindStatus): void {
    for (const each of this.#features) each.kindStatus(status);
  }

  /** Resolves when all have ended, or have had their time. Never rejects. */
  async stop(): Promise<void> {
    const left = new Set(this.#features);
    const stopped = Promise.all(
      this.#features.map((each) => each.stop().then(() => left.delete(each))),
    );
    if (await this.#isWithin(stopped, STOP_LIMIT_MS)) return;
    const names = [...left].map(({ name }) => name).join(', ');
    this.#parts.surroundings.log.warning('features did not end in time', { features: names });
  }

  #supervised(asked: AskedFeature, view: AgentView): SupervisedFeature {
    const { surroundings } = this.#parts;
    const { conditions, clock } = surroundings;
    const { cluster } = view;
    const open = (onFailed: (error: unknown) => void) =>
      openHost(asked.name, surroundings, view, this.#shared, onFailed);
    return new SupervisedFeature({ ...asked, open, cluster, conditions, clock });
  }

  async #isWithin(work: Promise<unknown>, limitMs: number): Promise<boolean> {
    const enough = new AbortController();
    const { clock } = this.#parts.surroundings;
    const late = clock.sleep(limitMs, enough.signal).then(
      () => false,
      () => true,
    );
    const isDone = await Promise.race([work.then(() => true), late]);
    enough.abort();
    return isDone;
  }
}
