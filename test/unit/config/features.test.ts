import { expect, test } from '@jest/globals';
import * as v from 'valibot';
import { DOCUMENT_KINDS, type DocumentKind } from '../../../src/config/featureKinds.ts';
import { decodeFeatures } from '../../../src/config/features.ts';
import { plainInt, section, text } from '../../../src/config/fieldTypes.ts';
import { parseYamlDocuments } from '../../../src/config/yamlText.ts';
import { formatProblem } from '../../../src/model/problem.ts';

const HEAD = 'apiVersion: kube-ipvs.io/v1alpha1\nkind: FeaturesConfiguration\n';

/** A table as it will be: a configuration with parts, and objects of somebody else. */
const TABLE = [
  ...DOCUMENT_KINDS,
  {
    apiVersion: 'kube-ipvs.io/v1alpha1',
    kind: 'LoadBalancerConfiguration',
    section: 'loadBalancer',
    schema: v.object({
      pools: v.nullish(v.array(v.object({ name: text(), priority: plainInt(1) })), []),
      announcer: section({ interfaces: text('*') }),
    }),
  },
  {
    apiVersion: 'metallb.io/v1beta1',
    kind: 'IPAddressPool',
    section: 'metallbPools',
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
  const { features, problems: found } = decodeFeatures(documents, TABLE);
  return { features, problems: found.map(formatProblem) };
};

test('nothing is nothing on, and a document with nothing in it is valid', () => {
  expect(decode('')).toEqual({ features: {}, problems: [] });
  expect(decode(HEAD)).toEqual({
    features: { settings: { takeover: false, cleanupOtherModes: false } },
    problems: [],
  });
});

test('a document is its section, and which one is not there is off', () => {
  expect(decode(`${HEAD}takeover: yes\n`)).toEqual({
    features: { settings: { takeover: true, cleanupOtherModes: false } },
    problems: [],
  });
  const lb = 'apiVersion: kube-ipvs.io/v1alpha1\nkind: LoadBalancerConfiguration\n';
  expect(decode(`${lb}pools: [{ name: a }]\n`).features).toEqual({
    loadBalancer: { pools: [{ name: 'a', priority: 1 }], announcer: { interfaces: '*' } },
  });
});

test('unknown fields are errors, all of them, at every depth, with what was perhaps meant', () => {
  const { problems, features } = decode(
    `${HEAD}takeovr: true\nfoo: {a: 1}\n---\n` +
      'apiVersion: kube-ipvs.io/v1alpha1\nkind: LoadBalancerConfiguration\n' +
      'announcer:\n  interfaces: eth0\n  interfacs: eth1\npools:\n  - name: a\n    prioritty: 3\n',
  );
  expect(problems).toEqual([
    'f.yaml:3:1: FeaturesConfiguration.takeovr (true): unknown field (did you mean takeover?)',
    'f.yaml:4:1: FeaturesConfiguration.foo ({"a":1}): unknown field',
    'f.yaml:10:3: LoadBalancerConfiguration.announcer.interfacs ("eth1"): unknown field (did you mean interfaces?)',
    'f.yaml:13:5: LoadBalancerConfiguration.pools[0].prioritty (3): unknown field (did you mean priority?)',
  ]);
  expect(features).toEqual({});
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
    `apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: { name: ${name}, uid: x }\nspec: { addresses: [${name}]${more} }\n`;
  expect(decode(`${pool('a')}---\n${pool('b')}`)).toEqual({
    features: {
      metallbPools: [
        { metadata: { name: 'a', uid: 'x' }, spec: { addresses: ['a'] } },
        { metadata: { name: 'b', uid: 'x' }, spec: { addresses: ['b'] } },
      ],
    },
    problems: [],
  });
  expect(decode(pool('a', ', adresses: []')).problems).toEqual([
    'f.yaml:4:25: IPAddressPool.spec.adresses ([]): unknown field (did you mean addresses?)',
  ]);
});

const KINDS =
  'there are FeaturesConfiguration, LoadBalancerConfiguration, IPAddressPool of metallb.io/v1beta1';

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
      'FeaturesConfiguration, LoadBalancerConfiguration, IPAddressPool of metallb.io/v1beta1',
  ],
  [
    '- a\n',
    'f.yaml:1:1: document (["a"]): must be an object with apiVersion: kube-ipvs.io/v1alpha1 and kind',
  ],
])('%j is refused with what there is', (content, problem) => {
  expect(decode(content).problems).toEqual([problem]);
});

test('what is right beside a wrong document is not told to be wrong', () => {
  const { features, problems } = decode(`kind: Pod\n---\n${HEAD}takeover: true\n`);
  expect(problems).toHaveLength(1);
  expect(features).toEqual({ settings: { takeover: true, cleanupOtherModes: false } });
});
