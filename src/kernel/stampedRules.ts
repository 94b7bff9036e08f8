/**
 * Rules that are read by the programs only if any may have changed since they were read last: by an
 * audit mostly none has.
 */
import type { IptablesClient, RuleOperation, RuleReading, RuleReport } from './iptables.ts';
import type { RuleStamp } from './ruleStamp.ts';

type Rules = Pick<IptablesClient, 'read' | 'apply'>;

export class StampedRules implements Rules {
  readonly #rules: Rules;
  readonly #stamp: RuleStamp;
  #kept: { readonly stamp: string; readonly reading: RuleReading } | undefined;

  constructor(rules: Rules, stamp: RuleStamp) {
    this.#rules = rules;
    this.#stamp = stamp;
  }

  /** See {@link IptablesClient.read}. */
  async read(): Promise<RuleReading> {
    // Before: what changes while it is read makes the next stamp another one.
    const stamp = await this.#stamp();
    if (stamp !== undefined && stamp === this.#kept?.stamp) return this.#kept.reading;
    this.#kept = undefined;
    const reading = await this.#rules.read();
    if (stamp !== undefined && reading.unknown.size === 0) this.#kept = { stamp, reading };
    return reading;
  }

  /** See {@link IptablesClient.apply}; what reads back differently is known only to a reading. */
  apply(run: readonly RuleOperation[]): Promise<RuleReport> {
    this.#kept = undefined;
    return this.#rules.apply(run);
  }
}
