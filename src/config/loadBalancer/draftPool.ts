/**
 * Pools on their way from documents to settings: each with the fields that it was read from, so
 * that what two of them have to do with each other is told with both places.
 */
import type { Problem } from '../../model/problem.ts';
import { type AddressRange, rangesOverlap, writeRange } from '../../net/addressRange.ts';
import { type Placed, problemAt, whereIs } from '../placed.ts';
import type { Pool } from './settings.ts';

export interface DraftPool {
  readonly pool: Pool;
  readonly document: Placed<unknown>;
  /** the field with its name */
  readonly nameField: string;
  /** of each of its ranges */
  readonly rangeFields: readonly string[];
}

export function repeatedNames(drafts: readonly DraftPool[]): readonly Problem[] {
  const first = new Map<string, DraftPool>();
  return drafts.flatMap((draft) => {
    const { pool, document, nameField } = draft;
    const other = first.get(pool.name);
    if (other === undefined) {
      first.set(pool.name, draft);
      return [];
    }
    const where = whereIs(other.document, other.nameField);
    const problem = `is already the name of the pool at ${where}; give each its own`;
    return [problemAt(document, nameField, { value: pool.name, problem })];
  });
}

interface Piece {
  readonly range: AddressRange;
  readonly draft: DraftPool;
  readonly field: string;
  /** place among all of them, as written */
  readonly order: number;
}

/**
 * One for each range that has addresses of another one before it (as written) in it, or of which
 * another one behind it has some: never more than there are ranges. Costs O(n log n).
 */
export function overlaps(drafts: readonly DraftPool[]): readonly Problem[] {
  const pieces = drafts
    .flatMap((draft) =>
      draft.pool.ranges.map((range, i) => ({ range, draft, field: draft.rangeFields[i]! })),
    )
    .map((piece, order): Piece => ({ ...piece, order }));
  const pairs: (readonly [earlier: Piece, later: Piece])[] = [];
  let furthest: Piece | undefined;
  for (const piece of pieces.toSorted(byStart)) {
    if (furthest !== undefined && rangesOverlap(furthest.range, piece.range)) {
      pairs.push(furthest.order < piece.order ? [furthest, piece] : [piece, furthest]);
    }
    const isBehind = furthest?.range.family !== piece.range.family;
    if (isBehind || piece.range.last > furthest!.range.last) furthest = piece;
  }
  return pairs.toSorted(([, a], [, b]) => a.order - b.order).map(overlapProblem);
}

function byStart({ range: a, order }: Piece, { range: b, order: otherOrder }: Piece): number {
  if (a.family !== b.family) return a.family < b.family ? -1 : 1;
  if (a.first !== b.first) return a.first < b.first ? -1 : 1;
  return order - otherOrder;
}

function overlapProblem([earlier, later]: readonly [Piece, Piece]): Problem {
  const where = whereIs(earlier.draft.document, earlier.field);
  return problemAt(later.draft.document, later.field, {
    value: writeRange(later.range),
    problem: `has addresses of ${writeRange(earlier.range)} at ${where}; each may be in one place only`,
  });
}
