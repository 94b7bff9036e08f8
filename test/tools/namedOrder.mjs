// A test sequencer of Jest's, as far as a run in the lab asks it: files in the order in which the
// command line names them, instead of the longest first.

export default class NamedOrder {
  /** @param {readonly { path: string }[]} tests */
  sort(tests) {
    const named = process.argv;
    return tests.toSorted((a, b) => named.indexOf(a.path) - named.indexOf(b.path));
  }

  /** Times are kept by fileReporter.mjs. */
  cacheResults() {}
}
