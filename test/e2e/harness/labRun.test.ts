// `npm run lab` as its callers see it.

import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';

/** Starts the lab; `marker` is in the environment of everything that it starts on this machine. */
function lab(marker: string, ...argv: string[]) {
  const child = spawn(process.execPath, ['test/lab/run.mjs', '--quiet', ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, LAB_TEST_MARKER: `${marker}-${process.pid}` },
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
  const end = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, output, end };
}

/** Processes of this machine that carry the marker, zombies excepted. */
function survivors(marker: string) {
  return readdirSync('/proc').filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(
        `LAB_TEST_MARKER=${marker}-${process.pid}`,
      );
    } catch {
      return false;
    }
  });
}

async function nothingSurvives(marker: string) {
  const deadline = Date.now() + 5000;
  while (survivors(marker).length > 0 && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  expect(survivors(marker)).toEqual([]);
}

test('output and exit status are the command’s own', async () => {
  const { output, end } = lab('status', 'echo out; echo err >&2; exit 7');
  expect({ status: await end, ...output }).toEqual({ status: 7, stdout: 'out\n', stderr: 'err\n' });
  await nothingSurvives('status');
});

test('what runs too long is ended', async () => {
  const { end } = lab('late', '--timeout', '4', 'sleep', '100');
  expect(await end).toBe(124);
  await nothingSurvives('late');
});

test('output appears while the command runs, and Ctrl-C ends it', async () => {
  const { child, output, end } = lab('interrupt', 'echo begun; sleep 100');
  while (output.stdout !== 'begun\n') await new Promise((resolve) => setTimeout(resolve, 50));
  child.kill('SIGINT');
  expect(await end).toBe(130);
  await nothingSurvives('interrupt');
});

test('nothing survives a lab that is killed', async () => {
  const { child, output, end } = lab('killed', 'echo begun; sleep 100');
  while (output.stdout !== 'begun\n') await new Promise((resolve) => setTimeout(resolve, 50));
  expect(survivors('killed').length).toBeGreaterThan(1);
  child.kill('SIGKILL');
  await end;
  await nothingSurvives('killed');
});

test('an option that is not there is an error of its own', async () => {
  const { output, end } = lab('usage', '--netz');
  expect(await end).toBe(2);
  expect(output.stderr).toContain('unknown option --netz');
});
