import { describe, expect, test } from '@jest/globals';
import { type Manifest, readManifest } from '../../../src/cluster/manifestText.ts';
import { formatProblem } from '../../../src/model/problem.ts';

function read(text: string): Manifest {
  return readManifest(text, 'web.yaml');
}

function ids(manifest: Manifest): string[] {
  return manifest.objects.map(({ id }) => id);
}

/** All problems as a person sees them, those of objects last. */
function lines({ problems, objects }: Manifest): string[] {
  return [...problems, ...objects.flatMap((object) => object.problems)].map(formatProblem);
}

const SERVICE = `apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  clusterIP: 10.96.0.10
  ports:
    - name: http
      port: 80
`;

describe('a manifest', () => {
  test('of one object becomes the change that brings it', () => {
    const { objects, problems } = read(SERVICE);
    expect(problems).toEqual([]);
    expect(objects).toEqual([
      {
        id: 'Service/default/web',
        source: 'web.yaml:1:1',
        problems: [],
        state: {
          kind: 'Service',
          key: 'default/web',
          object: expect.objectContaining({ name: 'web', clusterIPs: ['10.96.0.10'] }),
        },
      },
    ]);
  });

  test('of several documents becomes several, empty ones are nothing', () => {
    const text = `---\n# only a comment\n---\n${SERVICE}---\n---\nkind: Node\napiVersion: v1\nmetadata: {name: a}\n...\n`;
    expect(ids(read(text))).toEqual(['Service/default/web', 'Node/a']);
    expect(lines(read(text))).toEqual([]);
  });

  test.each(['', '\n', '# nothing\n', '---\n', '---\n---\n', '\uFEFF'])('%j is empty', (text) => {
    expect(read(text)).toEqual({ objects: [], problems: [] });
  });

  test('may be JSON', () => {
    const text = JSON.stringify(
      { apiVersion: 'v1', kind: 'Node', metadata: { name: 'a' } },
      null,
      2,
    );
    expect(ids(read(text))).toEqual(['Node/a']);
    expect(lines(read(text))).toEqual([]);
  });

  test('may end its lines as on Windows', () => {
    expect(read(SERVICE.replaceAll('\n', '\r\n'))).toMatchObject({ problems: [], objects: [{}] });
  });

  test('may use anchors and merge keys', () => {
    const text = `
apiVersion: v1
kind: List
items:
  - &web {apiVersion: v1, kind: Service, metadata: {name: web}, spec: {clusterIP: 10.96.0.10}}
  - <<: *web
    metadata: {name: web2}
`;
    expect(ids(read(text))).toEqual(['Service/default/web', 'Service/default/web2']);
  });

  test('names a slice by its own name and carries its Service', () => {
    const text = `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
`;
    expect(read(text).objects[0]).toMatchObject({
      id: 'EndpointSlice/shop/web-1',
      state: { kind: 'EndpointSlice', key: 'shop/web-1' },
    });
  });
});

describe('a List', () => {
  const item = (name: string) => `{apiVersion: v1, kind: Service, metadata: {name: ${name}}}`;

  test('stands for its items, also when nested', () => {
    const text = `kind: List\nitems:\n- ${item('a')}\n- {kind: List, items: [${item('b')}]}\n- ${item('c')}\n`;
    expect(ids(read(text))).toEqual([
      'Service/default/a',
      'Service/default/b',
      'Service/default/c',
    ]);
  });

  test('of one kind lends kind and version to items that have none, as the API sends them', () => {
    const text = `
apiVersion: discovery.k8s.io/v1
kind: EndpointSliceList
items:
  - metadata: {name: s, labels: {kubernetes.io/service-name: web}}
    addressType: IPv4
`;
    expect(ids(read(text))).toEqual(['EndpointSlice/default/s']);
    expect(
      ids(read('{apiVersion: v1, kind: ServiceList, items: [{metadata: {name: a}}]}')),
    ).toEqual(['Service/default/a']);
  });

  test('may be empty', () => {
    expect(read('{kind: List, items: []}')).toEqual({ objects: [], problems: [] });
    expect(read('{kind: List}')).toEqual({ objects: [], problems: [] });
    expect(read('{kind: List, items: null}')).toEqual({ objects: [], problems: [] });
  });

  test('reports an item at its place and reads the others', () => {
    const manifest = read(
      `kind: List\nitems:\n- ${item('a')}\n- 5\n- {metadata: {}}\n- ${item('b')}\n`,
    );
    expect(ids(manifest)).toEqual(['Service/default/a', 'Service/default/b']);
    expect(lines(manifest)).toEqual([
      'web.yaml:4:3 (5): must be an object with apiVersion and kind',
      'web.yaml:5:3: must say its kind, as in "kind: Service"',
    ]);
  });

  test('whose items are no list is reported', () => {
    expect(lines(read('kind: List\nitems: {a: 1}\n'))).toEqual([
      'web.yaml:2:8 ({"a":1}): items must be a list',
    ]);
  });
});

