import type { Totals } from './jestRun.mjs';
export function totalsTable(totals: Readonly<Record<string, Totals>>): string;
export function totalsLine(totals: Readonly<Record<string, Totals>>): string;
