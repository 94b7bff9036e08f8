/** What is wrong with Services and what they lack here, as it is told after each round. */
import type { LocalLack } from '../../desired/fragment.ts';
import type { Family } from '../../net/family.ts';
import type { Metrics } from '../../ops/metrics.ts';
import type { ProblemsByOrigin, ProblemTeller } from './problemTeller.ts';

/** DesiredBuilder's problems are it. */
export interface ServiceProblems {
  /** by Service, those whose problems may differ since the last call; all of them at the first */
  takeNews(): ProblemsByOrigin;
  readonly localLacks: ReadonlyMap<LocalLack, number>;
}

export interface ServiceReviewParts {
  readonly problems: ProblemTeller;
  readonly metrics: Metrics;
  readonly families: readonly Family[];
}

export class ServiceReview {
  readonly #parts: ServiceReviewParts;
  #services: ServiceProblems | undefined;

  constructor(parts: ServiceReviewParts) {
    this.#parts = parts;
  }

  /**
   * @param services others after the configuration was compiled anew: what is not among their news
   * is solved
   */
  review(services: ServiceProblems): void {
    const { problems, metrics, families } = this.#parts;
    const news = services.takeNews();
    if (services === this.#services) problems.update('services', news);
    else problems.replace('services', news);
    this.#services = services;
    for (const family of families) {
      for (const policy of ['internal', 'external'] as const) {
        const lacking = services.localLacks.get(`${family} ${policy}`) ?? 0;
        metrics.kubeproxy.setNoLocalEndpoints(family, policy, lacking);
      }
    }
  }
}
