/**
 * The scalar forms of Kubernetes configuration files as valibot schemas. Go's two kinds of field
 * are told apart by name: a plain field cannot tell "absent" from its zero value, so both take the
 * default; a pointer field keeps an explicit zero.
 */
import * as v from 'valibot';
import { formatDuration, parseDuration } from './duration.ts';
import { QUANTITY } from './flag.ts';

export const flag = (fallback = false) => v.nullish(v.boolean('must be true or false'), fallback);

export const text = (fallback = '') =>
  v.pipe(
    v.nullish(v.string('must be text'), ''),
    v.transform((value) => (value === '' ? fallback : value)),
  );

const int32 = v.pipe(
  v.number('must be a whole number'),
  v.integer('must be a whole number'),
  v.minValue(-(2 ** 31), 'must fit into 32 bits'),
  v.maxValue(2 ** 31 - 1, 'must fit into 32 bits'),
);

export const plainInt = (fallback: number) =>
  v.pipe(
    v.nullish(int32, 0),
    v.transform((value) => (value === 0 ? fallback : value)),
  );

export const plainFloat = (fallback: number) =>
  v.pipe(
    v.nullish(v.number('must be a number'), 0),
    v.transform((value) => (value === 0 ? fallback : value)),
  );

export const pointerInt = (fallback: number) => v.nullish(int32, fallback);

/** Plain, and 0 is its default. */
export const unsignedInt = () => v.nullish(v.pipe(int32, v.minValue(0, 'must not be negative')), 0);

export const textList = () =>
  v.nullish(v.array(v.string('must be text'), 'must be a list of texts'), []);

const duration = v.pipe(
  v.string('must be a duration such as "30s" or "1h15m"'),
  v.check(
    (value) => parseDuration(value) !== undefined,
    'must be a duration such as "30s" or "1h15m"',
  ),
  v.transform((value) => formatDuration(parseDuration(value)!)),
);

/** Durations stay text, in Go's canonical form. */
export const plainDuration = (fallback: string) =>
  v.pipe(
    v.nullish(duration, '0s'),
    v.transform((value) => (value === '0s' ? fallback : value)),
  );

export const pointerDuration = (fallback: string) => v.nullish(duration, fallback);

/** A plain duration, or (the logging section's older form) a number of nanoseconds. */
export const durationOrNanoseconds = (fallback: string) =>
  v.pipe(
    v.nullish(v.unknown(), '0s'),
    v.transform((value) => (typeof value === 'number' ? formatDuration(value / 1e6) : value)),
    plainDuration(fallback),
  );

/** Kept as text; a bare number is one too. */
export const quantity = (fallback: string) =>
  v.pipe(
    v.nullish(v.unknown(), fallback),
    v.transform((value) => (typeof value === 'number' ? String(value) : value)),
    v.string('must be a quantity such as "64Ki"'),
    v.regex(QUANTITY, 'must be a quantity such as "64Ki"'),
  );

/** A nested object; absent or null means one full of defaults. */
export const section = <const Entries extends v.ObjectEntries>(entries: Entries) =>
  v.pipe(v.nullish(v.custom<object>(isObject, 'must be an object'), {}), v.object(entries));

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export const flagMap = () =>
  v.nullish(
    v.record(v.string(), v.boolean('must be true or false'), 'must be an object of true or false'),
    {},
  );
