import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { FEATURES_REFUSED } from '../../../src/agent/conditions.ts';
import { FeaturesWatch } from '../../../src/agent/featuresWatch.ts';
import { decodeFeatures } from '../../../src/config/features.ts';
import { parseYamlDocuments } from '../../../src/config/yamlText.ts';
import type { FeatureFiles } from '../../../src/inputs/features.ts';
import { ConditionLog } from '../../../src/ops/conditionLog.ts';
import { Conditions } from '../../../src/ops/conditions.ts';
import { FakeClock, settle } from '../../support/program/fakeClock.ts';
import { FakeLog } from '../../support/program/fakeLog.ts';

const HEAD = 'apiVersion: kube-ipvs.io/v1alpha1\nkind: FeaturesConfiguration\n';
const TYPO = `${HEAD}takeovr: true\n`;
const TYPO_TOLD =
  'error what --features names is refused, and its last good state stays in force: ' +
  'f.yaml:3:1: FeaturesConfiguration.takeovr (true): unknown field (did you mean takeover?)';
const WELL = 'info what --features names is right again';

let clock: FakeClock;
let log: FakeLog;
let conditions: Conditions;
let watch: FeaturesWatch;
/** of the one path f.yaml; undefined: it is not there */
let content: string | undefined;
/** stands for what a rewritten file gets */
let version: number;
let reads: number;
let changes: number;
/** called while the files are read */
let onRead: () => void;

function find(): Promise<FeatureFiles> {
  const isThere = content !== undefined;
  return Promise.resolve({
    stamp: `${version} ${content ?? 'missing'}`,
    files: isThere ? ['f.yaml'] : [],
    missing: isThere ? [] : ['f.yaml'],
    problems: [],
  });
}

async function begin(start: string | undefined): Promise<void> {
  content = start;
  const { documents } = parseYamlDocuments(start ?? '', 'f.yaml');
  watch = new FeaturesWatch({
    paths: ['f.yaml'],
    inForce: decodeFeatures(documents).features,
    log,
    clock,
    onChange: () => (changes += 1),
    find,
    read: () => {
      reads += 1;
      const read = decodeFeatures(parseYamlDocuments(content ?? '', 'f.yaml').documents);
      onRead();
      return Promise.resolve(read);
    },
  });
  watch.start();
  await settle();
}

async function write(text: string | undefined): Promise<void> {
  content = text;
  version += 1;
  await clock.advance(2_000);
}

beforeEach(() => {
  clock = new FakeClock();
  log = new FakeLog();
  conditions = new Conditions({
    known: [FEATURES_REFUSED],
    tellers: [new ConditionLog(log, clock)],
    clock,
  });
  version = 0;
  reads = 0;
  changes = 0;
  onRead = () => undefined;
});
afterEach(() => watch.close());

test('files that stay as they are are not read again', async () => {
  await begin(HEAD);
  await clock.advance(60_000);
  expect([reads, changes]).toEqual([0, 0]);
});

test('another good state is told once, and nothing is watched any more', async () => {
  await begin(HEAD);
  await write(`${HEAD}takeover: true\n`);
  expect(changes).toBe(1);
  await write(HEAD);
  expect([changes, reads]).toEqual([1, 1]);
  expect(log.lines).toEqual([]);
});

test('what differs in words and not in meaning is no change', async () => {
  await begin(HEAD);
  await write(`# a comment\n${HEAD}takeover: no\n`);
  expect([changes, reads]).toEqual([0, 1]);
  await write(`${HEAD}takeover: yes\n`);
  expect(changes).toBe(1);
});

test('a document that comes or goes is a change', async () => {
  await begin(HEAD);
  await write('');
  expect(changes).toBe(1);
});

test('a file that is being written is left until it keeps still', async () => {
  await begin(HEAD);
  content = '';
  version += 1;
  await clock.advance(1_000);
  content = `${HEAD}# whole\n`;
  version += 1;
  await clock.advance(1_000);
  expect(reads).toBe(0);
  await clock.advance(1_000);
  expect([reads, changes]).toEqual([1, 0]);
});

