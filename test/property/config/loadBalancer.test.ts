/**
 * What `lb import` prints means what it was made of, and no text of a document breaks the reader.
 */
import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { decodeFeatures } from '../../../src/config/features.ts';
import { writtenLoadBalancer } from '../../../src/config/loadBalancer/writtenConfiguration.ts';
import { formatYamlText, parseYamlDocuments } from '../../../src/config/yamlText.ts';

const read = (text: string) => {
  const { documents, problems } = parseYamlDocuments(text, 'f.yaml');
  const decoded = decodeFeatures(documents);
  return { ...decoded, problems: [...problems, ...decoded.problems] };
};

const name = fc.stringMatching(/^[a-z]([-a-z0-9]{0,8}[a-z0-9])?$/);
/** Words that YAML takes for something else are among them. */
const labelValue = fc.oneof(
  fc.constantFrom('', 'on', 'no', 'y', '1', '1e3', '0x1', 'null', 'a_b.c-d'),
  fc.stringMatching(/^[A-Za-z0-9]([-A-Za-z0-9_.]{0,6}[A-Za-z0-9])?$/),
);
const labelKey = fc.oneof(name, fc.constantFrom('example.com/a', 'on', 'y', '1', 'A_b'));
const requirement = fc.oneof(
  fc.record({
    key: labelKey,
    operator: fc.constantFrom('In', 'NotIn'),
    values: fc.array(labelValue, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ key: labelKey, operator: fc.constantFrom('Exists', 'DoesNotExist') }),
);
const selector = fc.record(
  {
    matchLabels: fc.dictionary(labelKey, labelValue, { maxKeys: 3, noNullPrototype: true }),
    matchExpressions: fc.array(requirement, { maxLength: 2 }),
  },
  { requiredKeys: [] },
);
const selectors = fc.array(selector, { maxLength: 2 });
const some = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined });
const interfaces = fc.array(fc.constantFrom('eth0', 'bond*', '[ab]?', 'on', 'br-lan.1'), {
  maxLength: 3,
});
const duration = (fromMs: number, toMs: number) =>
  fc.integer({ min: fromMs, max: toMs }).map((ms) => `${ms}ms`);

/** Of the i-th pool in a network of its own, so that no two have an address in common. */
const addresses = (i: number) =>
  fc.subarray([
    `10.${i}.0.0/24`,
    `10.${i}.1.5`,
    `10.${i}.1.6-10.${i}.1.${7 + i}`,
    `fd00:${i}::/120`,
    `fd00:${i}::1:0-fd00:${i}::5:0`,
  ]);

const announcement = fc.record(
  {
    nodeSelectors: selectors,
    serviceSelectors: selectors,
    interfaces,
    preferredNodes: fc.array(fc.record({ weight: fc.integer({ min: 1, max: 100 }), selector }), {
      maxLength: 2,
    }),
  },
  { requiredKeys: [] },
);

const ownPool = (i: number) =>
  fc.record({
    name: name.map((text) => `${text}-${i}`),
    addresses: addresses(i),
    autoAssign: some(fc.boolean()),
    draining: some(fc.boolean()),
    skipZeroAnd255: some(fc.boolean()),
    priority: some(fc.integer({ min: 1, max: 2 ** 31 - 1 })),
    namespaces: some(fc.array(name, { maxLength: 2 })),
    namespaceSelectors: some(selectors),
    serviceSelectors: some(selectors),
    announce: some(fc.array(announcement, { maxLength: 2 })),
  });

const ownDocument = fc.record({
  apiVersion: fc.constant('kube-ipvs.io/v1alpha1'),
  kind: fc.constant('LoadBalancerConfiguration'),
  loadBalancerClass: some(fc.constantFrom('kube-ipvs.io/l2', 'example.com/lan', 'on')),
  serveUnclassed: some(fc.boolean()),
  pools: some(fc.tuple(ownPool(0), ownPool(1))),
  allocation: some(
    fc.record({
      outOfPool: fc.constantFrom('Keep', 'Reassign'),
      fallback: fc.constantFrom('Never', 'WhenExhausted'),
      sharing: fc.constantFrom('Never', 'SameNamespace', 'AnyNamespace'),
    }),
  ),
  announcer: some(
    fc.record({
      enabled: some(fc.boolean()),
      probeBeforeUse: some(fc.boolean()),
      ignoreExcludeLabel: some(fc.boolean()),
      interfaces: some(interfaces),
      excludeInterfaces: some(interfaces),
      refreshInterval: some(fc.oneof(fc.constant('0s'), duration(5_000, 600_000))),
      holdDown: some(duration(0, 3_600_000)),
      heartbeat: some(
        fc.oneof(
          fc.record({
            port: some(fc.integer({ min: 1, max: 65_535 })),
            interval: some(duration(20, 10_000)),
            misses: some(fc.integer({ min: 1, max: 100 })),
            secretFile: some(fc.constantFrom('/etc/kube-ipvs/lb/key', '/run/key', 'on')),
            insecure: some(fc.boolean()),
          }),
          fc.constant({ secretFile: '', insecure: true }),
        ),
      ),
    }),
  ),
});

