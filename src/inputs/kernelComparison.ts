/** The kernel of this host, read once for a comparison; nothing is changed. */
import type { DesiredState } from '../dataplane/state.ts';
import { KernelDataplane, namesOf } from '../kernel/dataplane.ts';
import { Ledger } from '../kernel/ledger.ts';
import { ownership } from '../plan/ownership.ts';
import type { Comparison } from './comparison.ts';

/** @throws KernelError or ExecError when something cannot be read */
export async function readKernel(desired: DesiredState): Promise<Comparison> {
  const dataplane = new KernelDataplane(namesOf(desired));
  try {
    const actual = await dataplane.read([...desired.sysctls.keys()]);
    // Half a comparison would read like a whole one.
    for (const error of actual.unknown.values()) throw error;
    return { actual, isOwned: ownership(actual, await Ledger.open()) };
  } finally {
    await dataplane.close();
  }
}
