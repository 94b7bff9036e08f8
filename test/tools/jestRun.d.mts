export interface Totals {
  passed: number;
  failed: number;
  skipped: number;
}
export function totalsOf(
  kinds: readonly string[],
  report: object | undefined,
  status: number,
  testFolder?: string,
): Record<string, Totals>;
