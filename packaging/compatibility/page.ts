// docs/kube-proxy-compatibility.md as text.

import { fieldRows, flagRows } from './configuration.ts';
import { ENDPOINTS, EVENTS, EXIT_CODES, METRICS, type Row, SIGNALS } from './rows.ts';

const INTRODUCTION = `# Compatibility with kube-proxy 1.37.2

Every flag, field, metric, endpoint, Event, signal and exit code of kube-proxy 1.37.2 in mode ipvs, and what becomes of it here. _same_: as
there. _differs_: there in another way, see the remark. _no effect_: taken, and where it is set to something a warning at the start says so.
_missing_: not here. _gone_: kube-proxy no longer has it and ends at it; here it is taken, and named. _ours_: only here. What differs in what is
programmed is in [differences](differences.md).

Made by \`npm run docs:compatibility\` from \`packaging/compatibility/\` and the program's own tables; \`test/e2e/configurationParity.test.ts\`
gives more than 260 flag lines and files to both programs and compares what they refuse and what \`--write-config-to\` writes.
`;

const SECTIONS: readonly (readonly [title: string, column: string, rows: readonly Row[]])[] = [
  ['Flags', 'flag', flagRows()],
  ['Fields of KubeProxyConfiguration', 'field', fieldRows()],
  ['Metrics', 'metric', METRICS],
  ['Endpoints', 'path', ENDPOINTS],
  ['Events', 'reason', EVENTS],
  ['Signals', 'signal', SIGNALS],
  ['Exit codes', 'code', EXIT_CODES],
];

export function compatibilityPage(): string {
  const counts = SECTIONS.map(([title, , rows]) => `- ${title}: ${countsOf(rows)}`);
  const tables = SECTIONS.map(([title, column, rows]) => `## ${title}\n\n${table(column, rows)}\n`);
  return [INTRODUCTION, `${counts.join('\n')}\n`, ...tables].join('\n');
}

function countsOf(rows: readonly Row[]): string {
  const counts = new Map<string, number>();
  for (const [, status] of rows) counts.set(status, (counts.get(status) ?? 0) + 1);
  return Array.from(counts, ([status, count]) => `${count} ${status}`).join(', ');
}

/** As Prettier leaves it: columns as wide as their widest cell. */
function table(column: string, rows: readonly Row[]): string {
  const cells = [
    [column, 'status', 'remark'],
    ...rows.map(([name, status, remark = '']) => [`\`${name}\``, status, escaped(remark)]),
  ];
  const widths = [0, 1, 2].map((i) => Math.max(...cells.map((row) => row[i]!.length)));
  const line = (row: readonly string[], fill: string) =>
    `| ${row.map((cell, i) => cell.padEnd(widths[i]!, fill)).join(' | ')} |`;
  const [head = [], ...body] = cells;
  return [line(head, ' '), line(['', '', ''], '-'), ...body.map((row) => line(row, ' '))].join(
    '\n',
  );
}

/** Markdown takes these for its own. */
function escaped(text: string): string {
  return text.replaceAll('|', String.raw`\|`).replaceAll('*', String.raw`\*`);
}
