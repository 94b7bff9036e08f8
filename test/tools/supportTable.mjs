// The tables of docs/support.md: which kernels were tried, how much of it and at which commit, and
// what the tests of each file came to on each of them.

/** @import { About, KeptResult } from './keptResults.mjs' */
/** @import { Totals } from './totals.mjs' */

/**
 * @typedef {object} KernelResults
 * @property {string} kernel as `--kernel` takes it
 * @property {About} about
 * @property {readonly string[]} paths under test of all files for it
 * @property {Record<string, KeptResult>} files those that have run, by path
 */

const origins = {
  uml: "Debian's user-mode-linux",
  host: "the machine's own",
  debian: "Debian's package, emulated",
};

/** @param {readonly KernelResults[]} results one a kernel */
export function kernelTable(results) {
  const kernels = table(
    [
      'kernel',
      'from',
      'processors',
      'iptables',
      'files',
      'at commit',
      'passed',
      'failed',
      'skipped',
    ],
    results.map(({ kernel, about: { release, processors, iptables }, paths, files }) => {
      const kind = /** @type {keyof typeof origins} */ (kernel.split('-')[0]);
      const ran = Object.values(files);
      const { passed, failed, skipped } = sumOf(ran);
      const counts = [passed, failed, skipped].map(String);
      const parts = `${ran.length} of ${paths.length}`;
      return [release, origins[kind], processors, iptables, parts, commitsOf(ran), ...counts];
    }),
  );
  const all = [...new Set(results.flatMap(({ paths }) => paths))].toSorted();
  const byFile = table(
    ['tests', ...results.map(({ about }) => about.release)],
    all.map((path) => [`\`${path}\``, ...results.map((result) => cell(path, result))]),
  );
  return `${kernels}\n\n${byFile}`;
}

/**
 * @param {readonly KeptResult[]} ran
 * @returns the newest first; with more than one, how many files each has
 */
function commitsOf(ran) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const { commit, at } of ran.toSorted((a, b) => (a.at < b.at ? 1 : -1))) {
    const name = `${commit} (${at.slice(0, 10)})`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  if (counts.size === 1) return [...counts.keys()].join();
  return [...counts].map(([name, count]) => `${name}: ${count}`).join(', ');
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

/**
 * @param {string} path
 * @param {KernelResults} results
 * @returns empty: not for this kernel
 */
function cell(path, { paths, files }) {
  const of = files[path];
  if (of === undefined) return paths.includes(path) ? '–' : '';
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
