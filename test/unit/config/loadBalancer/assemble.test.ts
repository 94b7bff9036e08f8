import { expect, test } from '@jest/globals';
import { overlaps } from '../../../../src/config/loadBalancer/draftPool.ts';
import { formatProblem } from '../../../../src/model/problem.ts';
import type { AddressRange } from '../../../../src/net/addressRange.ts';
import { LB_HEAD, readLoadBalancer } from '../../../support/configuration/loadBalancerDocuments.ts';

const read = (fields: string) => readLoadBalancer(`${LB_HEAD}${fields}`);
const pools = (...lists: readonly string[]) =>
  `pools:\n${lists.map((list, i) => `- name: p${i}\n  addresses: [${list}]\n`).join('')}`;
const LB = 'LoadBalancerConfiguration';
const MAX = 2n ** 128n - 1n;

test.each([
  [
    'one that holds the other',
    ['10.0.0.0/24, 10.0.0.7'],
    [['5:28', 'p0[1]', '10.0.0.7', '10.0.0.0/24', '5:15', 'p0[0]']],
  ],
  [
    'the same twice',
    ['10.0.0.7, 10.0.0.7'],
    [['5:25', 'p0[1]', '10.0.0.7', '10.0.0.7', '5:15', 'p0[0]']],
  ],
  [
    'of two pools',
    ['10.0.0.0-10.0.0.9', '10.0.0.9-10.0.0.20'],
    [['7:15', 'p1[0]', '10.0.0.9-10.0.0.20', '10.0.0.0-10.0.0.9', '5:15', 'p0[0]']],
  ],
  [
    'written the other way round',
    ['10.0.0.9-10.0.0.20', '10.0.0.0-10.0.0.9'],
    [['7:15', 'p1[0]', '10.0.0.0-10.0.0.9', '10.0.0.9-10.0.0.20', '5:15', 'p0[0]']],
  ],
  [
    'of IPv6, everything',
    ['"fd00::/64"', '"::/0"'],
    [['7:15', 'p1[0]', '::/0', 'fd00::/64', '5:15', 'p0[0]']],
  ],
  [
    'a small one between two of a large one',
    ['10.0.0.0/8', '10.1.0.0/16', '10.0.0.5'],
    [
      ['7:15', 'p1[0]', '10.1.0.0/16', '10.0.0.0/8', '5:15', 'p0[0]'],
      ['9:15', 'p2[0]', '10.0.0.5', '10.0.0.0/8', '5:15', 'p0[0]'],
    ],
  ],
])('addresses that are there twice are refused: %s', (_, lists, told) => {
  const at = (short: string) => short.replace(/p(\d)\[(\d)\]/, `${LB}.pools[$1].addresses[$2]`);
  expect(read(pools(...lists)).problems).toEqual(
    told.map(([place, path, value, other, otherPlace, otherPath]) => {
      const where = `f.yaml:${otherPlace} (${at(otherPath!)})`;
      return `f.yaml:${place}: ${at(path!)} ("${value}"): has addresses of ${other} at ${where}; each may be in one place only`;
    }),
  );
});

test.each([
  ['that touch', ['10.0.0.0-10.0.0.9, 10.0.0.10', '10.0.0.11-10.0.0.20']],
  ['of two families with the same numbers', ['0.0.0.0/0', '"::/96"']],
  [
    'at the ends of everything',
    [
      '"::", "::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe"',
      '"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"',
    ],
  ],
])('ranges %s are right', (_, lists) => {
  expect(read(pools(...lists)).problems).toEqual([]);
});

test('ten thousand pools of a hundred thousand ranges are compared, and one overlap found', () => {
  const document = { value: {}, title: 'All', placeOf: () => undefined };
  const [pool] = read(pools('')).settings!.pools;
  const drafts = Array.from({ length: 10_000 }, (_, i) => ({
    pool: { ...pool!, ranges: Array.from({ length: 10 }, (__, j) => single(20 * i + 2 * j)) },
    document,
    nameField: '',
    rangeFields: Array.from({ length: 10 }, (__, j) => `pools[${i}].addresses[${j}]`),
  }));
  expect(overlaps(drafts)).toEqual([]);
  const last = drafts.at(-1)!;
  const more = { ...last, pool: { ...pool!, ranges: [single(1_000)] }, rangeFields: ['more'] };
  expect(overlaps([more, ...drafts]).map(formatProblem)).toEqual([
    'All.pools[50].addresses[0] ("0.0.3.232"): has addresses of 0.0.3.232 at All.more; each may be in one place only',
  ]);
});

