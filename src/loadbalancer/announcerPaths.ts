/** Where the running announcer answers other programs of its node (localserver/). */

/** A ThreadReport as JSON. */
export const LOAD_BALANCER_PATH = '/v1/load-balancer';
/** POST; parameters `address`, any number; none: all. Answers `{ "stay": [address…] }`. */
export const RELEASE_PATH = '/v1/load-balancer/release';
