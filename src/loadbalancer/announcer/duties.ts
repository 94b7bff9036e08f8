/**
 * What is to be done about one address on this node, of everything that is known at a moment: the
 * one table of the announcer's rules. Who remembers, waits and sends is announcer.ts.
 */

/** How the address stands with this node. */
export type Stance =
  /** nothing to do with it */
  | 'idle'
  /** asking the wire whether somebody has it */
  | 'probing'
  /** answered for, and claimed */
  | 'answering'
  /** claimed, but not answered for since the process was paused */
  | 'suspended';

export interface Situation {
  readonly stance: Stance;
  /** this node is the one that the election names */
  readonly isElected: boolean;
  /** the election names nobody */
  readonly isNobody: boolean;
  /** the elected other one claims it */
  readonly isTaken: boolean;
  /** some other node claims it */
  readonly isClaimed: boolean;
  /** some other node claims it and does not hear this one */
  readonly isClaimedByDeaf: boolean;
  /** this node does not reach the API server: others that mean to keep it, one of which may */
  readonly keepersInOutage: 'none' | 'some' | 'informed';
  /**
   * whether the wire is asked before: nobody here is known to have had it, or somebody else had, or
   * who had it has let go without a word, as one does who sees a node that he does not hear
   */
  readonly needsProbe: boolean;
  /** and it has just been asked, and nobody answered */
  readonly isProbed: boolean;
  /** the kernel has its virtual server with a destination */
  readonly isServable: boolean;
  /** this node may take addresses at all: ready, past its start, not leaving */
  readonly mayTake: boolean;
  /** it must not have any: not ready, or cut off from most of the others */
  readonly mustDrop: boolean;
  /** it is on its way out, and answers until others do */
  readonly isLeaving: boolean;
  /** no heartbeat is heard although there should be some: the wire decides */
  readonly isAlone: boolean;
  /** what the wire said keeps it off for the time being */
  readonly isHeldOff: boolean;
  /** nobody else claimed it since the pause, long enough */
  readonly isPauseOver: boolean;
}

export type Duty =
  | 'nothing'
  /** answer, announce, claim */
  | 'take'
  /** two probes, then again */
  | 'probe'
  /** several, after the others in turn have had the time */
  | 'probeAlone'
  | 'stopProbing'
  /** say that this node cannot */
  | 'declareUnable'
  /** others have it: no more answers, no claim */
  | 'handOver'
  /** nobody has it yet: no more answers, no claim, and the others are told at once */
  | 'release'
  /** after a pause: answer and announce anew */
  | 'resume';

export function dutyOf(situation: Situation): Duty {
  return BY_STANCE[situation.stance](situation);
}

const BY_STANCE: Readonly<Record<Stance, (situation: Situation) => Duty>> = {
  idle: dutyOfIdle,
  probing: dutyOfProbing,
  answering: dutyOfOwner,
  suspended: dutyOfSuspended,
};

function mayTakeNow(situation: Situation): boolean {
  const { isElected, mayTake, mustDrop, isClaimedByDeaf, keepersInOutage } = situation;
  // Without the API server nothing moves: others may know better who is left out.
  return isElected && mayTake && !mustDrop && !isClaimedByDeaf && keepersInOutage === 'none';
}

function dutyOfIdle(situation: Situation): Duty {
  const { isServable, isAlone, isHeldOff, needsProbe, isProbed } = situation;
  if (!mayTakeNow(situation) || isHeldOff) return 'nothing';
  if (!isServable) return 'declareUnable';
  if (isProbed) return 'take';
  if (isAlone) return 'probeAlone';
  return needsProbe ? 'probe' : 'take';
}

/** What is asked for no more, because the one before has said why, is not waited for. */
function dutyOfProbing(situation: Situation): Duty {
  const { isServable, isAlone, needsProbe } = situation;
  if (!mayTakeNow(situation)) return 'stopProbing';
  return needsProbe || isAlone || !isServable ? 'nothing' : 'take';
}

function dutyOfOwner(situation: Situation): Duty {
  const { isElected, isNobody, isTaken, isClaimed, isClaimedByDeaf } = situation;
  const { keepersInOutage, isServable, mustDrop, isLeaving } = situation;
  if (mustDrop) return 'release';
  // Who is not heard yields: the other cannot know that there are two (reference §8.4).
  if (isClaimedByDeaf) return 'handOver';
  // By what the other knows, this one may be left out; by what this one knows, the other.
  if (keepersInOutage === 'informed') return 'handOver';
  if (isElected) return isServable ? 'nothing' : 'release';
  if (isTaken || (isLeaving && isClaimed)) return 'handOver';
  if (!isServable) return 'release';
  // Until somebody else answers, connections would be refused; but nobody is to get what leads
  // nowhere.
  return isNobody && !isLeaving ? 'release' : 'nothing';
}

function dutyOfSuspended(situation: Situation): Duty {
  const { isElected, isClaimed, isServable, mustDrop, isPauseOver } = situation;
  if (isClaimed) return 'handOver';
  if (mustDrop || !isServable) return 'release';
  if (!isPauseOver) return 'nothing';
  return isElected ? 'resume' : 'release';
}
