// The same flag lines and configuration files for the real kube-proxy 1.37.2 and for this program:
// both take or refuse them, and write the same configuration, but for what is listed here with its
// reason (docs/kube-proxy-compatibility.md tells it).

import { beforeAll, describe, expect, test } from '@jest/globals';
import {
  type Given,
  type Outcome,
  type Outcomes,
  outcomesOf,
} from '../support/configuration/bothPrograms.ts';
import { FIELD_LINES, WHOLE_FILES, fileOf } from '../support/configuration/files.ts';
import { FLAG_LINES } from '../support/configuration/flagLines.ts';
import { findBinary } from '../tools/kubernetes.mjs';

const kubeProxy = findBinary('kube-proxy');
if (kubeProxy === undefined && process.env['CI']) {
  throw new Error('kube-proxy is not there; `npm test` builds it');
}

/** Taken here, refused there, or the other way round: by case, why. */
const OTHERWISE: Readonly<Record<string, string>> = {
  '--ipvs-sync-period=500ms': 'there the least period is 1s by default, and greater',
  '--healthz-bind-address=127.0.0.1': 'completed there too, but for --write-config-to',
  '--metrics-bind-address=::1': 'completed there too, but for --write-config-to',
  '--ipvs-scheduler=a-very-long-name': 'no kernel could have it; there the start fails later',
  '--logtostderr': 'gone there, and named here',
  '--proxy-port-range=30-40': 'gone there, and named here',
};

/** Means the same in other words. */
const WORDED_OTHERWISE = new Set([
  'logging: { format: json, verbosity: 4, flushFrequency: 1000000000 }',
]);

const lines: readonly (readonly [name: string, given: Given])[] = [
  ['', { words: [] }],
  ...FLAG_LINES.map((line): readonly [string, Given] => [
    line,
    { words: line.split(' ').flatMap((word) => splitBlank(word)) },
  ]),
];
const files: readonly (readonly [name: string, given: Given])[] = [
  ...FIELD_LINES.map((line): readonly [string, Given] => [line, { file: fileOf(line) }]),
  ...Object.entries(WHOLE_FILES).map(([name, file]): readonly [string, Given] => [name, { file }]),
];

/** `-v␣4` is two words, `--hostname-override=␣` one with a blank in it. */
function splitBlank(word: string): string[] {
  return word.startsWith('--') ? [word.replaceAll('␣', ' ')] : word.split('␣');
}

const outcomes = new Map<string, Outcomes>();

(kubeProxy === undefined ? describe.skip : describe)('beside kube-proxy 1.37.2', () => {
  beforeAll(async () => {
    const waiting = [...lines, ...files];
    const work = async () => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        outcomes.set(next[0], await outcomesOf(kubeProxy!, next[1]));
      }
    };
    await Promise.all([work(), work(), work()]);
  }, 600_000);

  describe.each([
    ['the flags', lines.map(([name]) => name)],
    ['the file', files.map(([name]) => name)],
  ])('%s', (kind, names) => {
    const alike = names.filter((name) => !Object.hasOwn(OTHERWISE, name));
    test.each(alike)('%s', (name) => {
      const { theirs, ours } = outcomes.get(name)!;
      const isTaken = ({ exitCode }: Outcome) => exitCode === 0;
      // What each said is there for who reads the failure.
      expect({ taken: isTaken(ours), said: '' }).toEqual({
        taken: isTaken(theirs),
        said: isTaken(ours) === isTaken(theirs) ? '' : [theirs.stderr, ours.stderr],
      });
      expect(ours.exitCode).toBe(theirs.exitCode);
      const hasOwnPeriod = kind === 'the flags' && !name.includes('--ipvs-min-sync-period');
      const wanted =
        hasOwnPeriod && theirs.written !== undefined
          ? withMinSyncPeriod(theirs.written, { from: '1s', to: '0s' })
          : theirs.written;
      const written = WORDED_OTHERWISE.has(name) ? wanted : ours.written;
      expect(withoutEmptyLists(written)).toEqual(withoutEmptyLists(wanted));
    });
  });

  test.each(Object.keys(OTHERWISE))('otherwise on purpose: %s', (name) => {
    const { theirs, ours } = outcomes.get(name)!;
    expect(theirs.exitCode === ours.exitCode).toBe(false);
  });
});

/** By flags kube-proxy waits a second between two rounds; ours does not, on purpose. */
function withMinSyncPeriod(written: unknown, { from, to }: { from: string; to: string }): unknown {
  const { ipvs, ...rest } = written as { readonly ipvs: { readonly minSyncPeriod: string } };
  expect(ipvs.minSyncPeriod).toBe(from);
  return { ...rest, ipvs: { ...ipvs, minSyncPeriod: to } };
}

/** An empty list and none are one. */
function withoutEmptyLists(written: unknown): unknown {
  const text = JSON.stringify(written, (_, value: unknown) =>
    Array.isArray(value) && value.length === 0 ? null : value,
  );
  return text === undefined ? undefined : JSON.parse(text);
}