const metadata = (i: number) =>
  fc.record({
    name: name.map((text) => `${text}-${i}`),
    labels: some(fc.dictionary(labelKey, labelValue, { maxKeys: 2, noNullPrototype: true })),
  });

const metallb = <Spec>(kind: string, i: number, spec: fc.Arbitrary<Spec>) =>
  fc.record({
    apiVersion: fc.constant('metallb.io/v1beta1'),
    kind: fc.constant(kind),
    metadata: metadata(i),
    spec,
  });

const foreignObjects = fc.tuple(
  metallb(
    'IPAddressPool',
    2,
    fc.record({
      addresses: addresses(2),
      autoAssign: some(fc.boolean()),
      avoidBuggyIPs: some(fc.boolean()),
      serviceAllocation: some(
        fc.record({
          priority: some(fc.integer({ min: 0, max: 100 })),
          namespaces: some(fc.array(name, { maxLength: 2 })),
          namespaceSelectors: some(selectors),
          serviceSelectors: some(selectors),
        }),
      ),
    }),
  ),
  metallb(
    'L2Advertisement',
    3,
    some(
      fc.record({
        ipAddressPoolSelectors: some(selectors),
        nodeSelectors: some(selectors),
        serviceSelectors: some(selectors),
        interfaces: some(fc.array(fc.constantFrom('eth0', 'a*', '[x]'), { maxLength: 2 })),
        preferredNodeSelectors: some(
          fc.array(fc.record({ weight: fc.integer({ min: 1, max: 100 }), preference: selector }), {
            maxLength: 2,
          }),
        ),
      }),
    ),
  ),
  fc.record({
    apiVersion: fc.constantFrom('cilium.io/v2', 'cilium.io/v2alpha1'),
    kind: fc.constant('CiliumLoadBalancerIPPool'),
    metadata: metadata(4),
    spec: fc.record({
      blocks: fc.subarray([{ cidr: '10.4.0.0/24' }, { start: '10.4.1.1', stop: '10.4.1.9' }]),
      disabled: some(fc.boolean()),
      allowFirstLastIPs: some(fc.constantFrom('Yes', 'No')),
      serviceSelector: some(selector),
    }),
  }),
  fc.record({
    apiVersion: fc.constant('cilium.io/v2alpha1'),
    kind: fc.constant('CiliumL2AnnouncementPolicy'),
    metadata: metadata(5),
    spec: fc.record({
      loadBalancerIPs: fc.boolean(),
      serviceSelector: some(selector),
      nodeSelector: some(selector),
      interfaces: some(
        fc.array(fc.constantFrom('^eth[0-9]+', 'lan', '^(a|b)$', '^x+$'), { maxLength: 3 }),
      ),
    }),
  }),
);

test('what is written of settings is read as the same settings, without a remark', () => {
  const documents = fc.tuple(some(ownDocument), foreignObjects, fc.boolean());
  fc.assert(
    fc.property(documents, ([own, objects, isList]) => {
      const foreign = isList ? [{ apiVersion: 'v1', kind: 'List', items: objects }] : objects;
      const given = [...(own === undefined ? [] : [own]), ...foreign];
      const first = read(given.map((each) => formatYamlText(withoutUndefined(each))).join('---\n'));
      expect(first.problems).toEqual([]);
      const settings = first.features.loadBalancer!;
      const written = formatYamlText(writtenLoadBalancer(settings));
      const second = read(written);
      expect(second.problems).toEqual([]);
      expect(second.features.loadBalancer).toEqual(settings);
      expect(formatYamlText(writtenLoadBalancer(second.features.loadBalancer!))).toBe(written);
    }),
    { numRuns: 150 },
  );
});

function withoutUndefined(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

test('any values in the places of fields end in problems, never in an exception', () => {
  const kinds = fc.constantFrom(
    ['kube-ipvs.io/v1alpha1', 'LoadBalancerConfiguration'],
    ['metallb.io/v1beta1', 'IPAddressPool'],
    ['metallb.io/v1beta1', 'L2Advertisement'],
    ['cilium.io/v2', 'CiliumLoadBalancerIPPool'],
    ['cilium.io/v2alpha1', 'CiliumL2AnnouncementPolicy'],
    ['v1', 'List'],
  );
  const anything = fc.anything({ maxDepth: 3 });
  const fields = fc.dictionary(
    fc.constantFrom('pools', 'allocation', 'announcer', 'metadata', 'spec', 'items'),
    fc.oneof(
      anything,
      fc.dictionary(
        fc.constantFrom(
          'name',
          'addresses',
          'blocks',
          'serviceSelectors',
          'interfaces',
          'heartbeat',
        ),
        anything,
      ),
      fc.array(anything, { maxLength: 3 }),
    ),
  );
  fc.assert(
    fc.property(kinds, fields, ([apiVersion, kind], body) => {
      const value = { apiVersion, kind, ...body };
      const { problems } = decodeFeatures([{ value, duplicates: [], placeOf: () => undefined }]);
      expect(problems.every(({ problem }) => problem !== '')).toBe(true);
    }),
    { numRuns: 500 },
  );
});
