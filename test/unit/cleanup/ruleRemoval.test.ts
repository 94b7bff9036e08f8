import { expect, test } from '@jest/globals';
import { either, IPTABLES_MODE_RULES, ownNames, ownRules } from '../../../src/cleanup/names.ts';
import { ruleRemovals } from '../../../src/cleanup/ruleRemoval.ts';

const OWN = ownRules(ownNames([]));
const ALL = either(OWN, IPTABLES_MODE_RULES);

function saved(table: string, chains: readonly string[], rules: readonly string[]): string {
  const declared = chains.map((chain) => `:${chain} - [0:0]`);
  const all = rules.map((rule) => `-A ${rule}`);
  return [
    '# Generated',
    `*${table}`,
    ':INPUT ACCEPT [1:2]',
    ...declared,
    ...all,
    'COMMIT',
    '',
  ].join('\n');
}

const PORTALS = '-m comment --comment "kubernetes service portals"';

test('chains go with the jumps of a proxy to them, in one transaction a table', () => {
  const text = saved(
    'nat',
    ['KUBE-SERVICES', 'KUBE-MARK-MASQ', 'DOCKER'],
    [
      `PREROUTING ${PORTALS} -j KUBE-SERVICES`,
      'PREROUTING -m addrtype --dst-type LOCAL -j DOCKER',
      'KUBE-SERVICES -s 127.0.0.0/8 -j RETURN',
      'KUBE-SERVICES -j KUBE-MARK-MASQ',
    ],
  );
  const [removal, ...more] = ruleRemovals(text, OWN);
  expect(more).toEqual([]);
  expect(removal).toEqual({
    table: 'nat',
    chains: ['KUBE-SERVICES', 'KUBE-MARK-MASQ'],
    jumps: [`-A PREROUTING ${PORTALS} -j KUBE-SERVICES`],
    kept: [],
    input: `*nat
:KUBE-SERVICES - [0:0]
:KUBE-MARK-MASQ - [0:0]
-D PREROUTING ${PORTALS} -j KUBE-SERVICES
-X KUBE-SERVICES
-X KUBE-MARK-MASQ
COMMIT
`,
  });
});

test('a table without anything of ours is not touched, nor is one that we do not know', () => {
  expect(ruleRemovals(saved('filter', ['DOCKER'], ['INPUT -j DOCKER']), OWN)).toEqual([]);
  expect(ruleRemovals(saved('security', ['KUBE-SERVICES'], []), ALL)).toEqual([]);
  expect(ruleRemovals('', ALL)).toEqual([]);
});

test('a chain that somebody’s rule leads to stays, with all that it leads to', () => {
  const text = saved(
    'nat',
    ['KUBE-SERVICES', 'KUBE-LOAD-BALANCER', 'KUBE-MARK-MASQ', 'KUBE-POSTROUTING', 'MINE'],
    [
      'MINE -p tcp -g KUBE-LOAD-BALANCER',
      'KUBE-LOAD-BALANCER -j KUBE-MARK-MASQ',
      'KUBE-SERVICES -j KUBE-LOAD-BALANCER',
    ],
  );
  const [removal] = ruleRemovals(text, OWN);
  expect(removal!.chains).toEqual(['KUBE-SERVICES', 'KUBE-POSTROUTING']);
  expect(removal!.kept).toEqual([
    { chain: 'KUBE-LOAD-BALANCER', referrer: 'MINE' },
    { chain: 'KUBE-MARK-MASQ', referrer: 'KUBE-LOAD-BALANCER' },
  ]);
});

test.each([
  'PREROUTING -p tcp -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
  'PREROUTING -m comment --comment "by hand" -j KUBE-SERVICES',
  'PREROUTING -j KUBE-SERVICES',
])('a rule in a built-in chain that no proxy makes is somebody’s: %s', (rule) => {
  const [removal] = ruleRemovals(saved('nat', ['KUBE-SERVICES'], [rule]), OWN);
  expect(removal).toMatchObject({
    chains: [],
    jumps: [],
    kept: [{ chain: 'KUBE-SERVICES', referrer: 'PREROUTING' }],
    input: '',
  });
});

