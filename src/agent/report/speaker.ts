/**
 * Which nodes tell the cluster of what all of them see: by a hash of its name and what it is about
 * each node knows for itself whether it is one of about six, whatever it knows of the others. So
 * each object and cause has others, a Node that comes or goes moves few, and one that is away or
 * does not see it (an address is no problem to its owner) leaves others. They give the Event the
 * same name, so the cluster has it once.
 */

/** Of e⁶ subjects, 400, one has nobody to tell of it. */
const SPEAKERS = 6;

/** @param nodes how many there are, more or less */
export function speaksFor(nodes: number, ownName: string, subject: string): boolean {
  return weightOf(ownName, subject) * nodes < SPEAKERS * 2 ** 32;
}

/**
 * FNV-1a with murmur's finish, without which names that differ in their last letter come one after
 * the other.
 */
function weightOf(name: string, subject: string): number {
  let hash = 0x811c9dc5;
  const text = `${name} ${subject}`;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
