import { expect, test } from '@jest/globals';
import * as v from 'valibot';
import type { DocumentKind } from '../../../src/config/featureKinds.ts';
import { decodeDocuments } from '../../../src/config/documents.ts';
import { flag, plainInt, section, text } from '../../../src/config/fieldTypes.ts';
import { parseYamlDocuments } from '../../../src/config/yamlText.ts';
import { formatProblem } from '../../../src/model/problem.ts';

const HEAD = 'apiVersion: kube-ipvs.io/v1alpha1\nkind: FeaturesConfiguration\n';

/** A flat configuration, one with parts, and objects of somebody else. */
const TABLE = [
  {
    apiVersion: 'kube-ipvs.io/v1alpha1',
    kind: 'FeaturesConfiguration',
    section: 'settings',
    schema: v.object({ takeover: flag(), cleanupOtherModes: flag() }),
  },
  {
    apiVersion: 'kube-ipvs.io/v1alpha1',
    kind: 'PoolsConfiguration',
    section: 'pools',
    schema: v.object({
      pools: v.nullish(v.array(v.object({ name: text(), priority: plainInt(1) })), []),
      announcer: section({ interfaces: text('*') }),
    }),
  },
  {
    apiVersion: 'example.com/v1',
    kind: 'Pool',
    section: 'others',
    schema: v.object({
      metadata: v.looseObject({ name: v.string('must be text') }),
      spec: v.object({ addresses: v.array(v.string('must be text')) }),
    }),
    isMany: true,
  },
] as const satisfies readonly DocumentKind[];

const decode = (content: string) => {
  const { documents, problems } = parseYamlDocuments(content, 'f.yaml');
  expect(problems).toEqual([]);
  const { sections, problems: found } = decodeDocuments(documents, TABLE);
  const values = Object.entries(sections).map(([name, placed]) => [
    name,
    placed.map(({ value }) => value),
  ]);
  return {
    sections: Object.fromEntries(values) as Record<string, unknown>,
    problems: found.map(formatProblem),
  };
};

test('nothing is nothing on, and a document with nothing in it is valid', () => {
  expect(decode('')).toEqual({ sections: {}, problems: [] });
  expect(decode(HEAD)).toEqual({
    sections: { settings: [{ takeover: false, cleanupOtherModes: false }] },
    problems: [],
  });
});

test('a document is its section, and which one is not there is off', () => {
  expect(decode(`${HEAD}takeover: yes\n`)).toEqual({
    sections: { settings: [{ takeover: true, cleanupOtherModes: false }] },
    problems: [],
  });
  const lb = 'apiVersion: kube-ipvs.io/v1alpha1\nkind: PoolsConfiguration\n';
  expect(decode(`${lb}pools: [{ name: a }]\n`).sections).toEqual({
    pools: [{ pools: [{ name: 'a', priority: 1 }], announcer: { interfaces: '*' } }],
  });
});

test('unknown fields are errors, all of them, at every depth, with what was perhaps meant', () => {
  const { problems, sections } = decode(
    `${HEAD}takeovr: true\nfoo: {a: 1}\n---\n` +
      'apiVersion: kube-ipvs.io/v1alpha1\nkind: PoolsConfiguration\n' +
      'announcer:\n  interfaces: eth0\n  interfacs: eth1\npools:\n  - name: a\n    prioritty: 3\n',
  );
  expect(problems).toEqual([
    'f.yaml:3:1: FeaturesConfiguration.takeovr (true): unknown field (did you mean takeover?)',
    'f.yaml:4:1: FeaturesConfiguration.foo ({"a":1}): unknown field',
    'f.yaml:10:3: PoolsConfiguration.announcer.interfacs ("eth1"): unknown field (did you mean interfaces?)',
    'f.yaml:13:5: PoolsConfiguration.pools[0].prioritty (3): unknown field (did you mean priority?)',
  ]);
  expect(sections).toEqual({});
});

test('wrong types and repeated fields are errors at their places', () => {
  expect(decode(`${HEAD}takeover: 1\n`).problems).toEqual([
    'f.yaml:3:1: FeaturesConfiguration.takeover (1): must be true or false',
  ]);
  expect(decode(`${HEAD}takeover: false\ntakeover: true\n`).problems).toEqual([
    'f.yaml:4:1: FeaturesConfiguration.takeover: is there more than once; keep one',
  ]);
});

test('of one kind there is at most one document; the second is told with where the first is', () => {
  expect(decode(`${HEAD}---\n${HEAD}`).problems).toEqual([
    'f.yaml:4:1: FeaturesConfiguration: is already at f.yaml:1:1, and there is at most one; put all of it into one document',
  ]);
});

