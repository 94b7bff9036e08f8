import { expect, test } from '@jest/globals';
import { SERVICE_SETS } from '../../../src/desired/ipsets.ts';
import { setName } from '../../../src/dataplane/setNames.ts';
import { desiredIptables } from '../../../src/desired/iptables.ts';
import { ServiceContributor, serviceRules } from '../../../src/desired/serviceContributor.ts';
import { hexMark } from '../../../src/desired/ruleText.ts';
import type { Family } from '../../../src/net/family.ts';
import { parsePrefix } from '../../../src/net/prefix.ts';
import { dataplaneOptions, hostNetwork } from '../../support/objects/nodeFixtures.ts';

const services = [{ rules: serviceRules }];
const both = ['IPv4', 'IPv6'] as const;
const rulesOf = (family: Family, overrides: Parameters<typeof dataplaneOptions>[0] = {}) =>
  desiredIptables(services, dataplaneOptions(overrides), hostNetwork())[family];
const all = (family: Family, overrides: Parameters<typeof dataplaneOptions>[0] = {}) =>
  Object.values(rulesOf(family, overrides)).flatMap((chains) => [...chains.values()].flat());

test.each(both)("%s has kube-proxy's eleven chains", (family) => {
  const { nat, filter } = rulesOf(family);
  const ours = (names: Iterable<string>) =>
    [...names].filter((name) => name.startsWith('KUBE-')).toSorted();
  expect(ours(nat.keys())).toEqual([
    'KUBE-LOAD-BALANCER',
    'KUBE-MARK-MASQ',
    'KUBE-NODE-PORT',
    'KUBE-POSTROUTING',
    'KUBE-SERVICES',
  ]);
  expect(ours(filter.keys())).toEqual([
    'KUBE-FORWARD',
    'KUBE-IPVS-FILTER',
    'KUBE-IPVS-OUT-FILTER',
    'KUBE-NODE-PORT',
    'KUBE-PROXY-FIREWALL',
    'KUBE-SOURCE-RANGES-FIREWALL',
  ]);
});

test.each(both)('%s has the nine jumps in the order a clean node ends with', (family) => {
  const jumps = all(family).filter((rule) => !rule.startsWith('-A KUBE-'));
  expect(jumps).toEqual([
    '-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
    '-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
    '-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING',
    '-A INPUT -m comment --comment "kubernetes ipvs access filter" -j KUBE-IPVS-FILTER',
    '-A INPUT -m comment --comment "kube-proxy firewall rules" -j KUBE-PROXY-FIREWALL',
    '-A INPUT -m comment --comment "kubernetes health check rules" -j KUBE-NODE-PORT',
    '-A FORWARD -m comment --comment "kube-proxy firewall rules" -j KUBE-PROXY-FIREWALL',
    '-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD',
    '-A OUTPUT -m comment --comment "kubernetes ipvs access filter" -j KUBE-IPVS-OUT-FILTER',
  ]);
});

test.each(both)(
  'every rule of %s stands in its chain and refers to sets of its family only',
  (family) => {
    const known = SERVICE_SETS.map(({ name }) => setName(name, family));
    for (const chains of Object.values(rulesOf(family))) {
      for (const [chain, rules] of chains) {
        for (const rule of rules) expect(rule.startsWith(`-A ${chain} `)).toBe(true);
      }
    }
    const used = new Set(
      all(family).flatMap((rule) =>
        Array.from(rule.matchAll(/--match-set (\S+)/g), ([, set]) => set!),
      ),
    );
    expect([...used].toSorted()).toEqual(known.toSorted());
  },
);

const clusterIpRule = (
  overrides: Parameters<typeof dataplaneOptions>[0],
  family: Family = 'IPv4',
) =>
  rulesOf(family, overrides)
    .nat.get('KUBE-SERVICES')!
    .filter((rule) => rule.includes('-CLUSTER-IP ') && rule.endsWith('KUBE-MARK-MASQ'));
const masqueradeComment =
  '-m comment --comment "Kubernetes service cluster ip + port for masquerade purpose" -m set --match-set';

test('ClusterIP: masqueradeAll marks everybody', () => {
  expect(clusterIpRule({ masqueradeAll: true })).toEqual([
    `-A KUBE-SERVICES ${masqueradeComment} KUBE-CLUSTER-IP dst,dst -j KUBE-MARK-MASQ`,
  ]);
});

