/** Draws the next step of a sequence from those that make a difference. */
import type { Deed, Step, World } from './world.ts';

/** Of steps, so many are followed by the next one before anything has come of them. */
const HASTE = 0.3;

/** @param random 0 ≤ x < 1 */
export function drawStep(world: World, random: () => number): Step {
  const pick = <T>(among: readonly T[]): T => among[Math.floor(random() * among.length)]!;
  // First the kind: else what can be done in many ways is all that is done.
  const byDeed = Map.groupBy(possible(world, random), ({ deed }) => deed);
  const deed = pick(byDeed.get(pick([...byDeed.keys()]))!);
  return { ...deed, waits: random() >= HASTE };
}

function possible(world: World, random: () => number): readonly Deed[] {
  const names = [...world.nodes.keys()];
  const up = names.filter((name) => world.isUp(name));
  const deeds: Deed[] = [];
  for (const name of names) deeds.push(...ofNode(world, name, up));
  for (const node of names) {
    for (const from of names) {
      if (node !== from && !world.deaf.has(`${node}<${from}`))
        deeds.push({ deed: 'deafen', node, from });
    }
  }
  if (world.deaf.size > 0) deeds.push({ deed: 'hearAgain' });
  for (const address of world.objects.endpoints.keys()) {
    const nodes = names.filter(() => random() < 0.6);
    deeds.push({ deed: 'move', address, nodes });
  }
  return deeds;
}

function ofNode(world: World, node: string, up: readonly string[]): readonly Deed[] {
  const { isRunning, isStopped, hasCable, hasApi, isElsewhere, knows } = world.nodes.get(node)!;
  const { cordoned, excluded } = world.objects;
  // One stays, so that somebody can answer.
  const mayFall = up.length > 1 || !up.includes(node);
  const isSplit = [...world.nodes.values()].some((at) => at.isElsewhere);
  // A new process knows the MAC addresses of those alone that it has heard: another one is a
  // stranger to it, and it keeps what a stranger claims too.
  const mayBegin = world.deaf.size === 0;
  const deeds: [boolean, Exclude<Deed, { deed: 'deafen' | 'move' | 'hearAgain' }>['deed']][] = [
    [!isRunning && mayBegin, 'start'],
    [isRunning && mayFall, 'kill'],
    [isRunning && !isStopped && mayFall, 'term'],
    [isRunning && !isStopped && mayFall, 'stop'],
    [isStopped, 'continue'],
    [hasCable && mayFall, 'unplug'],
    [!hasCable, 'plug'],
    [!cordoned.has(node), 'cordon'],
    [cordoned.has(node), 'uncordon'],
    [!excluded.has(node), 'exclude'],
    [excluded.has(node), 'include'],
    [up.includes(node), 'release'],
    [!isElsewhere, 'isolate'],
    [!isSplit, 'split'],
    // Else nothing is announced until the next refresh, and two answer until then.
    [isElsewhere && mayBegin, 'join'],
    [hasApi, 'loseApi'],
    [!hasApi && (mayBegin || knows !== undefined), 'regainApi'],
  ];
  return deeds.flatMap(([isPossible, deed]) => (isPossible ? [{ deed, node }] : []));
}
