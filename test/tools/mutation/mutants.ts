/**
 * The mutants of a set of files, and a sample of them: all places are found in the order of the
 * files, put into an order that the seed decides, and taken from the front, never two of one line.
 * The same tree and seed give the same sample.
 */
import { randomNumbers } from '../../support/program/randomNumbers.ts';
import { MUTATORS, type Edit } from './mutators.ts';
import { parseSource, walk } from './syntaxTree.ts';

export interface Mutant extends Edit {
  /** Relative to the checkout. */
  readonly file: string;
  readonly line: number;
  /** One line of what was there. */
  readonly original: string;
}

const EXCERPT = 90;

/** @returns all mutants of one file, in the order of the source */
export function mutantsOf(file: string, text: string): readonly Mutant[] {
  const source = Buffer.from(text);
  const found: Mutant[] = [];
  for (const node of walk(parseSource(text))) {
    for (const edit of MUTATORS.flatMap((mutate) => mutate(node, source))) {
      const line = source.toString('utf8', 0, edit.start).split('\n').length;
      found.push({ ...edit, file, line, original: excerpt(source, edit) });
    }
  }
  return found;
}

export function applyMutant(text: string, { start, end, replacement }: Edit): string {
  const source = Buffer.from(text);
  return `${source.toString('utf8', 0, start)}${replacement}${source.toString('utf8', end)}`;
}

/** @returns at most one mutant of a line, in an order that only the seed and the mutants decide */
export function sample(mutants: readonly Mutant[], seed: number): readonly Mutant[] {
  const next = randomNumbers(seed);
  const drawn = mutants
    .map((mutant) => ({ mutant, rank: next() }))
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ mutant }) => mutant);
  const seen = new Set<string>();
  return drawn.filter(({ file, line }) => {
    const place = `${file}:${line}`;
    const isNew = !seen.has(place);
    seen.add(place);
    return isNew;
  });
}

/** Of the place itself, or for an insertion of nothing. */
function excerpt(source: Buffer, { start, end }: Edit): string {
  const text = source.toString('utf8', start, end).replaceAll(/\s+/g, ' ');
  return text.length > EXCERPT ? `${text.slice(0, EXCERPT)}…` : text;
}
