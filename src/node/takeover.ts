/**
 * Whether this proxy may start where another one works already. By itself it does not, and says
 * what to do; with --takeover it waits until the other one has ended, and then takes over what that
 * left in the kernel. It never programs beside it: two undo each other's rules.
 */
import type { ResolvedConfig } from '../config/resolve.ts';
import type { Logger } from '../ops/log.ts';
import type { Clock } from '../time/clock.ts';
import { EnvironmentError } from './nodeEnvironment.ts';
import {
  findProxies,
  type Places,
  placesOf,
  REMOVE_KUBE_PROXY,
  type Sighting,
} from './otherProxy.ts';

/** A look costs some answers on the loopback and the name of each process. */
const LOOK_MS = 1_000;

/**
 * Looks in a row that must find nothing: a kube-proxy that is busy does not answer in time, and a
 * container does not see its process.
 */
const SURE_LOOKS = 3;

/** After this it is said again: `kubectl logs --tail` is where an operator looks. */
const SAY_AGAIN_MS = 300_000;

export interface TakeoverOptions {
  readonly log: Logger;
  readonly clock: Pick<Clock, 'sleep' | 'monotonicMs'>;
  readonly places?: Partial<Places>;
}

/**
 * Returns when no other proxy works here, or `signal` fired.
 *
 * @throws EnvironmentError when kube-proxy runs here and `--takeover` is not given
 */
export async function checkOtherProxies(
  signal: AbortSignal,
  config: ResolvedConfig,
  { log, clock, places = {} }: TakeoverOptions,
): Promise<void> {
  const look = () => findProxies({ ...placesOf(config), ...places });
  const sightings = await look();
  tellOthers(sightings, log);
  const evidence = evidenceOfKubeProxy(sightings);
  if (evidence === '') return;
  if (!config.isTakeover) {
    throw new EnvironmentError(
      `another Service proxy, by all signs kube-proxy, is running on this node (${evidence}), and two undo each other's rules. ` +
        `Stop it first (${REMOVE_KUBE_PROXY}), or let this one wait for its end with --takeover`,
    );
  }
  const lookAgain = async () => evidenceOfKubeProxy(await look());
  const isGone = await waitForEnd(signal, evidence, { log, clock, look: lookAgain });
  if (isGone) log.info('the other Service proxy has ended: taking over what it left');
}

function tellOthers(sightings: readonly Sighting[], log: Logger): void {
  for (const { kind, evidence } of sightings) {
    if (kind === 'ours') log.warning('another kube-ipvs is running on this node', { evidence });
    if (kind === 'pretender') {
      log.warning('a program without root answers like a Service proxy; it is none', { evidence });
    }
  }
}

function evidenceOfKubeProxy(sightings: readonly Sighting[]): string {
  const seen = sightings.filter(({ kind }) => kind === 'kube-proxy');
  return seen.map(({ evidence }) => evidence).join('; ');
}

interface Waiting extends Omit<TakeoverOptions, 'places'> {
  /** evidence of the other proxy; empty without any */
  readonly look: () => Promise<string>;
}

/** @returns false when `signal` fired first */
async function waitForEnd(
  signal: AbortSignal,
  first: string,
  { log, clock, look }: Waiting,
): Promise<boolean> {
  let [evidence, saidMs, looksWithout] = ['', -Infinity, 0];
  for (let seen = first; ; seen = await look()) {
    looksWithout = seen === '' ? looksWithout + 1 : 0;
    if (looksWithout === SURE_LOOKS) return true;
    const isNews = seen !== '' && seen !== evidence;
    if (isNews) evidence = seen;
    if (isNews || clock.monotonicMs() - saidMs >= SAY_AGAIN_MS) {
      saidMs = clock.monotonicMs();
      const remove = REMOVE_KUBE_PROXY;
      log.warning('waiting for another Service proxy to end, as --takeover asks', {
        evidence,
        remove,
      });
    }
    try {
      await clock.sleep(LOOK_MS, signal);
    } catch (error) {
      if (signal.aborted) return false;
      throw error;
    }
  }
}
