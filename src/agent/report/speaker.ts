/**
 * Which nodes tell the cluster of what all of them see: two of the Nodes by rendezvous hashing, so
 * that each object and cause has others, a Node that comes or goes moves few, and one that is away
 * or does not see it (an address is no problem to its owner) leaves another. They give the Event
 * the same name, so the cluster has it once.
 */

const SPEAKERS = 2;

/** @param nodes names of all Nodes, in any order */
export function speaksFor(nodes: Iterable<string>, ownName: string, subject: string): boolean {
  const own = weightOf(ownName, subject);
  let before = 0;
  for (const name of nodes) {
    const weight = weightOf(name, subject);
    const isBefore = weight > own || (weight === own && name < ownName);
    if (name !== ownName && isBefore) before++;
    if (before === SPEAKERS) return false;
  }
  return true;
}

/**
 * FNV-1a with murmur's finish, without which names that differ in their last letter keep their
 * order.
 */
function weightOf(name: string, subject: string): number {
  let hash = 0x811c9dc5;
  for (const character of `${name} ${subject}`) {
    hash = Math.imul(hash ^ character.codePointAt(0)!, 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
