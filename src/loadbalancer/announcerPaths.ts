/** Where the running announcer answers other programs of its node (localserver/). */
import type { ThreadReport } from './announcer/messages.ts';
import type { NotOurs } from './notOurs.ts';

export interface LoadBalancerReport extends ThreadReport {
  readonly notOurs: readonly NotOurs[];
}

/** A LoadBalancerReport as JSON. */
export const LOAD_BALANCER_PATH = '/v1/load-balancer';
/** POST; parameters `address`, any number; none: all. Answers `{ "stay": [address…] }`. */
export const RELEASE_PATH = '/v1/load-balancer/release';
