/**
 * What conditions mean for health: the families that cannot be programmed, and whether the node is
 * to get new traffic.
 */
import type { Family } from '../net/family.ts';
import { type ConditionTeller, keyOf, type StandingCondition } from './conditions.ts';
import type { ProxyHealth } from './health.ts';

export class ConditionHealth implements ConditionTeller {
  readonly #health: Pick<ProxyHealth, 'setFailing' | 'setNodeEligible'>;
  readonly #families: readonly Family[];
  /** those that count */
  readonly #standing = new Map<string, StandingCondition>();

  /** @param families all that are served */
  constructor(
    health: Pick<ProxyHealth, 'setFailing' | 'setNodeEligible'>,
    families: readonly Family[],
  ) {
    this.#health = health;
    this.#families = families;
  }

  stands(standing: StandingCondition): void {
    const { condition, subject } = standing;
    if (condition.affectsHealth === false) return;
    this.#standing.set(keyOf(condition, subject), standing);
    this.#judge();
  }

  ends({ condition, subject }: StandingCondition): void {
    if (this.#standing.delete(keyOf(condition, subject))) this.#judge();
  }

  #judge(): void {
    const all = [...this.#standing.values()];
    const failing = all.filter(({ condition }) => condition.affectsHealth === 'programming');
    const families = new Set(failing.flatMap(({ report }) => report.families ?? this.#families));
    for (const family of this.#families) this.#health.setFailing(family, families.has(family));
    this.#health.setNodeEligible(failing.length === all.length);
  }
}
