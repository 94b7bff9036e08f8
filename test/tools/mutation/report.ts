/** What came out, as a table per folder and the list of what nobody noticed. */
import type { Mutant } from './mutants.ts';
import type { Verdict } from './workingCopy.ts';

export interface Judged {
  readonly mutant: Mutant;
  readonly verdict: Verdict;
}

/** @returns Markdown; a folder is the first one below `src` */
export function report(judged: readonly Judged[]): string {
  const folders = Map.groupBy(judged, ({ mutant }) => mutant.file.split('/')[1] ?? mutant.file);
  const rows = [...folders].map(([folder, of]) => row(folder, of));
  if (folders.size > 1) rows.push(row('all', judged));
  const survivors = judged.filter(({ verdict }) => verdict.outcome === 'survived');
  return [
    '| folder | mutants | killed | of these by time | survived | noticed |',
    '|---|---|---|---|---|---|',
    ...rows,
    '',
    ...survivors.map(({ mutant }) => survivorLine(mutant)).toSorted(),
    '',
  ].join('\n');
}

function row(folder: string, judged: readonly Judged[]): string {
  const count = (...outcomes: readonly Verdict['outcome'][]) =>
    judged.filter(({ verdict }) => outcomes.includes(verdict.outcome)).length;
  const killed = count('killed', 'late');
  const share = judged.length === 0 ? 0 : Math.round((100 * killed) / judged.length);
  return `| ${folder} | ${judged.length} | ${killed} | ${count('late')} | ${count('survived')} | ${share} % |`;
}

/** `src/plan/drain.ts:26 number: 0 → 1`, as a person would look for it. */
export function survivorLine({ file, line, kind, original, replacement }: Mutant): string {
  const shown = (text: string) =>
    text.trim() === '' ? '(nothing)' : text.trim().replaceAll(/\s+/g, ' ').slice(0, 90);
  return `${file}:${line} ${kind}: ${shown(original)} → ${shown(replacement)}`;
}
