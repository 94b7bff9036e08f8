// Totals of tests and checks as text: a table by kind and the one plain line that ends `npm test` and `.ci/run`.

const sum = (totals, what) => Object.values(totals).reduce((all, of) => all + of[what], 0);

/** @param totals `{ KIND: { passed, failed, skipped } }` */
export function totalsTable(totals) {
  const row = (cells) =>
    cells.map((cell, i) => (i === 0 ? `${cell}`.padEnd(12) : `${cell}`.padStart(8))).join('');
  const rows = Object.entries(totals).map(([kind, of]) =>
    row([kind, of.passed, of.failed, of.skipped]),
  );
  return `${[row(['', 'passed', 'failed', 'skipped']), ...rows].join('\n')}\n`;
}

/** `N passed, N failed`, and `, N skipped` when any was. */
export function totalsLine(totals) {
  const skipped = sum(totals, 'skipped');
  const line = `${sum(totals, 'passed')} passed, ${sum(totals, 'failed')} failed`;
  return skipped > 0 ? `${line}, ${skipped} skipped` : line;
}
