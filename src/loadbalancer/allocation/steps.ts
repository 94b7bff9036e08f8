/**
 * The steps of an allocation: who stays, who moves, who gets something new; older Services first in
 * each. Nobody loses a working address by what somebody else asks for: one that moves and finds
 * that it cannot, while another has come to where it was, stays, and the other does without.
 */
import type { Family } from '../../net/family.ts';
import type { Ground } from './ground.ts';
import { attempt, attemptAutomatic, attemptRequested } from './attempt.ts';
import type { Holding } from './holding.ts';
import type { Work } from './work.ts';

/** So often is looked for a way in which several exchange addresses. */
const MOVING_ROUNDS = 8;

/** @param works older first; none has been begun */
export function allocateAll(ground: Ground, works: readonly Work[]): void {
  settleHeld(ground, works);
  const missing = works.filter(
    ({ claimant }) => !claimant.service.isDeleting && claimant.request.failure === undefined,
  );
  giveMissing(ground, missing);
  tryRest(ground, missing);
}

/** Why a Service loses what it might keep, by what it held. */
type Lost = Map<Holding, string>;

/**
 * Those that stay, and those that move. Where one that stays has lost to an older one that came
 * back, others are free to move than were thought: all of it once more, without what was lost, or
 * the next run would come to something else.
 */
function settleHeld(ground: Ground, works: readonly Work[]): void {
  const lost: Lost = new Map();
  for (let before = -1; before < lost.size;) {
    before = lost.size;
    settle(ground, works, lost);
    for (const work of works) noteLost(work, lost);
  }
}

function noteLost({ holdings, placed, losses }: Work, lost: Lost): void {
  for (const holding of holdings) {
    const { fate, located } = holding;
    if (fate !== 'stays' || placed.get(located.family) === located) continue;
    const loss = losses.find(({ address }) => address === located.address);
    if (loss !== undefined) lost.set(holding, loss.why);
  }
}

function settle(ground: Ground, works: readonly Work[], lost: Lost): void {
  const movers = works.filter(({ holdings }) => holdings.some(({ fate }) => fate === 'moves'));
  const stuck = new Set<Work>();
  for (let round = 0; ; round++) {
    ground.clear();
    for (const work of works) keepHeld(work, stuck.has(work), lost);
    const moving = movers.filter((work) => !stuck.has(work));
    const homeless = moving.filter((work) => !move(ground, work));
    if (homeless.length === 0) break;
    for (const work of round < MOVING_ROUNDS ? homeless : movers) stuck.add(work);
  }
  tryRest(ground, movers);
}

function keepHeld(work: Work, isStuck: boolean, lost: Lost): void {
  work.begin();
  for (const holding of work.holdings) {
    const { located, fate, why = '' } = holding;
    if (fate === 'goes' || lost.has(holding)) work.lose(located, lost.get(holding) ?? why);
    else if (fate === 'stays' || isStuck) work.keep(holding, fate === 'moves');
  }
}

/**
 * From what it does not want to what it asks for, or back.
 *
 * @returns false: somebody has come to where it was
 */
function move(ground: Ground, work: Work): boolean {
  attempt(ground, work, work.missing());
  const left = work.holdings.filter(
    ({ fate, located }) => fate === 'moves' && !work.placed.has(located.family),
  );
  return left.map((holding) => work.keep(holding, true)).every(Boolean);
}

/** What is asked for by name before all else. What had to be given back is offered again. */
function giveMissing(ground: Ground, works: readonly Work[]): void {
  const gaveUp = new Set<Work>();
  for (let isAgain = true; isAgain;) {
    isAgain = false;
    const open = works.filter((work) => !gaveUp.has(work) && work.missing().length > 0);
    const given = new Map<Work, readonly Family[]>();
    for (const work of open) {
      const families = attemptRequested(ground, work);
      if (families.length > 0) given.set(work, families);
    }
    for (const work of open) {
      if (attemptAutomatic(ground, work, given.get(work) ?? [])) continue;
      gaveUp.add(work);
      isAgain = true;
    }
  }
}

/**
 * Once more what has come to nothing, until nothing comes of it: why is told by how things are in
 * the end, and does not depend on the way there.
 */
function tryRest(ground: Ground, works: readonly Work[]): void {
  for (let hasGot = true; hasGot;) {
    hasGot = false;
    for (const work of works) {
      const open = work.open();
      if (open.length === 0) continue;
      attempt(ground, work, open);
      hasGot ||= work.open().length < open.length;
    }
  }
}