describe('other kinds', () => {
  test.each([
    '{apiVersion: v1, kind: Namespace, metadata: {name: a}}',
    '{apiVersion: networking.k8s.io/v1, kind: ServiceCIDR, metadata: {name: a}}',
    '{apiVersion: apps/v1, kind: Deployment}',
    '{apiVersion: serving.knative.dev/v1, kind: Service, metadata: {name: a}}',
    '{apiVersion: example.com/v1, kind: AllowList, spec: {}}',
    '{apiVersion: v1, kind: PodList, items: [{metadata: {name: a}}]}',
  ])('like %s are ignored', (text) => {
    expect(read(text)).toEqual({ objects: [], problems: [] });
  });

  test('in a version that is not read are reported', () => {
    const text = '{apiVersion: discovery.k8s.io/v1beta1, kind: EndpointSlice, metadata: {name: a}}';
    expect(lines(read(text))).toEqual([
      'web.yaml:1:1 ("discovery.k8s.io/v1beta1"): must be of version v1 to be read as EndpointSlice',
    ]);
    expect(lines(read('{apiVersion: 1, kind: Service, metadata: {name: a}}'))).toHaveLength(1);
  });

  test('without an apiVersion are taken for the usual one', () => {
    expect(ids(read('{kind: Service, metadata: {name: a}}'))).toEqual(['Service/default/a']);
  });
});

describe('a bad field is reported with its line and column', () => {
  test('where it stands', () => {
    expect(lines(read(SERVICE.replace('port: 80', 'port: abc')))).toEqual([
      'web.yaml:9:13: Service/default/web.spec.ports[0].port ("abc"): must be a whole number from 1 to 65535; this port is skipped',
    ]);
  });

  test('where it is missing, at what should hold it', () => {
    expect(lines(read(SERVICE.replace('      port: 80\n', '')))).toEqual([
      'web.yaml:8:7: Service/default/web.spec.ports[0].port: must be a whole number from 1 to 65535; this port is skipped',
    ]);
  });

  test('in a second document and in a list', () => {
    const item = SERVICE.replace('port: 80', 'port: 70000').replaceAll(/^/gm, '    ').trim();
    expect(lines(read(`${SERVICE}---\nkind: List\nitems:\n  - ${item}\n`))).toEqual([
      'web.yaml:21:17: Service/default/web.spec.ports[0].port (70000): must be a whole number from 1 to 65535; this port is skipped',
    ]);
  });

  test('in an annotation, whose key has dots', () => {
    const text = `kind: Service
metadata:
  name: web
  annotations:
    service.beta.kubernetes.io/load-balancer-source-ranges: 5
`;
    expect(lines(read(text))).toEqual([
      'web.yaml:5:61: Service/default/web.metadata.annotations[service.beta.kubernetes.io/load-balancer-source-ranges] (5): must be a string (put it in quotes); this Service is skipped',
    ]);
  });

  test('of an object with an odd name', () => {
    const text = 'kind: Service\nmetadata: {name: "a.b[0]/c"}\nspec:\n  type: Foo\n';
    expect(lines(read(text))).toEqual([
      'web.yaml:4:9: Service/default/a.b[0]/c.spec.type ("Foo"): must be one of ClusterIP, NodePort, LoadBalancer, ExternalName; this Service is skipped',
    ]);
  });

  test('and the object stays known by its name when it cannot be used', () => {
    const { objects } = read('kind: Service\nmetadata: {name: a}\nspec: 5\n');
    expect(objects).toHaveLength(1);
    expect(objects[0]).not.toHaveProperty('state');
  });

  test('while an object without a name is a problem of the file', () => {
    const { objects, problems } = read('kind: Service\nmetadata:\n  namespace: x\n');
    expect(objects).toEqual([]);
    expect(problems.map(formatProblem)).toEqual([
      'web.yaml:3:3: Service/x/(unnamed).metadata.name: must be a non-empty string; this Service is skipped',
    ]);
  });
});

