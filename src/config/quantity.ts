/** Kubernetes resource quantities (`128Ki`, `1.5M`, `0`), in which the logging section gives its buffer sizes. */

const SUFFIX: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** @returns the number it stands for, or undefined when `text` is not a quantity */
export function parseQuantity(text: string): number | undefined {
  const match = /^([+-]?(?:\d+\.?\d*|\.\d+))([eE][+-]?\d+|[numkMGTPE]|[KMGTPE]i)?$/.exec(text);
  if (match === null) return undefined;
  const suffix = match[2] ?? '';
  if (/^[eE][+-]?\d/.test(suffix)) return Number(match[1] + suffix);
  return Number(match[1]) * SUFFIX[suffix]!;
}
