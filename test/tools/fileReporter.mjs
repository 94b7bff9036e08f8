// A reporter of Jest's that runs in the lab and keeps what each test file came to as soon as it has
// ended: a run on an emulated kernel takes an hour, and one that is cut off leaves no report of
// Jest's. It writes into the folder $KUBE_IPVS_KEEP_IN, which has to reach the machine.

import { execFileSync } from 'node:child_process';
import { availableParallelism, release } from 'node:os';
import { join, relative } from 'node:path';
import { checkout } from '../../packaging/machine.mjs';
import { writeWhole } from './keptResults.mjs';

/** @import { FileResult } from './keptResults.mjs' */

/**
 * @typedef {object} TestFileResult what Jest tells of a file; of which only this is looked at
 * @property {string} testFilePath
 * @property {readonly { status: string, fullName: string }[]} testResults
 * @property {unknown} [testExecError] it could not be loaded, or failed outside a test
 * @property {{ runtime: number }} perfStats ms
 */

/**
 * @param {TestFileResult} result
 * @returns {FileResult}
 */
export function resultOf({ testResults, testExecError, perfStats }, now = new Date()) {
  /** @param {string} outcome */
  const those = (outcome) => testResults.filter(({ status }) => status === outcome);
  const failures = those('failed').map(({ fullName }) => fullName);
  // A file that could not be loaded has no tests.
  if (failures.length === 0 && testExecError) failures.push('the file itself');
  return {
    passed: those('passed').length,
    failed: failures.length,
    skipped: testResults.length - those('passed').length - those('failed').length,
    seconds: Math.round(perfStats.runtime / 1000),
    at: now.toISOString(),
    failures,
  };
}

export default class FileReporter {
  #folder = process.env['KUBE_IPVS_KEEP_IN'];

  onRunStart() {
    if (this.#folder === undefined) throw new Error('KUBE_IPVS_KEEP_IN names no folder');
    const iptables = execFileSync('iptables', ['--version'], { encoding: 'utf8' }).trim();
    writeWhole(join(this.#folder, 'about.json'), {
      release: release(),
      processors: `${availableParallelism()}`,
      iptables: iptables.replace(/^iptables v/, ''),
    });
  }

  /** @param {{ path: string }} test */
  onTestStart({ path }) {
    process.stderr.write(`RUNS ${relative(checkout, path)}\n`);
  }

  /**
   * @param {unknown} _test
   * @param {TestFileResult} result
   */
  onTestResult(_test, result) {
    const path = relative(join(checkout, 'test'), result.testFilePath);
    writeWhole(join(this.#folder ?? '', `${path}.json`), resultOf(result));
  }
}
