// The tables of docs/support.md, from Jest's reports: which kernels were tried, and what the tests
// of each file came to on each of them.

import { relative } from 'node:path';

/** @import { JestReport } from './jestRun.mjs' */
/** @import { Totals } from './totals.mjs' */

/**
 * @typedef {object} KernelResults
 * @property {string} kernel as `--kernel` takes it
 * @property {string} date of the run
 * @property {string} release
 * @property {string} processors how many
 * @property {string} iptables version and variant: `1.8.9 (nf_tables)`
 * @property {Totals} files by path under test
 */

/**
 * @param {JestReport} report
 * @param {string} testFolder absolute
 * @returns {Totals}
 */
export function resultsByFile({ testResults }, testFolder) {
  return Object.fromEntries(
    testResults.map(({ name, status, assertionResults }) => {
      /** @param {string} outcome */
      const count = (outcome) => assertionResults.filter((each) => each.status === outcome).length;
      const passed = count('passed');
      const failed = count('failed');
      const skipped = assertionResults.length - passed - failed;
      // A file that could not be loaded has no tests.
      const isBroken = status === 'failed' && failed === 0;
      return [relative(testFolder, name), { passed, failed: isBroken ? 1 : failed, skipped }];
    }),
  );
}

const origins = {
  uml: "Debian's user-mode-linux",
  host: "the machine's own",
  debian: "Debian's package, emulated",
};

/** @param {readonly KernelResults[]} results one a kernel */
export function kernelTable(results) {
  const kernels = table(
    ['kernel', 'from', 'processors', 'iptables', 'on', 'passed', 'failed', 'skipped'],
    results.map(({ kernel, date, release, processors, iptables, files }) => {
      const kind = /** @type {keyof typeof origins} */ (kernel.split('-')[0]);
      const { passed, failed, skipped } = sumOf(Object.values(files));
      const counts = [passed, failed, skipped].map(String);
      return [release, origins[kind], processors, iptables, date, ...counts];
    }),
  );
  const paths = [...new Set(results.flatMap(({ files }) => Object.keys(files)))].sort();
  const byFile = table(
    ['tests', ...results.map(({ release }) => release)],
    paths.map((path) => [`\`${path}\``, ...results.map(({ files }) => cell(files[path]))]),
  );
  return `${kernels}\n\n${byFile}`;
}

/** @param {readonly Totals[string][]} all */
export function sumOf(all) {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const each of all) {
    sum.passed += each.passed;
    sum.failed += each.failed;
    sum.skipped += each.skipped;
  }
  return sum;
}

/** @param {Totals[string] | undefined} of */
function cell(of) {
  if (of === undefined) return '–';
  const failed = of.failed > 0 ? [`**${of.failed} failed**`] : [];
  const skipped = of.skipped > 0 ? [`${of.skipped} skipped`] : [];
  return [`${of.passed}`, ...failed, ...skipped].join(', ');
}

/**
 * Aligned, as prettier leaves it.
 *
 * @param {readonly string[]} head
 * @param {readonly (readonly string[])[]} rows
 */
function table(head, rows) {
  const widths = head.map((_, at) =>
    Math.max(3, ...[head, ...rows].map((row) => row[at]?.length ?? 0)),
  );
  /** @param {readonly string[]} row */
  const line = (row) => `| ${row.map((text, at) => text.padEnd(widths[at] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

const BEGIN = '<!-- written by npm run test:kernels -->';
const END = '<!-- end -->';

/**
 * @param {string} document
 * @param {string} made goes between the marks, in the place of what was there
 */
export function between(document, made) {
  const begin = document.indexOf(BEGIN);
  const end = document.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`the document has no ${BEGIN} … ${END}`);
  return `${document.slice(0, begin)}${BEGIN}\n\n${made}\n\n${document.slice(end)}`;
}