function single(number: number): AddressRange {
  return { family: 'IPv4', first: BigInt(number), last: BigInt(number) };
}

test('all addresses there are make a pool', () => {
  const { settings, problems } = read(pools('"::/0", 0.0.0.0/0'));
  expect(problems).toEqual([]);
  expect(settings!.pools[0]!.ranges).toEqual([
    { family: 'IPv6', first: 0n, last: MAX },
    { family: 'IPv4', first: 0n, last: 2n ** 32n - 1n },
  ]);
});

test('a name is given to one pool', () => {
  const text =
    'pools:\n- { name: a, addresses: [] }\n- { name: b, addresses: [] }\n- { name: a, addresses: [] }\n';
  expect(read(text).problems).toEqual([
    `f.yaml:6:5: ${LB}.pools[2].name ("a"): is already the name of the pool at f.yaml:4:5 (${LB}.pools[0].name); give each its own`,
  ]);
});

test.each([
  ['', '/etc/kube-ipvs/lb/key'],
  ['heartbeat: { insecure: false }', '/etc/kube-ipvs/lb/key'],
  ['heartbeat: { secretFile: /run/key }', '/run/key'],
  ['heartbeat: { secretFile: /run/key, insecure: true }', '/run/key'],
  ['heartbeat: { insecure: true }', undefined],
  ['heartbeat: { secretFile: "", insecure: true }', undefined],
])('announcer: { %s } signs with %s', (announcer, secretFile) => {
  const { settings, problems } = read(`announcer: { ${announcer} }\n`);
  expect(problems).toEqual([]);
  expect(settings!.announcer.heartbeat.secretFile).toBe(secretFile);
});

test.each(['""', ''])('an empty secretFile (%s) needs the word for it', (secretFile) => {
  const { problems } = read(`announcer:\n  heartbeat:\n    secretFile: ${secretFile}\n`);
  expect(problems).toEqual([
    expect.stringMatching(
      /^f\.yaml:5:5: LoadBalancerConfiguration\.announcer\.heartbeat\.secretFile \((""|null)\): is empty: name the file with the key, or say insecure: true/,
    ),
  ]);
});

test.each([
  ['namespaces: []', ['namespaces']],
  ['namespaceSelectors: []', ['namespaceSelectors']],
  ['namespaces: [], namespaceSelectors: []', ['namespaces', 'namespaceSelectors']],
  ['serviceSelectors: []', ['serviceSelectors']],
  ['namespaces: [], namespaceSelectors: [{}]', []],
  ['namespaces: [a], namespaceSelectors: [], serviceSelectors: [{}]', []],
])('a restriction to nobody is kept and remarked on: %s', (fields, told) => {
  const { settings, problems, remarks } = read(`pools:\n- { name: a, addresses: [], ${fields} }\n`);
  expect(problems).toEqual([]);
  expect(remarks).toEqual(
    told.map((field) =>
      expect.stringMatching(
        new RegExp(
          `${LB}\\.pools\\[0\\]\\.${field} \\(\\[\\]\\): is empty, so the pool admits nobody; leave it out`,
        ),
      ),
    ),
  );
  for (const field of told) expect(settings!.pools[0]).toHaveProperty(field, []);
});

test('remarks wait until nothing is wrong', () => {
  const { problems, remarks } = read(
    'pools:\n- { name: a, addresses: [10.0.0.1, 10.0.0.1], namespaces: [] }\n',
  );
  expect([problems.length, remarks]).toEqual([1, []]);
});

test('an empty list of interfaces of the announcer is all of them', () => {
  expect(read('announcer: { interfaces: [] }\n').settings!.announcer.interfaces).toEqual(['*']);
});
