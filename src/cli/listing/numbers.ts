/**
 * Counters as ipvsadm prints them: nine characters with K, M, G, T, or in full and as wide as it
 * takes.
 */

const SCALES: readonly {
  readonly below: bigint;
  readonly unit: bigint;
  readonly letter: string;
}[] = [
  { below: 10n ** 9n, unit: 10n ** 3n, letter: 'K' },
  { below: 10n ** 11n, unit: 10n ** 6n, letter: 'M' },
  { below: 10n ** 14n, unit: 10n ** 9n, letter: 'G' },
];
const LARGEST = { unit: 10n ** 12n, letter: 'T' };
const FIRST_SCALED = 10n ** 8n;

export function scaledNumber(value: bigint): string {
  if (value < FIRST_SCALED) return exactNumber(value);
  const { unit, letter } = SCALES.find(({ below }) => value < below) ?? LARGEST;
  return `${String(value / unit).padStart(8)}${letter}`;
}

/** A blank always, so that columns never touch. */
export function exactNumber(value: bigint): string {
  return ` ${String(value).padStart(8)}`;
}

/** What is left of a 64-bit counter that was read as 32 bits. */
export function lowWord(value: bigint): bigint {
  return value & 0xffff_ffffn;
}
