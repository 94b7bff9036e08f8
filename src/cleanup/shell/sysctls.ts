/**
 * Puts sysctls back to what they were before we set them for the first time. One that is no longer
 * what we set is somebody else's by now.
 */
import type { RestoredSysctl } from '../report.ts';
import type { SysctlClient } from '../../kernel/sysctl.ts';
import type { SysctlNotes } from '../../kernel/sysctlNotes.ts';
import type { Findings } from './findings.ts';

export interface SysctlParts {
  readonly sysctls: Pick<SysctlClient, 'read' | 'apply'>;
  readonly notes: Pick<SysctlNotes, 'read' | 'remove'>;
}

const CONNTRACK_MAX = 'net/netfilter/nf_conntrack_max';
const CONNTRACK_COUNT = 'net/netfilter/nf_conntrack_count';

export async function restoreSysctls(
  { sysctls, notes }: SysctlParts,
  isDryRun: boolean,
  to: Findings,
): Promise<readonly RestoredSysctl[]> {
  const noted = await notes.read();
  if (noted.size === 0) return [];
  const present = await to.attempt(
    'sysctls',
    () => sysctls.read([...noted.keys(), CONNTRACK_COUNT]),
    undefined,
  );
  if (present === undefined) return [];
  const isFull = (max: string) => Number(present.get(CONNTRACK_COUNT) ?? 0) >= Number(max);
  const restored: RestoredSysctl[] = [];
  const settled = new Set<string>();
  for (const [name, { before, written }] of noted) {
    const now = present.get(name);
    if (now === undefined || now === before) settled.add(name);
    else if (now !== written) {
      settled.add(name);
      to.keep(`sysctl ${name}`, `it was set to ${now} by another program since`);
    } else if (name === CONNTRACK_MAX && isFull(before)) {
      to.keep(`sysctl ${name}`, `there are more connections than the ${before} that it was`);
    } else {
      const operation = { op: 'setSysctl', name, value: before } as const;
      const [error] = isDryRun ? [] : (await sysctls.apply([operation])).outcomes;
      if (error !== undefined) to.fail(`sysctl ${name}`, error);
      else {
        restored.push({ name, from: now, to: before });
        settled.add(name);
      }
    }
  }
  if (!isDryRun) await to.attempt('notes of sysctls', () => notes.remove(settled), undefined);
  return restored;
}
