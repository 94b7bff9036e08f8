import { expect, test } from '@jest/globals';
import { LB_HEAD, readLoadBalancer } from '../../../support/configuration/loadBalancerDocuments.ts';

const read = (fields: string) => readLoadBalancer(`${LB_HEAD}${fields}`);
const ANYWHERE = { nodeSelectors: [], serviceSelectors: [], interfaces: [], preferredNodes: [] };

test('without a document there is no load balancer', () => {
  expect(readLoadBalancer('')).toEqual({ settings: undefined, problems: [], remarks: [] });
});

test('a document with nothing in it has the defaults, and no pools', () => {
  expect(read('')).toEqual({
    settings: {
      loadBalancerClass: 'kube-ipvs.io/l2',
      serveUnclassed: false,
      pools: [],
      allocation: { outOfPool: 'Keep', fallback: 'Never', sharing: 'SameNamespace' },
      announcer: {
        enabled: true,
        probeBeforeUse: true,
        ignoreExcludeLabel: false,
        interfaces: ['*'],
        excludeInterfaces: [],
        refreshIntervalMs: 45_000,
        holdDownMs: 60_000,
        heartbeat: {
          port: 10_260,
          intervalMs: 200,
          misses: 3,
          secretFile: '/etc/kube-ipvs/lb/key',
        },
      },
    },
    problems: [],
    remarks: [],
  });
});

test('a pool of a name and addresses has the defaults, and is announced everywhere', () => {
  const { settings, problems } = read('pools: [{ name: office, addresses: [192.0.2.1] }]\n');
  expect(problems).toEqual([]);
  expect(settings!.pools).toEqual([
    {
      name: 'office',
      ranges: [{ family: 'IPv4', first: 0xc0000201n, last: 0xc0000201n }],
      autoAssign: true,
      draining: false,
      skipZeroAnd255: false,
      priority: undefined,
      namespaces: undefined,
      namespaceSelectors: undefined,
      serviceSelectors: undefined,
      announce: [ANYWHERE],
    },
  ]);
});

test('every field of it is carried into the settings', () => {
  const { settings, problems, remarks } = read(`
loadBalancerClass: example.com/lan
serveUnclassed: true
pools:
- name: office
  addresses: [192.0.2.64/27, 192.0.2.100-192.0.2.120, "2001:db8:1::/120"]
  autoAssign: false
  draining: true
  skipZeroAnd255: true
  priority: 10
  namespaces: [team-a]
  namespaceSelectors: [{ matchLabels: { env: prod } }]
  serviceSelectors: [{ matchExpressions: [{ key: tier, operator: In, values: [web] }] }]
  announce:
  - nodeSelectors: [{ matchExpressions: [{ key: example.com/edge, operator: Exists }] }]
    serviceSelectors: [{}]
    interfaces: [eth0, "bond*"]
    preferredNodes: [{ weight: 100, selector: { matchLabels: { role: edge } } }]
- { name: routed, addresses: [], announce: [] }
allocation: { outOfPool: Reassign, fallback: WhenExhausted, sharing: AnyNamespace }
announcer:
  enabled: false
  probeBeforeUse: false
  ignoreExcludeLabel: true
  interfaces: [eth0]
  excludeInterfaces: ["eth1"]
  refreshInterval: 0s
  holdDown: 1m30s
  heartbeat: { port: 1, interval: 100ms, misses: 5, secretFile: /run/key }
`);
  expect([problems, remarks]).toEqual([[], []]);
  expect(settings).toEqual({
    loadBalancerClass: 'example.com/lan',
    serveUnclassed: true,
    pools: [
      {
        name: 'office',
        ranges: [
          { family: 'IPv4', first: 0xc0000240n, last: 0xc000025fn },
          { family: 'IPv4', first: 0xc0000264n, last: 0xc0000278n },
          {
            family: 'IPv6',
            first: 0x20010db8_0001_0000_0000_0000_0000_0000n,
            last: 0x20010db8_0001_0000_0000_0000_0000_00ffn,
          },
        ],
        autoAssign: false,
        draining: true,
        skipZeroAnd255: true,
        priority: 10,
        namespaces: ['team-a'],
        namespaceSelectors: [{ matchLabels: { env: 'prod' } }],
        serviceSelectors: [
          { matchExpressions: [{ key: 'tier', operator: 'In', values: ['web'] }] },
        ],
        announce: [
          {
            nodeSelectors: [
              { matchExpressions: [{ key: 'example.com/edge', operator: 'Exists' }] },
            ],
            serviceSelectors: [{}],
            interfaces: ['eth0', 'bond*'],
            preferredNodes: [{ weight: 100, selector: { matchLabels: { role: 'edge' } } }],
          },
        ],
      },
      {
        name: 'routed',
        ranges: [],
        autoAssign: true,
        draining: false,
        skipZeroAnd255: false,
        priority: undefined,
        namespaces: undefined,
        namespaceSelectors: undefined,
        serviceSelectors: undefined,
        announce: [],
      },
    ],
    allocation: { outOfPool: 'Reassign', fallback: 'WhenExhausted', sharing: 'AnyNamespace' },
    announcer: {
      enabled: false,
      probeBeforeUse: false,
      ignoreExcludeLabel: true,
      interfaces: ['eth0'],
      excludeInterfaces: ['eth1'],
      refreshIntervalMs: 0,
      holdDownMs: 90_000,
      heartbeat: { port: 1, intervalMs: 100, misses: 5, secretFile: '/run/key' },
    },
  });
});