test('ClusterIP: a prefix detector marks who is outside of it, family by family', () => {
  const detectLocal = {
    IPv4: { kind: 'prefix', prefix: parsePrefix('10.244.0.0/16')! },
    IPv6: { kind: 'none' },
  } as const;
  expect(clusterIpRule({ detectLocal })).toEqual([
    `-A KUBE-SERVICES ! -s 10.244.0.0/16 ${masqueradeComment} KUBE-CLUSTER-IP dst,dst -j KUBE-MARK-MASQ`,
  ]);
  expect(clusterIpRule({ detectLocal }, 'IPv6')).toEqual([
    `-A KUBE-SERVICES ${masqueradeComment} KUBE-6-CLUSTER-IP src,dst -j KUBE-MARK-MASQ`,
  ]);
});

test('ClusterIP: an interface detector marks what comes in elsewhere', () => {
  const detector = { kind: 'interface', match: 'cali+' } as const;
  expect(clusterIpRule({ detectLocal: { IPv4: detector, IPv6: detector } })).toEqual([
    `-A KUBE-SERVICES ! -i cali+ ${masqueradeComment} KUBE-CLUSTER-IP dst,dst -j KUBE-MARK-MASQ`,
  ]);
});

test('ClusterIP: a prefix that holds everything marks nobody', () => {
  const detector = { kind: 'prefix', prefix: parsePrefix('0.0.0.0/0')! } as const;
  expect(clusterIpRule({ detectLocal: { IPv4: detector, IPv6: { kind: 'none' } } })).toEqual([]);
});

test('the DROP rule asks the interface where the detector is one, else the set of inside sources', () => {
  const drop = (overrides: Parameters<typeof dataplaneOptions>[0]) =>
    all('IPv4', overrides).filter(
      (rule) => rule.includes('KUBE-IPVS-DROP') && rule.endsWith('DROP'),
    );
  const detector = { kind: 'interface', match: 'cni0' } as const;
  expect(drop({ detectLocal: { IPv4: detector, IPv6: detector } })[0]).toContain('! -i cni0');
  expect(drop({ detectLocal: { IPv4: detector, IPv6: detector } })[0]).not.toContain('INSIDE');
  expect(drop({})[0]).toContain('! --match-set KUBE-IPVS-INSIDE src');
});

test('no rule loads br_netfilter by matching the bridge port', () => {
  for (const family of both) expect(all(family).join('\n')).not.toContain('physdev');
});

test('every REJECT follows one for TCP that resets', () => {
  for (const family of both) {
    const rules = [...rulesOf(family).filter.values()].flat();
    const refusals = rules.filter((rule) => rule.includes('-j REJECT'));
    const isReset = (rule: string) => / -p tcp .*-j REJECT --reject-with tcp-reset$/.test(rule);
    expect(refusals.map(isReset)).toEqual([true, false, true, false]);
  }
});

test('mark bit 14 by default, any other on request', () => {
  expect(hexMark(14)).toBe('0x4000');
  expect(hexMark(31)).toBe('0x80000000');
  expect(all('IPv4', { masqueradeBit: 0 })).toContain(
    '-A KUBE-MARK-MASQ -j MARK --set-xmark 0x1/0x1',
  );
});

test('--random-fully only where iptables knows it, and never on the hairpin rule', () => {
  const masquerades = (hasRandomFully: boolean) =>
    desiredIptables(services, dataplaneOptions(), hostNetwork({ hasRandomFully }))
      .IPv4.nat.get('KUBE-POSTROUTING')!
      .filter((rule) => rule.includes('-j MASQUERADE'))
      .map((rule) => rule.endsWith('--random-fully'));
  expect(masquerades(true)).toEqual([false, true]);
  expect(masquerades(false)).toEqual([false, false]);
});

test('a family that the host cannot program has no chains', () => {
  const { IPv6 } = desiredIptables(
    services,
    dataplaneOptions(),
    hostNetwork({ families: ['IPv4'] }),
  );
  expect(IPv6.nat.size + IPv6.filter.size).toBe(0);
});

test.each(both)('the Service compiler has the chains of %s that it names as its own', (family) => {
  const { chains } = new ServiceContributor(dataplaneOptions(), () => undefined);
  const own = Object.entries(rulesOf(family)).map(([table, rules]) => [
    table,
    [...rules.keys()].filter((name) => name.startsWith('KUBE-')),
  ]);
  expect(Object.fromEntries(own)).toEqual(chains);
});
