/** What the witness's sightings come to: who answered, and when two did. */
import type { Sighting } from './witness.ts';

/** A time in which an address had two answerers. */
export interface Overlap {
  readonly address: string;
  readonly macs: readonly string[];
  /** the later one's first answer, by the wall clock */
  readonly fromMs: number;
  /** the earlier one's last answer */
  readonly toMs: number;
  /** so long after its question came the latest answer in that time, whosever: a busy machine */
  readonly latenessMs: number;
}

/** Who leaves questions of so long a time unanswered has given it up, and may come back. */
const GAP_MS = 200;
/** What delays one answer delays what comes about then. */
const AROUND_MS = 1_000;

interface Answer extends Sighting {
  readonly latenessMs: number;
}

export function overlapsIn(sightings: readonly Sighting[]): readonly Overlap[] {
  const answers = answersIn(sightings);
  const latenessAround = (fromMs: number, toMs: number) =>
    answers
      .filter(({ atMs }) => atMs >= fromMs - AROUND_MS && atMs <= toMs + AROUND_MS)
      .reduce((most, { latenessMs }) => Math.max(most, latenessMs), 0);
  return [...Map.groupBy(answers, ({ address }) => address).values()].flatMap((of) =>
    overlapsOf(of).map((each) => ({ ...each, latenessMs: latenessAround(each.fromMs, each.toMs) })),
  );
}

function answersIn(sightings: readonly Sighting[]): readonly Answer[] {
  const asked = new Map<number, number>();
  return sightings.flatMap((sighting) => {
    const { kind, question, atMs } = sighting;
    if (kind === 'question' && question > 0 && !asked.has(question)) asked.set(question, atMs);
    if (kind !== 'answer') return [];
    return [{ ...sighting, latenessMs: atMs - (asked.get(question) ?? atMs) }];
  });
}

/** What one has said since somebody else last spoke, and before. */
interface Speaker {
  /** its first answer since another one's last */
  sinceMs: number;
  lastMs: number;
  lastQuestion: number;
}

/** @param answers about one address, in order */
function overlapsOf(answers: readonly Answer[]): readonly Omit<Overlap, 'latenessMs'>[] {
  const speakers = new Map<string, Speaker>();
  const found: Omit<Overlap, 'latenessMs'>[] = [];
  for (const { address, mac, atMs, question } of answers) {
    const own = speakers.get(mac);
    for (const [other, { sinceMs, lastMs, lastQuestion }] of speakers) {
      const isBack = own !== undefined && atMs - own.lastMs < GAP_MS && lastMs > own.lastMs;
      // It answers what another one has answered, or what was asked before that.
      const isStale = question <= lastQuestion;
      if (other === mac || !(isBack || isStale)) continue;
      const fromMs = isBack ? Math.max(sinceMs, own.lastMs) : lastMs;
      const last = found.at(-1);
      if (last === undefined || fromMs - last.toMs > GAP_MS)
        found.push({ address, macs: [mac, other].sort(), fromMs, toMs: atMs });
      else found[found.length - 1] = { ...last, toMs: atMs };
    }
    const isNew = own === undefined || atMs - own.lastMs >= GAP_MS;
    speakers.set(mac, {
      sinceMs: isNew ? atMs : own.sinceMs,
      lastMs: atMs,
      lastQuestion: Math.max(question, own?.lastQuestion ?? 0),
    });
  }
  return found;
}

/**
 * @returns MACs that answered the questions asked between the two moments, by address; undefined:
 * not each question in the same way
 */
export function answeredBetween(
  sightings: readonly Sighting[],
  fromMs: number,
  toMs: number,
): ReadonlyMap<string, readonly string[] | undefined> {
  const questions = new Map<string, Set<number>>();
  const answers = new Map<string, Map<string, Set<number>>>();
  // From the end: only the last moments are of interest.
  for (let i = sightings.length - 1; i >= 0; i--) {
    const { kind, address, question, mac, atMs } = sightings[i]!;
    if (atMs < fromMs) break;
    if (question === 0) continue;
    if (kind === 'answer') {
      const by = answers.get(address) ?? new Map<string, Set<number>>();
      answers.set(address, by.set(mac, (by.get(mac) ?? new Set()).add(question)));
    } else if (kind === 'question' && atMs <= toMs)
      questions.set(address, (questions.get(address) ?? new Set()).add(question));
  }
  return new Map(
    Array.from(questions, ([address, asked]) => {
      const by = [...(answers.get(address) ?? [])].map(
        ([mac, answered]) => [mac, [...asked].filter((each) => answered.has(each)).length] as const,
      );
      const some = by.filter(([, count]) => count > 0);
      const isSteady = some.every(([, count]) => count === asked.size);
      return [address, isSteady ? some.map(([mac]) => mac).sort() : undefined];
    }),
  );
}