test('objects of others may be many, with fields that are none of our business where their schema says so', () => {
  const pool = (name: string, more = '') =>
    `apiVersion: example.com/v1\nkind: Pool\nmetadata: { name: ${name}, uid: x }\nspec: { addresses: [${name}]${more} }\n`;
  expect(decode(`${pool('a')}---\n${pool('b')}`)).toEqual({
    sections: {
      others: [
        { metadata: { name: 'a', uid: 'x' }, spec: { addresses: ['a'] } },
        { metadata: { name: 'b', uid: 'x' }, spec: { addresses: ['b'] } },
      ],
    },
    problems: [],
  });
  expect(decode(pool('a', ', adresses: []')).problems).toEqual([
    'f.yaml:4:25: Pool/a.spec.adresses ([]): unknown field (did you mean addresses?)',
  ]);
});

const KINDS = 'there are FeaturesConfiguration, PoolsConfiguration, Pool of example.com/v1';

test.each([
  [
    'apiVersion: kube-ipvs.io/v1alpha1\nkind: FeatureConfiguration\n',
    `f.yaml:2:1: kind ("FeatureConfiguration"): unknown kind (did you mean FeaturesConfiguration?); ${KINDS}`,
  ],
  [
    'apiVersion: v1\nkind: Pod\n',
    `f.yaml:2:1: kind ("Pod"): unknown kind; ${KINDS} (apiVersion: kube-ipvs.io/v1alpha1)`,
  ],
  [
    'takeover: true\n',
    `f.yaml:1:1: kind: must be given; ${KINDS} (apiVersion: kube-ipvs.io/v1alpha1)`,
  ],
  [
    'apiVersion: kube-ipvs.io/v1\nkind: FeaturesConfiguration\n',
    'f.yaml:1:1: apiVersion ("kube-ipvs.io/v1"): must be kube-ipvs.io/v1alpha1 for a FeaturesConfiguration',
  ],
  [
    'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n',
    'f.yaml:2:1: kind ("KubeProxyConfiguration"): is what --config takes; here there may be ' +
      'FeaturesConfiguration, PoolsConfiguration, Pool of example.com/v1',
  ],
  [
    '- a\n',
    'f.yaml:1:1: document (["a"]): must be an object with apiVersion: kube-ipvs.io/v1alpha1 and kind',
  ],
])('%j is refused with what there is', (content, problem) => {
  expect(decode(content).problems).toEqual([problem]);
});

test('what is right beside a wrong document is not told to be wrong', () => {
  const { sections, problems } = decode(`kind: Pod\n---\n${HEAD}takeover: true\n`);
  expect(problems).toHaveLength(1);
  expect(sections).toEqual({ settings: [{ takeover: true, cleanupOtherModes: false }] });
});

const ITEM = (name: string) =>
  `- apiVersion: example.com/v1\n  kind: Pool\n  metadata: { name: ${name}, namespace: ns }\n  spec:\n    addresses: [${name}]\n`;
const LIST = 'apiVersion: v1\nkind: List\nmetadata: { resourceVersion: "" }\nitems:\n';

test('a List is what it holds, also one in another, and none is nothing', () => {
  const inner = `- apiVersion: v1\n  kind: List\n  items:\n${ITEM('b').replace(/^/gm, '  ')}`;
  const { sections, problems } = decode(`${LIST}${ITEM('a')}${inner}`);
  expect(problems).toEqual([]);
  expect(sections['others']).toEqual([
    expect.objectContaining({ spec: { addresses: ['a'] } }),
    expect.objectContaining({ spec: { addresses: ['b'] } }),
  ]);
  expect(decode('apiVersion: v1\nkind: List\nitems: []\n')).toEqual({ sections: {}, problems: [] });
});

test('what is wrong with an item of a List is told at its place and by its name', () => {
  const twice = ITEM('b').replace('  spec:\n', '  spec:\n    addresses: []\n');
  const wrong = ITEM('c').replace('[c]', '7').replace('spec:', 'spec: # here');
  const content = `${LIST}${ITEM('a')}${twice}${wrong}- kind: Pol\n- 3\n`;
  expect(decode(content).problems).toEqual([
    'f.yaml:15:5: Pool/ns/b.spec.addresses: is there more than once; keep one',
    'f.yaml:20:5: Pool/ns/c.spec.addresses (7): Invalid type: Expected Array but received 7',
    expect.stringMatching(
      /^f.yaml:21:3: items\[3\].kind \("Pol"\): unknown kind \(did you mean Pool\?\)/,
    ),
    'f.yaml:22:3: items[4] (3): must be an object with apiVersion: kube-ipvs.io/v1alpha1 and kind',
  ]);
  expect(decode('apiVersion: v1\nkind: List\nitems: 3\n').problems).toEqual([
    'f.yaml:3:1: items (3): must be a list of objects',
  ]);
});
