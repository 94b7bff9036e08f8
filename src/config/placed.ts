/** Documents of configuration that have been decoded, and where what they say stands. */
import type { Problem } from '../model/problem.ts';

export interface Placed<Value> {
  readonly value: Value;
  /** how problems call it: its kind, and of objects the name: `IPAddressPool/metallb-system/lan` */
  readonly title: string;
  /** `FILE:LINE:COLUMN` of a field of it, or of the nearest parent that is there */
  readonly placeOf: (field: string) => string | undefined;
}

/** @param field dotted, below the document; empty for the whole of it */
export function problemAt(
  { title, placeOf }: Placed<unknown>,
  field: string,
  { value, problem }: { readonly value?: unknown; readonly problem: string },
): Problem {
  const source = placeOf(field);
  const path = field === '' ? title : `${title}.${field}`;
  return { path, value, problem, ...(source === undefined ? {} : { source }) };
}

/** For a problem that has to do with two fields: `FILE:LINE:COLUMN (PATH)`. */
export function whereIs({ title, placeOf }: Placed<unknown>, field: string): string {
  const path = field === '' ? title : `${title}.${field}`;
  const source = placeOf(field);
  return source === undefined ? path : `${source} (${path})`;
}
