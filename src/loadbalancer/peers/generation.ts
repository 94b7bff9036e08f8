/**
 * Numbers of the states of one table, 32 bits, one more with each change; they wrap around, so
 * which of two is later is told by the shorter way from one to the other (RFC 1982 §3.2).
 */

export function nextGeneration(generation: number): number {
  return (generation + 1) >>> 0;
}

export function isLater(generation: number, other: number): boolean {
  return ((generation - other) | 0) > 0;
}