test('plain scalars are what they are for kubectl: YAML 1.1, without its times', () => {
  const manifest = read(`kind: EndpointSlice
metadata: {name: web-1, creationTimestamp: 2026-11-29T21:00:00Z, labels: {kubernetes.io/service-name: web}}
addressType: IPv6
endpoints: [{addresses: [1:2:3:4:5:6:7:8], conditions: {ready: no, serving: yes}}]
`);
  expect(manifest.problems).toEqual([]);
  expect(manifest.objects[0]).toMatchObject({
    problems: [],
    state: {
      object: { endpoints: [{ address: '1:2:3:4:5:6:7:8', isReady: false, isServing: true }] },
    },
  });
});

describe('a text that is not well formed', () => {
  test('costs its document only', () => {
    const manifest = read(`kind: [\n---\n${SERVICE}`);
    expect(ids(manifest)).toEqual(['Service/default/web']);
    expect(manifest.problems[0]?.source).toBe('web.yaml:2:1');
  });

  test('shows the line', () => {
    const [line] = lines(read('kind: Service\nmetadata:\n  name: "web\n'));
    expect(line).toMatch(/^web\.yaml:4:1 \(.*\): is not well formed: Missing closing "quote/);
  });

  test('shows the line from its beginning to the fault, cut to 80 letters', () => {
    expect(lines(read('# x\nkind: Service\n  b: c\n'))[0]).toBe(
      'web.yaml:2:7 ("kind: S"): is not well formed: Nested mappings are not allowed in compact mappings',
    );
    const long = 'x'.repeat(90);
    expect(lines(read(`${long}: b: c\n`))[0]).toContain(` ("${long.slice(0, 80)}"): is not`);
  });

  test('may be a key given twice', () => {
    const manifest = read(
      'kind: Service\nmetadata: {name: a}\nspec:\n  type: NodePort\n  "type": ClusterIP\n',
    );
    expect(manifest.objects).toEqual([]);
    expect(lines(manifest)).toEqual(['web.yaml:5:3 ("type"): is given twice in one object']);
  });

  test('may be cut anywhere: it is read as a prefix, or reported, and never throws', () => {
    const whole = `${SERVICE}---\n${SERVICE.replace('name: web', 'name: "db"')}`;
    for (let length = 0; length < whole.length; length++) {
      const manifest = read(whole.slice(0, length));
      expect(['', 'Service/default/web', 'Service/default/web Service/default/db']).toContain(
        ids(manifest)
          .filter((id) => /web$|db$/.test(id))
          .join(' '),
      );
    }
  });

  test.each([
    ['an unknown alias', 'kind: Service\nmetadata: *gone\n', 'Unresolved alias'],
    [
      'a bomb of aliases',
      `a: &a [1,1,1,1,1,1,1,1,1,1]\n${Array.from('bcdefghi')
        .map((key, i) => `${key}: &${key} [${Array(10).fill(`*${'abcdefghi'[i]}`).join(',')}]`)
        .join('\n')}\n`,
      'Excessive alias count',
    ],
    ['a scalar', 'just words\n', 'must be an object'],
    ['a list', '- 1\n- 2\n', 'must be an object'],
    ['a kind that is no word', 'kind: 5\n', 'must say its kind'],
    ['an empty kind', 'kind: ""\n', 'must say its kind'],
  ])('may be %s', (_, text, expected) => {
    const manifest = read(text);
    expect(manifest.objects).toEqual([]);
    expect(lines(manifest).join('\n')).toContain(expected);
  });
});

test('a Service of many ports with a bad one in the middle is read', () => {
  const ports = Array.from(
    { length: 6_000 },
    (_, i) => `{name: p${i}, port: ${i === 3_000 ? 'x' : i + 1}}`,
  );
  const manifest = read(
    `kind: Service\nmetadata: {name: web}\nspec:\n  ports:\n  - ${ports.join('\n  - ')}\n`,
  );
  expect(manifest.objects[0]?.state?.object).toMatchObject({ ports: { length: 5_999 } });
  expect(lines(manifest)).toHaveLength(1);
  expect(lines(manifest)[0]).toMatch(/^web\.yaml:3005:25: /);
});
