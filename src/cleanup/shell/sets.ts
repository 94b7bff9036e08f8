/** Removes ipsets when no rule refers to them any more; one that somebody's rule needs stays. */
import type { IpSet } from '../../dataplane/state.ts';
import type { IpsetClient } from '../../kernel/ipset.ts';
import { setSpecOf } from '../../plan/setDifference.ts';
import type { Findings } from './findings.ts';

/** nf_tables lets go of sets some time after its rules are gone. */
const TRIES = 10;
const PAUSE_MS = 200;

interface SetParts {
  readonly sets: Pick<IpsetClient, 'apply'>;
  readonly sleep: (ms: number) => Promise<void>;
}

/** @returns names of those that went */
export async function removeSets(
  found: readonly IpSet[],
  isDryRun: boolean,
  { sets, sleep }: SetParts,
  to: Findings,
): Promise<readonly string[]> {
  const names = found.map(({ name }) => name);
  if (isDryRun) return names;
  const stays = new Set<string>();
  let left = found;
  for (let tries = 1; left.length > 0; tries++) {
    const operations = left.map((set) => ({ op: 'removeSet', set: setSpecOf(set) }) as const);
    const { outcomes } = await sets.apply(operations);
    const busy = left.filter((_, i) => isInUse(outcomes[i]));
    left.forEach(({ name }, i) => {
      const error = outcomes[i];
      if (error === undefined) return;
      const isLast = !isInUse(error) || tries === TRIES;
      if (!isLast) return;
      stays.add(name);
      if (isInUse(error)) to.keep(`ipset ${name}`, 'a rule that is not ours refers to it');
      else to.fail(`ipset ${name}`, error);
    });
    if (tries === TRIES) break;
    left = busy;
    if (left.length > 0) await sleep(PAUSE_MS);
  }
  return names.filter((name) => !stays.has(name));
}

/** IPSET_ERR_REFERENCED, for which there is no errno. */
function isInUse(error: Error | undefined): boolean {
  return error?.message.includes('in use by a kernel component') === true;
}