test('what changes while it is read is read again and not judged', async () => {
  await begin(HEAD);
  onRead = () => {
    onRead = () => undefined;
    content = `${HEAD}# whole\n`;
    version += 1;
  };
  await write('');
  expect([reads, changes]).toEqual([1, 0]);
  await clock.advance(2_000);
  expect([reads, changes]).toEqual([2, 0]);
});

describe('a bad state is refused', () => {
  test('with its place, once, as long as it stands, and the one in force stays', async () => {
    await begin(HEAD);
    await write(TYPO);
    await clock.advance(60_000);
    expect(changes).toBe(0);
    expect(log.take()).toEqual([TYPO_TOLD]);
    await write(HEAD);
    expect(log.take()).toEqual([WELL]);
    expect(changes).toBe(0);
  });

  test('whole: what is right in it does not come into force either', async () => {
    await begin(HEAD);
    await write(`${HEAD}takeover: true\n---\nkind: Pod\n`);
    expect(changes).toBe(0);
    expect(log.take()).toEqual([expect.stringContaining('f.yaml:5:1: kind ("Pod"): unknown kind')]);
  });

  test('until it is right, and then it is a change like any other', async () => {
    await begin(HEAD);
    await write(TYPO);
    await write(`${HEAD}takeover: true\n`);
    expect(changes).toBe(1);
    expect(log.take()).toEqual([TYPO_TOLD, WELL]);
  });

  test('by a condition, once there are any, and what was told is not told twice', async () => {
    await begin(HEAD);
    await write(TYPO);
    watch.tell(conditions);
    expect(conditions.standing.map(({ subject }) => subject)).toEqual(['--features']);
    expect(log.take()).toEqual([TYPO_TOLD]);
    await write(HEAD);
    expect(conditions.standing).toEqual([]);
    expect(log.take()).toEqual([WELL]);
    await write(TYPO);
    expect(log.take()).toEqual([TYPO_TOLD]);
    await clock.advance(300_000);
    conditions.remind();
    expect(log.take()).toEqual([TYPO_TOLD]);
  });
});

test('a path that goes is missed: its last state stays in force until it is back, or empty', async () => {
  await begin(HEAD);
  await write(undefined);
  expect(changes).toBe(0);
  expect(log.take()).toEqual([
    'error what --features names is refused, and its last good state stays in force: ' +
      '--features ("f.yaml"): is gone; put it back, or empty it to turn what it held off',
  ]);
  await write(HEAD);
  expect(log.take()).toEqual([WELL]);
  await write('# off\n');
  expect(changes).toBe(1);
});

test('a path that was not there may stay away, and is a change when it comes', async () => {
  await begin(undefined);
  await clock.advance(60_000);
  expect([reads, changes, log.lines]).toEqual([0, 0, []]);
  await write(HEAD);
  expect(changes).toBe(1);
});

test('a path that came and changed nothing is missed when it goes again', async () => {
  await begin(undefined);
  await write('# nothing on\n');
  expect([changes, log.take()]).toEqual([0, []]);
  await write(undefined);
  expect(log.take()).toEqual([expect.stringContaining('--features ("f.yaml"): is gone')]);
});

test('once it is closed nothing is told', async () => {
  await begin(HEAD);
  onRead = () => watch.close();
  await write('');
  await clock.advance(5_000);
  expect([reads, changes, log.lines]).toEqual([1, 0, []]);
});

test('without paths nothing is looked at', async () => {
  watch = new FeaturesWatch({
    paths: [],
    inForce: {},
    log,
    clock,
    onChange: () => undefined,
    find: () => {
      throw new Error('not to be called');
    },
  });
  watch.start();
  await clock.advance(5_000);
  expect(clock.sleeps).toEqual([]);
});
