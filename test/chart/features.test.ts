// What becomes of the value `features`: documents of ours that the product takes whole, in both
// containers.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import { API_VERSION, DOCUMENT_KINDS } from '../../src/config/featureKinds.ts';
import { decodeFeatures } from '../../src/config/features.ts';
import { parseYamlDocuments } from '../../src/config/yamlText.ts';
import type { ClusterObject } from '../support/e2e/clusterObjects.ts';
import { CHART, ciValues, Helm, theOnly } from './helm.ts';
import { podSpecOf } from './pod.ts';

const helm = new Helm();
afterAll(() => helm.close());

const URL = '--set=apiServer.url=https://192.0.2.10:6443';

const featuresOf = (objects: readonly ClusterObject[]) =>
  (theOnly(objects, 'ConfigMap')['data'] as Record<string, string>)['features.yaml'];

const decodeText = (text: string) => {
  const { documents, problems } = parseYamlDocuments(text, 'features.yaml');
  expect(problems).toEqual([]);
  const { features, problems: wrong } = decodeFeatures(documents);
  return { features, problems: wrong };
};

const checksumOf = (objects: readonly ClusterObject[]) => {
  const spec = theOnly(objects, 'DaemonSet')['spec'] as {
    readonly template: { readonly metadata: { readonly annotations: Record<string, string> } };
  };
  return spec.template.metadata.annotations['checksum/config'];
};

const TAKEOVER = '--set=features.FeaturesConfiguration.takeover=true';
const FLAG = '--features=/etc/kube-ipvs/features.yaml';
const containersOf = (...sets: readonly string[]) => {
  const objects = helm.objects(URL, ...sets);
  const { initContainers, containers } = podSpecOf(theOnly(objects, 'DaemonSet'));
  return { objects, all: [...initContainers!, ...containers] };
};

test.each(ciValues)('the features of %s values are ones the product takes whole', (_, file) => {
  const text = featuresOf(helm.objects(`--values=${file}`)) ?? '';
  expect(decodeText(text).problems).toEqual([]);
});

test('no features: no key, no flag and no mount', () => {
  const { objects, all } = containersOf();
  expect(featuresOf(objects)).toBeUndefined();
  expect(all).toHaveLength(2);
  expect(JSON.stringify(all)).not.toContain('features');
});

test('features are a key of the ConfigMap that both containers read, and another checksum', () => {
  const { objects, all } = containersOf(TAKEOVER);
  expect(decodeText(featuresOf(objects)!)).toEqual({
    features: { settings: { takeover: true, cleanupOtherModes: false } },
    problems: [],
  });
  for (const { args, volumeMounts } of all) {
    expect(args).toContain(FLAG);
    expect(volumeMounts).toContainEqual({
      name: 'config',
      mountPath: '/etc/kube-ipvs/features.yaml',
      subPath: 'features.yaml',
      readOnly: true,
    });
  }
  expect(checksumOf(objects)).not.toBe(checksumOf(helm.objects(URL)));
});

test('a document with nothing in it is there all the same', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'values-')), 'values.yaml');
  writeFileSync(file, stringify({ features: { FeaturesConfiguration: {} } }));
  const { objects, all } = containersOf(`--values=${file}`);
  rmSync(dirname(file), { recursive: true });
  expect(decodeText(featuresOf(objects)!).features).toEqual({
    settings: { takeover: false, cleanupOtherModes: false },
  });
  for (const { args } of all) expect(args).toContain(FLAG);
});

test('the schema of the values knows the kinds and fields of the product', () => {
  const schema = JSON.parse(readFileSync(join(CHART, 'values.schema.json'), 'utf8')) as {
    readonly properties: {
      readonly features: {
        readonly properties: Record<string, { readonly properties: object }>;
      };
    };
  };
  const kinds = Object.entries(schema.properties.features.properties);
  expect(kinds.map(([kind, { properties }]) => [kind, Object.keys(properties).toSorted()])).toEqual(
    DOCUMENT_KINDS.filter(({ apiVersion }) => apiVersion === API_VERSION).map(
      ({ kind, schema: { entries } }) => [kind, Object.keys(entries).toSorted()],
    ),
  );
});
