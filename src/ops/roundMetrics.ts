/** `kubeipvs_round_*`: how long rounds and readings of the kernel take, and what it goes into. */
import { Counter, Histogram, type Registry } from 'prom-client';

export interface RoundTimes {
  readonly isFull: boolean;
  readonly durationMs: number;
  readonly phasesMs: Readonly<Record<RoundPhase, number>>;
}

/** What changed is compiled, compared with what is known of the kernel, and written. */
export type RoundPhase = 'compile' | 'compare' | 'apply';

/** 0.5 ms, doubled 15 times, to 16 s */
const BUCKETS = Array.from({ length: 16 }, (_, i) => 0.0005 * 2 ** i);

export class RoundMetrics {
  readonly #rounds: Histogram<'scope'>;
  readonly #phases: Counter<'phase'>;
  readonly #readings: Histogram;

  constructor(register: Registry) {
    const registers = [register];
    this.#rounds = new Histogram({
      name: 'kubeipvs_round_duration_seconds',
      help: 'How long rounds took: those for what changed, and those that compared everything',
      labelNames: ['scope'],
      buckets: BUCKETS,
      registers,
    });
    this.#phases = new Counter({
      name: 'kubeipvs_round_phase_seconds_total',
      help: 'What the time of rounds went into: compiling Services, comparing, applying',
      labelNames: ['phase'],
      registers,
    });
    this.#readings = new Histogram({
      name: 'kubeipvs_reading_duration_seconds',
      help: 'How long it took to read everything from the kernel; rounds go on meanwhile',
      buckets: BUCKETS,
      registers,
    });
    for (const scope of ['changes', 'all']) this.#rounds.zero({ scope });
  }

  round({ isFull, durationMs, phasesMs }: RoundTimes): void {
    this.#rounds.observe({ scope: isFull ? 'all' : 'changes' }, durationMs / 1000);
    for (const [phase, ms] of Object.entries(phasesMs)) this.#phases.inc({ phase }, ms / 1000);
  }

  read(durationMs: number): void {
    this.#readings.observe(durationMs / 1000);
  }
}