const IPTABLES_MODE_NAT = saved(
  'nat',
  ['KUBE-SERVICES', 'KUBE-NODEPORTS', 'KUBE-SVC-NPX46M4PTMTKRN6Y', 'KUBE-SEP-ABCDEFGHIJKLMNOP'],
  [
    `PREROUTING ${PORTALS} -j KUBE-SERVICES`,
    'KUBE-SVC-NPX46M4PTMTKRN6Y -j KUBE-SEP-ABCDEFGHIJKLMNOP',
    'KUBE-NODEPORTS -p tcp -m tcp --dport 30000 -j KUBE-SVC-NPX46M4PTMTKRN6Y',
  ],
);

test('what mode iptables has left goes when that is asked, and not otherwise', () => {
  expect(ruleRemovals(IPTABLES_MODE_NAT, OWN)[0]!.chains).toEqual(['KUBE-SERVICES']);
  const [removal] = ruleRemovals(IPTABLES_MODE_NAT, IPTABLES_MODE_RULES);
  expect(removal!.jumps).toEqual([]);
  expect(removal!.chains).toEqual([
    'KUBE-NODEPORTS',
    'KUBE-SVC-NPX46M4PTMTKRN6Y',
    'KUBE-SEP-ABCDEFGHIJKLMNOP',
  ]);
  expect(ruleRemovals(IPTABLES_MODE_NAT, ALL)[0]!.chains).toHaveLength(4);
});

test('chains of mode iptables that KUBE-SERVICES still leads to serve, and stay', () => {
  const served = IPTABLES_MODE_NAT.replace(
    'COMMIT',
    '-A KUBE-SERVICES -d 10.96.0.1/32 -j KUBE-SVC-NPX46M4PTMTKRN6Y\nCOMMIT',
  );
  const [removal] = ruleRemovals(served, IPTABLES_MODE_RULES);
  expect(removal!.chains).toEqual(['KUBE-NODEPORTS']);
  expect(removal!.kept).toEqual([
    { chain: 'KUBE-SVC-NPX46M4PTMTKRN6Y', referrer: 'KUBE-SERVICES' },
    { chain: 'KUBE-SEP-ABCDEFGHIJKLMNOP', referrer: 'KUBE-SVC-NPX46M4PTMTKRN6Y' },
  ]);
});

test('the firewall chain of both modes keeps the jumps of mode ipvs only', () => {
  const theirs =
    'INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL';
  const ours = 'INPUT -m comment --comment "kube-proxy firewall rules" -j KUBE-PROXY-FIREWALL';
  const text = saved('filter', ['KUBE-PROXY-FIREWALL', 'KUBE-FIREWALL'], [theirs, ours]);
  const [removal] = ruleRemovals(text, IPTABLES_MODE_RULES);
  expect(removal).toMatchObject({ chains: [], jumps: [`-A ${theirs}`], kept: [] });
  expect(ruleRemovals(text, ALL)[0]!.jumps).toEqual([`-A ${theirs}`, `-A ${ours}`]);
});

test('chains of kubelet are nobody’s here', () => {
  const kubelet = ['KUBE-FIREWALL', 'KUBE-KUBELET-CANARY', 'KUBE-IPTABLES-HINT', 'KUBE-SVC-1'];
  for (const table of ['mangle', 'nat', 'filter'])
    expect(ruleRemovals(saved(table, kubelet, ['INPUT -j KUBE-FIREWALL']), ALL)).toEqual([]);
});

test('names of a feature that is off count as ours too, and sets of both families', () => {
  const names = ownNames([
    {
      name: 'dns',
      sets: [{ name: 'KUBE-IPVS-DNS', type: 'hash:ip,port' }],
      chains: { raw: ['KUBE-IPVS-NOTRACK'], filter: ['KUBE-IPVS-DNS'] },
    },
  ]);
  expect(names.sets).toEqual(expect.arrayContaining(['KUBE-IPVS-DNS', 'KUBE-6-IPVS-DNS']));
  expect(names.sets).toEqual(expect.arrayContaining(['KUBE-CLUSTER-IP', 'KUBE-6-CLUSTER-IP']));
  expect(names.chains['raw']).toEqual(['KUBE-IPVS-NOTRACK']);
  expect(ruleRemovals(saved('raw', ['KUBE-IPVS-NOTRACK'], []), ownRules(names))).toHaveLength(1);
});