const LB = 'LoadBalancerConfiguration';
const LABEL =
  'must be a DNS label: 1 to 63 small letters, digits and dashes, no dash at either end';
const RANGE = 'must be a prefix (192.0.2.64/27), a range (192.0.2.100-192.0.2.120) or an address';
const pool = (fields: string) => `pools:\n- { name: a, addresses: [], ${fields} }\n`;
const selector = (text: string) => pool(`serviceSelectors: [${text}]`);
const requirement = (text: string) => selector(`{ matchExpressions: [{ ${text} }] }`);
const entry = (fields: string) => pool(`announce: [{ ${fields} }]`);
const beat = (fields: string) => `announcer:\n  heartbeat: { ${fields} }\n`;
const S = 'pools[0].serviceSelectors[0]';
const R = `${S}.matchExpressions[0]`;
const E = 'pools[0].announce[0]';
const H = 'announcer.heartbeat';

test.each([
  ['pool: []\n', 'pool ([]): unknown field (did you mean pools?)'],
  [pool('autoAsign: true'), 'pools[0].autoAsign (true): unknown field (did you mean autoAssign?)'],
  [
    entry('interface: [eth0]'),
    `${E}.interface (["eth0"]): unknown field (did you mean interfaces?)`,
  ],
  [
    requirement('key: a, operator: Exists, value: b'),
    `${R}.value ("b"): unknown field (did you mean values?)`,
  ],
  [
    selector('{ matchLabel: {} }'),
    `${S}.matchLabel ({}): unknown field (did you mean matchLabels?)`,
  ],
  [beat('secret: a'), `${H}.secret ("a"): unknown field (did you mean secretFile?)`],
  [
    'allocation: { outofPool: Keep }\n',
    'allocation.outofPool ("Keep"): unknown field (did you mean outOfPool?)',
  ],
  [
    'loadBalancerClass: a b\n',
    'loadBalancerClass ("a b"): must be a name such as office or example.com/office',
  ],
  [
    'loadBalancerClass: Example.com/l2\n',
    'loadBalancerClass ("Example.com/l2"): must be a name such as office or example.com/office',
  ],
  [
    'loadBalancerClass: ""\n',
    'loadBalancerClass (""): must be a name such as office or example.com/office',
  ],
  ['serveUnclassed: 1\n', 'serveUnclassed (1): must be true or false'],
  ['pools: {}\n', 'pools ({}): must be a list of objects with name and addresses'],
  ['pools: [office]\n', 'pools[0] ("office"): must be an object with name and addresses'],
  ['pools: [{ name: 1, addresses: [] }]\n', `pools[0].name (1): ${LABEL}`],
  ['pools: [{ name: Office, addresses: [] }]\n', `pools[0].name ("Office"): ${LABEL}`],
  ['pools: [{ name: a., addresses: [] }]\n', `pools[0].name ("a."): ${LABEL}`],
  ['pools: [{ name: -a, addresses: [] }]\n', `pools[0].name ("-a"): ${LABEL}`],
  [
    `pools: [{ name: ${'a'.repeat(64)}, addresses: [] }]\n`,
    `pools[0].name ("${'a'.repeat(64)}"): ${LABEL}`,
  ],
  ['pools: [{ addresses: [] }]\n', 'pools[0].name: must be given'],
  ['pools: [{ name: a }]\n', 'pools[0].addresses: must be given'],
  [
    'pools: [{ name: a, addresses: 10.0.0.0/8 }]\n',
    'pools[0].addresses ("10.0.0.0/8"): must be a list of prefixes, ranges and addresses',
  ],
  ['pools: [{ name: a, addresses: [7] }]\n', `pools[0].addresses[0] (7): ${RANGE}`],
  [
    'pools: [{ name: a, addresses: [10.0.0.0/33] }]\n',
    `pools[0].addresses[0] ("10.0.0.0/33"): ${RANGE}`,
  ],
  [
    'pools: [{ name: a, addresses: [10.0.0.256] }]\n',
    `pools[0].addresses[0] ("10.0.0.256"): ${RANGE}`,
  ],
  [
    'pools: [{ name: a, addresses: [10.0.0.1-10.0.0.2-10.0.0.3] }]\n',
    `pools[0].addresses[0] ("10.0.0.1-10.0.0.2-10.0.0.3"): ${RANGE}`,
  ],
  [
    'pools: [{ name: a, addresses: [10.0.0.1-9] }]\n',
    `pools[0].addresses[0] ("10.0.0.1-9"): ${RANGE}`,
  ],
  [
    'pools: [{ name: a, addresses: [10.0.0.2-10.0.0.1] }]\n',
    'pools[0].addresses[0] ("10.0.0.2-10.0.0.1"): ends before it begins',
  ],
  [
    'pools: [{ name: a, addresses: ["10.0.0.2-fd00::1"] }]\n',
    'pools[0].addresses[0] ("10.0.0.2-fd00::1"): begins in one IP family and ends in the other',
  ],
  [pool('autoAssign: "yes"'), 'pools[0].autoAssign ("yes"): must be true or false'],
  [pool('draining: 0'), 'pools[0].draining (0): must be true or false'],
  [pool('skipZeroAnd255: []'), 'pools[0].skipZeroAnd255 ([]): must be true or false'],
  [pool('priority: 0'), 'pools[0].priority (0): must be a whole number from 1 to 2147483647'],
  [pool('priority: 1.5'), 'pools[0].priority (1.5): must be a whole number from 1 to 2147483647'],
  [
    pool('priority: 1e400'),
    'pools[0].priority (null): must be a whole number from 1 to 2147483647',
  ],
  [pool('priority: "1"'), 'pools[0].priority ("1"): must be a whole number from 1 to 2147483647'],
  [
    pool('priority: 99999999999999999999999999'),
    'pools[0].priority (1e+26): must be a whole number from 1 to 2147483647',
  ],
  [pool('namespaces: team-a'), 'pools[0].namespaces ("team-a"): must be a list of names'],
  [pool('namespaces: [Team]'), `pools[0].namespaces[0] ("Team"): ${LABEL}`],
  [
    pool('namespaceSelectors: [{ matchLabels: { env: yes } }]'),
    'pools[0].namespaceSelectors[0].matchLabels.env (true): must be the value of a label: text of at most 63 letters, digits, "-", "_" and "."',
  ],
  [
    pool('namespaceSelectors: {}'),
    'pools[0].namespaceSelectors ({}): must be a list of label selectors',
  ],
  [selector('a=b'), `${S} ("a=b"): must be an object with matchLabels or matchExpressions`],
  [
    selector('{ matchLabels: { a/b/c: d } }'),
    `${S}.matchLabels.a/b/c ("a/b/c"): must be the key of a label, such as env or example.com/env`,
  ],
  [selector('{ matchExpressions: {} }'), `${S}.matchExpressions ({}): must be a list of objects`],
  [
    requirement('key: a, operator: Equals'),
    `${R}.operator ("Equals"): must be In, NotIn, Exists, DoesNotExist`,
  ],
  [requirement('operator: Exists'), `${R}.key: must be given`],
  [requirement('key: a, operator: In'), `${R}.values ([]): of In must hold at least one value`],
  [
    requirement('key: a, operator: NotIn, values: []'),
    `${R}.values ([]): of NotIn must hold at least one value`,
  ],
  [
    requirement('key: a, operator: Exists, values: [b]'),
    `${R}.values (["b"]): of Exists must be left out`,
  ],
  [
    requirement('key: a, operator: DoesNotExist, values: [b]'),
    `${R}.values (["b"]): of DoesNotExist must be left out`,
  ],
  [
    requirement('key: a, operator: In, values: [b c]'),
    `${R}.values[0] ("b c"): must be the value of a label: text of at most 63 letters, digits, "-", "_" and "."`,
  ],
  [pool('announce: {}'), 'pools[0].announce ({}): must be a list of objects'],
  [pool('announce: [eth0]'), 'pools[0].announce[0] ("eth0"): must be an object'],
  [entry('interfaces: eth0'), `${E}.interfaces ("eth0"): must be a list of names`],
  [
    entry('interfaces: [""]'),
    `${E}.interfaces[0] (""): must be the name of a network interface, or a glob such as eth*`,
  ],
  [
    entry('interfaces: ["eth[0"]'),
    `${E}.interfaces[0] ("eth[0"): must be the name of a network interface, or a glob such as eth*`,
  ],
  [
    entry('interfaces: [a/b]'),
    `${E}.interfaces[0] ("a/b"): must be the name of a network interface, or a glob such as eth*`,
  ],
  [
    entry('interfaces: [abcdefghijklmnop]'),
    `${E}.interfaces[0] ("abcdefghijklmnop"): is longer than the 15 bytes that the name of a network interface may have`,
  ],
  [
    entry('preferredNodes: [{ weight: 0, selector: {} }]'),
    `${E}.preferredNodes[0].weight (0): must be a whole number from 1 to 100`,
  ],
  [
    entry('preferredNodes: [{ weight: 101, selector: {} }]'),
    `${E}.preferredNodes[0].weight (101): must be a whole number from 1 to 100`,
  ],
  [entry('preferredNodes: [{ weight: 5 }]'), `${E}.preferredNodes[0].selector: must be given`],
  ['allocation: []\n', 'allocation ([]): must be an object'],
  ['allocation: { outOfPool: keep }\n', 'allocation.outOfPool ("keep"): must be Keep or Reassign'],
  [
    'allocation: { fallback: Always }\n',
    'allocation.fallback ("Always"): must be Never or WhenExhausted',
  ],
  [
    'allocation: { sharing: yes }\n',
    'allocation.sharing (true): must be Never or SameNamespace or AnyNamespace',
  ],
  [
    'announcer: { interfaces: ["*", 3] }\n',
    'announcer.interfaces[1] (3): must be the name of a network interface, or a glob such as eth*',
  ],
  [
    'announcer: { excludeInterfaces: ["["] }\n',
    'announcer.excludeInterfaces[0] ("["): must be the name of a network interface, or a glob such as eth*',
  ],
  [
    'announcer: { refreshInterval: 4s }\n',
    'announcer.refreshInterval ("4s"): must be a duration from 5s to 10m, or 0s, such as "45s"',
  ],
  [
    'announcer: { refreshInterval: 11m }\n',
    'announcer.refreshInterval ("11m"): must be a duration from 5s to 10m, or 0s, such as "45s"',
  ],
  [
    'announcer: { refreshInterval: 45 }\n',
    'announcer.refreshInterval (45): must be a duration from 5s to 10m, or 0s, such as "45s"',
  ],
  [
    'announcer: { holdDown: -1s }\n',
    'announcer.holdDown ("-1s"): must be a duration from 0s to 1h, such as "60s"',
  ],
  [
    'announcer: { holdDown: soon }\n',
    'announcer.holdDown ("soon"): must be a duration from 0s to 1h, such as "60s"',
  ],
  [beat('port: 0'), `${H}.port (0): must be a whole number from 1 to 65535`],
  [beat('port: 65536'), `${H}.port (65536): must be a whole number from 1 to 65535`],
  [
    beat('interval: 0s'),
    `${H}.interval ("0s"): must be a duration from 20ms to 10s, such as "200ms"`,
  ],
  [
    beat('interval: 11s'),
    `${H}.interval ("11s"): must be a duration from 20ms to 10s, such as "200ms"`,
  ],
  [beat('misses: 0'), `${H}.misses (0): must be a whole number from 1 to 100`],
  [beat('secretFile: 5'), `${H}.secretFile (5): must be the path of a file`],
  [beat('insecure: "no"'), `${H}.insecure ("no"): must be true or false`],
])('%j is refused: %s', (fields, problem) => {
  const { problems, settings } = read(fields);
  expect(settings).toBeUndefined();
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(/^f\.yaml:\d+:\d+: /);
  expect(problems[0]!.replace(/^\S+ /, '')).toBe(`${LB}.${problem}`);
});

test('everything wrong is told at once, each at its line and column', () => {
  expect(
    read('pools:\n- name: A\n  addresses:\n  - 10.0.0.1\n  - nope\n  priority: 0\n').problems,
  ).toEqual([
    `f.yaml:4:3: ${LB}.pools[0].name ("A"): ${LABEL}`,
    `f.yaml:7:5: ${LB}.pools[0].addresses[1] ("nope"): ${RANGE}`,
    `f.yaml:8:3: ${LB}.pools[0].priority (0): must be a whole number from 1 to 2147483647`,
  ]);
});
