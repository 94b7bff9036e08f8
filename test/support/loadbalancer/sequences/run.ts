/** One sequence from its seed to the verdict. */
import { setTimeout as pause } from 'node:timers/promises';
import { randomNumbers } from '../../program/randomNumbers.ts';
import { drawStep } from './draw.ts';
import { type Overlap, overlapsIn } from './judge.ts';
import { NotSettled, type Stage } from './stage.ts';

export interface Verdict {
  readonly seed: number;
  readonly tookMs: number;
  readonly overlaps: readonly JudgedOverlap[];
  /** empty: exactly one answered, always */
  readonly violations: readonly string[];
  /** what was done and seen, by time, and the logs of all nodes */
  readonly story: string;
}

export interface JudgedOverlap extends Overlap {
  /** nodes that share the wire did not hear each other's heartbeats, or just begin to */
  readonly isContest: boolean;
}

/**
 * While all hear each other: from the new one's first answer to the way of its claim. A machine
 * that is busy delays each of both.
 */
const HAND_OVER_MS = 100;
/**
 * Who does not hear the other gives way by what the wire shows: the announcements of a take-over
 * are those of the first two seconds. Who hears it again, by the next heartbeats.
 */
const CONTEST_MS = 3_000;
/** Between steps that do not wait for each other. */
const HASTE_MS = 700;

/** @param slackMs that two may answer for longer, on a machine that may stand still */
export async function runSequence(
  stage: Stage,
  seed: number,
  steps: number,
  slackMs = 0,
): Promise<Verdict> {
  const random = randomNumbers(seed);
  await stage.acquaint();
  stage.forget();
  const beganMs = Date.now();
  const violations: string[] = [];
  try {
    for (let i = 0; i < steps; i++) {
      const step = drawStep(stage.world, random);
      await stage.take(step);
      if (step.waits) await stage.settle();
      else await pause(random() * HASTE_MS);
    }
    stage.note('mend');
    await stage.mend();
    await stage.settle();
  } catch (error) {
    if (!(error instanceof NotSettled)) throw error;
    violations.push(error.message);
    await stage.report();
  }
  const overlaps = stage.witnesses
    .flatMap(({ sightings }) => overlapsIn(sightings))
    .map((each) => ({ ...each, isContest: stage.isContested(each) }));
  for (const each of overlaps) {
    const limitMs = (each.isContest ? CONTEST_MS : HAND_OVER_MS) + 2 * each.latenessMs;
    if (each.toMs - each.fromMs > limitMs + slackMs) violations.push(wordsOf(stage, each));
  }
  const tookMs = Date.now() - beganMs;
  return { seed, tookMs, overlaps, violations, story: storyOf(stage, overlaps, beganMs) };
}

function wordsOf(stage: Stage, { address, macs, fromMs, toMs, latenessMs }: Overlap): string {
  const names = macs.map((mac) => stage.nameOf(mac)).join(' and ');
  const forMs = (toMs - fromMs).toFixed(0);
  const late = latenessMs.toFixed(0);
  return `${stage.addressOf(address)} had two for ${forMs} ms: ${names} (answers up to ${late} ms late)`;
}

function storyOf(stage: Stage, overlaps: readonly Overlap[], beganMs: number): string {
  const seconds = (atMs: number) => ((atMs - beganMs) / 1000).toFixed(3).padStart(8);
  const lines = [
    ...stage.moments,
    ...overlaps.map((each) => ({ atMs: each.fromMs, words: `  ${wordsOf(stage, each)}` })),
  ]
    .sort((a, b) => a.atMs - b.atMs)
    .map(({ atMs, words }) => `${seconds(atMs)} ${words}`);
  const logs = stage.nodes.logs.replaceAll(/\{"ts":(\d+),/g, (_, ts) => `${seconds(Number(ts))} {`);
  return [...lines, logs].join('\n');
}
