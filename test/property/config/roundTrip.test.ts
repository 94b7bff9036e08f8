/** What --write-config-to writes says the same as the flags that it was made from. */
import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { formatDuration, parseDuration } from '../../../src/config/duration.ts';
import type { Flag } from '../../../src/config/flag.ts';
import { RUN_FLAGS } from '../../../src/config/flags.ts';
import { decodeConfiguration } from '../../../src/config/kubeProxyConfiguration.ts';
import { parseFlags } from '../../../src/config/parseFlags.ts';
import { resolveConfig } from '../../../src/config/resolve.ts';
import { writtenConfiguration } from '../../../src/config/writtenConfiguration.ts';
import { formatYamlText, parseYamlText } from '../../../src/config/yamlText.ts';

const duration = fc.integer({ min: 1, max: 10 ** 9 }).map((ms) => formatDuration(ms));
const cidr = fc
  .tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 }))
  .map(([address, length]) => `${address}/${length}`);
const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,11}$/);

/** Values that are valid for just this flag; where text is not free. */
const SPECIAL: Readonly<Record<string, fc.Arbitrary<string>>> = {
  'proxy-mode': fc.constantFrom('', 'ipvs'),
  'bind-address': fc.oneof(fc.ipV4(), fc.ipV6()),
  // A file cannot express a server that is off; nor does it follow a flag's bindAddress.
  'healthz-bind-address': fc.integer({ min: 1, max: 65535 }).map((port) => `[::1]:${port}`),
  'metrics-bind-address': fc.ipV4().chain((ip) => fc.constantFrom(ip, `${ip}:99`)),
  'ipvs-min-sync-period': fc.constantFrom('0s', '10ms', '1s'),
  'ipvs-sync-period': fc.constantFrom('10s', '1h'),
  'ipvs-scheduler': fc.constantFrom('', 'rr', 'wlc', 'sh'),
  'iptables-masquerade-bit': fc.integer({ min: 0, max: 31 }).map(String),
  'cluster-cidr': cidr,
  'detect-local-mode': fc.constantFrom('', 'NodeCIDR'),
  'oom-score-adj': fc.integer({ min: -1000, max: 1000 }).map(String),
  'kube-api-burst': fc.integer({ min: 1, max: 1000 }).map(String),
  'show-hidden-metrics-for-version': fc.constantFrom('', '1.36'),
  'feature-gates': fc.constantFrom('', 'NFTablesNetlink=true,AllBeta=false'),
  'log-text-split-stream': fc.constant('false'),
  'log-json-split-stream': fc.constant('false'),
  'log-text-info-buffer-size': fc.constant('0'),
  'log-json-info-buffer-size': fc.constant('0'),
  // With json there may be no --vmodule.
  'logging-format': fc.constant('text'),
  v: fc.integer({ min: 0, max: 10 }).map(String),
};

const BY_TYPE: Readonly<Record<Flag['type'], fc.Arbitrary<string>>> = {
  bool: fc.boolean().map(String),
  string: name,
  int: fc.integer({ min: 1, max: 2 ** 31 - 1 }).map(String),
  float: fc.integer({ min: 1, max: 10_000 }).map((n) => String(n / 8)),
  duration,
  quantity: fc.constantFrom('0', '64Ki', '1.5M'),
  list: fc.array(cidr, { maxLength: 3 }).map((list) => list.join(',')),
  boolMap: fc.dictionary(name, fc.boolean()).map((map) =>
    Object.entries(map)
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
  ),
  vmodule: fc
    .array(fc.tuple(name, fc.nat(9)), { maxLength: 3 })
    .map((list) => list.map(([pattern, level]) => `${pattern}=${level}`).join(',')),
  paths: name,
  version: fc.constant('true'),
};

/** Words of a command line of flags that a file can express, each at most once, in any order. */
const commandLine = fc
  .shuffledSubarray(RUN_FLAGS.filter((flag) => flag.fields !== undefined))
  .chain((flags) =>
    fc.tuple(
      ...flags.map((flag) =>
        (SPECIAL[flag.name] ?? BY_TYPE[flag.type]).map((value) => `--${flag.name}=${value}`),
      ),
    ),
  );

test('flags, written as a file and read again, give the same configuration', () => {
  fc.assert(
    fc.property(commandLine, (words) => {
      const { values, problems } = parseFlags(words, RUN_FLAGS);
      expect(problems).toEqual([]);
      const fromFlags = resolveConfig({ flags: values, isInCluster: true });
      expect(fromFlags.problems).toBeUndefined();

      const written = formatYamlText(writtenConfiguration(fromFlags.config!.document));
      const { text } = parseYamlText(written, 'written.yaml');
      expect(text?.duplicates).toEqual([]);
      const { configuration, unknown } = decodeConfiguration(text!.value);
      expect(unknown).toEqual([]);
      expect(configuration).toEqual(fromFlags.config!.document);

      const file = { path: 'written.yaml', configuration: configuration! };
      const fromFile = resolveConfig({ flags: new Map(), file, isInCluster: true });
      const { warnings: _, configFile, ...rest } = fromFile.config!;
      const { warnings: __, ...expected } = fromFlags.config!;
      expect(configFile).toBe('written.yaml');
      expect(rest).toEqual(expected);
    }),
    { numRuns: 300 },
  );
});

test('a duration survives its text', () => {
  fc.assert(
    fc.property(fc.integer({ min: -(10 ** 12), max: 10 ** 12 }), (ms) => {
      expect(parseDuration(formatDuration(ms))).toBeCloseTo(ms, 3);
      expect(formatDuration(parseDuration(formatDuration(ms))!)).toBe(formatDuration(ms));
    }),
  );
});

test('any words end in values and problems, never in an exception', () => {
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom(...RUN_FLAGS.map(({ name: flag }) => `--${flag}`)),
    fc
      .tuple(fc.constantFrom(...RUN_FLAGS.map((flag) => flag.name)), fc.string())
      .map(([flag, value]) => `--${flag}=${value}`),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 6 }), (words) => {
      const { values, problems } = parseFlags(words, RUN_FLAGS);
      if (problems.length === 0) resolveConfig({ flags: values, isInCluster: false });
      expect(problems.every(({ problem }) => problem !== '')).toBe(true);
    }),
    { numRuns: 500 },
  );
});
