// What `.ci/run` runs: `npm test` (which sets up what is missing), then the checks, each to its end
// whatever came before, so that one run shows everything. A check counts as one test in the last
// line.

import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { checkout } from '../../packaging/machine.mjs';
import { readTotals, totalsFile, totalsLine, totalsTable } from './totals.mjs';

/** @type {readonly (readonly [name: string, argv: readonly string[]])[]} */
const checks = [
  ['lint', ['npm', 'run', '--silent', 'lint']],
  ['types', ['npm', 'run', '--silent', 'typecheck']],
  ['format', ['npm', 'run', '--silent', 'format:check']],
  ['sanitizers', ['npm', 'run', '--silent', 'test:sanitize']],
];

/** @param {readonly string[]} argv */
function passes(argv) {
  const began = Date.now();
  const [program = '', ...rest] = argv;
  const { status } = spawnSync(program, rest, {
    cwd: checkout,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const seconds = ((Date.now() - began) / 1000).toFixed(1);
  process.stdout.write(
    `== ${argv.join(' ')}: ${status === 0 ? 'passed' : 'FAILED'} (${seconds} s)\n`,
  );
  return status === 0;
}

rmSync(totalsFile, { force: true });
const testsPass = passes([process.execPath, join('test', 'tools', 'test.mjs')]);
const totals = existsSync(totalsFile) ? readTotals() : {};
if (!testsPass && Object.values(totals).every(({ failed }) => failed === 0)) {
  totals['set-up'] = { passed: 0, failed: 1, skipped: 0 };
}
for (const [name, argv] of checks) {
  const passed = passes(argv);
  totals[name] = { passed: passed ? 1 : 0, failed: passed ? 0 : 1, skipped: 0 };
}
process.stdout.write(`\n${totalsTable(totals)}\n${totalsLine(totals)}\n`);
process.exitCode = Object.values(totals).some(({ failed }) => failed > 0) ? 1 : 0;
