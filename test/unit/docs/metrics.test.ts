/** docs/metrics.md has a row for each metric, and says of it what the code does. */
import { globSync, readFileSync } from 'node:fs';
import { beforeAll, expect, test } from '@jest/globals';
import { DRIFT_KINDS } from '../../../src/dataplane/driftKinds.ts';
import { everyMetric } from '../../support/program/everyMetric.ts';
import type { MetricFamily } from '../../support/program/exposition.ts';

const [FIRST = '', ...SECTIONS] = readFileSync('docs/metrics.md', 'utf8').split('\n## ');

const ROWS = FIRST.split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => {
    const [, name = '', type = '', labels = '', meaning = ''] = line
      .split('|')
      .map((cell) => cell.trim());
    const names = Array.from(labels.matchAll(/`(\w+)`/g), ([, label]) => label!);
    return { name: name.replaceAll('`', ''), type, labels: names.toSorted(), meaning };
  });

const GROUPS = ROWS.filter(({ name }) => name.endsWith('*')).map(({ name }) => name.slice(0, -1));
const isOfGroup = (name: string) => GROUPS.some((group) => name.startsWith(group));

let families: readonly MetricFamily[];
beforeAll(async () => {
  families = await everyMetric();
});

test('each metric has a row with its type and labels, and each row a metric', () => {
  const shown = families.filter(({ name }) => !isOfGroup(name));
  const rows = ROWS.filter(({ name }) => !name.endsWith('*'));
  const byName = (a: { readonly name: string }, b: { readonly name: string }) =>
    a.name.localeCompare(b.name);
  expect(rows.map(({ name, type, labels }) => ({ name, type, labels })).toSorted(byName)).toEqual(
    shown.map(({ name, type, labels }) => ({ name, type, labels })).toSorted(byName),
  );
  for (const group of GROUPS)
    expect(families.filter(({ name }) => name.startsWith(group))).not.toEqual([]);
});

test('each row says what it means, and no metric is without help', () => {
  for (const { meaning } of ROWS) expect(meaning).toMatch(/\w+ \w+/);
  for (const { help } of families) expect(help).toMatch(/\w+ \w+/);
});

/** The code puts some together. */
const isBeginning = (text: string) => ROWS.some(({ name }) => name.startsWith(`${text}_`));

test('no metric that the code names is missing from the page', () => {
  const named = globSync('src/**/*.ts').flatMap((file) =>
    Array.from(
      readFileSync(file, 'utf8').matchAll(/'((?:kubeipvs|kubeproxy|rest_client)_[a-z_]+[a-z])'/g),
      ([, name]) => name!,
    ),
  );
  const known = new Set(ROWS.map(({ name }) => name));
  expect(named.filter((name) => !known.has(name) && !isBeginning(name))).toEqual([]);
  expect(named.length).toBeGreaterThan(10);
});

test('each kind of drift is explained', () => {
  const section = SECTIONS.find((text) => text.startsWith('Kinds of drift'));
  const kinds = Array.from(section!.matchAll(/^\| `(\w+)` +\| \S+ \w+/gm), ([, kind]) => kind);
  expect(kinds).toEqual([...DRIFT_KINDS]);
});
