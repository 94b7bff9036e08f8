import { describe, expect, test } from '@jest/globals';
import { readJson } from '../../../src/cluster/manifestJson.ts';
import { readManifest } from '../../../src/cluster/manifestText.ts';

const SERVICE = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web' },
  spec: { clusterIP: '10.96.0.10', ports: [{ name: 'http', port: 80 }] },
};
const NAMELESS = { ...SERVICE, metadata: {} };
const ODD_PORTS = {
  ...SERVICE,
  metadata: { name: 'odd' },
  spec: { clusterIP: '10.96.0.11', ports: [{ port: 80 }, { port: 0 }, { port: 'x' }, null] },
};
const SLICE = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
  addressType: 'IPv4',
  ports: [{ port: 8080, protocol: 'TCP' }],
  endpoints: [{ addresses: ['10.244.1.5'] }, { addresses: ['nonsense'] }, { addresses: 5 }],
};

/** The same text, and with a comment, which makes it YAML. */
function both(text: string) {
  const manifest = readManifest(text, 'cluster.json');
  expect(readManifest(`${text}\n# YAML`, 'cluster.json')).toEqual(manifest);
  return manifest;
}

describe('JSON means what it means as YAML, at the same places', () => {
  test.each([
    ['a Service', SERVICE, 1],
    ['no object of the API', { spec: [] }, 0],
    ['a list', { apiVersion: 'v1', kind: 'List', items: [SERVICE, SLICE, 7, 'x', []] }, 2],
    ['a typed list', { apiVersion: 'v1', items: [ODD_PORTS], kind: 'ServiceList' }, 1],
    ['a list of none', { apiVersion: 'v1', kind: 'List', items: {} }, 0],
    ['one without a name', { apiVersion: 'v1', kind: 'List', items: [NAMELESS, SERVICE] }, 1],
    ['odd ports', ODD_PORTS, 1],
    ['odd strings', { ...SERVICE, metadata: { name: 'web', annotations: { 'é"\\': 'a\n\t' } } }, 1],
  ])('%s', (_, value, count) => {
    for (const indent of [0, 4]) {
      expect(both(JSON.stringify(value, null, indent)).objects).toHaveLength(count);
    }
  });
});

test('a problem stands where its field does', () => {
  const text = JSON.stringify({ kind: 'List', items: [SLICE] }, null, 2);
  const lines = text.split('\n');
  const at = lines.findIndex((line) => line.includes('"addresses": 5'));
  const [slice] = readManifest(text, 'a.json').objects;
  const place = `a.json:${at + 1}:${lines[at]!.indexOf('5') + 1}`;
  expect(slice!.problems.map(({ source }) => source)).toContain(place);
});

test.each([
  ['YAML', 'kind: Service'],
  ['a list without an object', '[]'],
  ['two objects', '{}\n{}'],
  ['what ends too early', '{"kind": "Service"'],
  ['a comma too much', '{"kind": "Service",}'],
  ['a comment', '{} // x'],
  ['quotes of another kind', "{'kind': 'Service'}"],
  ['a key that is given twice', '{"spec": {"ports": [], "ports": []}}'],
  ['a key that is no field', '{"__proto__": {"kind": "Service"}}'],
])('%s is left to the reader of YAML', (_, text) => {
  expect(readJson(text)).toBeUndefined();
});

test('what YAML reads otherwise is what JSON says', () => {
  expect(readJson('{"a": "yes", "b": 1e3, "c": null, "d": "0x10"}')!.value).toEqual({
    a: 'yes',
    b: 1000,
    c: null,
    d: '0x10',
  });
});
