/**
 * The dataplane that a plan is compared with: the kernel's, an earlier plan's, none. Modules that
 * talk to the kernel are loaded only when they are needed.
 */
import { readFile } from 'node:fs/promises';
import {
  type ActualState,
  type DesiredState,
  emptyState,
  type VirtualServer,
} from '../dataplane/state.ts';
import { stateFromJson } from '../plan/stateFromJson.ts';
import { BadInput } from './badInput.ts';

export interface Comparison {
  readonly actual: ActualState;
  readonly isOwned: (server: VirtualServer) => boolean;
}

/**
 * @param against `kernel`, `empty`, or a file with an earlier plan's JSON
 * @throws BadInput, or an Error of the world
 */
export async function readComparison(against: string, desired: DesiredState): Promise<Comparison> {
  if (against === 'empty') return { actual: emptyState(), isOwned: () => true };
  if (against !== 'kernel') return { actual: await stateFromFile(against), isOwned: () => true };
  const { readKernel } = await import('./kernelComparison.ts');
  return readKernel(desired);
}

async function stateFromFile(path: string): Promise<ActualState> {
  const bad = (problem: string) => new BadInput([{ path: '--against', value: path, problem }]);
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw bad(
      `must be kernel, empty or a file with the JSON of an earlier plan: ${(error as Error).message}`,
    );
  }
  const result = stateFromJson(json);
  if ('state' in result) return result.state;
  throw new BadInput(result.problems.map((each) => ({ ...each, source: path })));
}
