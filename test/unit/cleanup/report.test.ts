import { expect, test } from '@jest/globals';
import { type CleanupReport, reportText } from '../../../src/cleanup/report.ts';

const NOTHING: CleanupReport = {
  isDryRun: false,
  removed: { virtualServers: [], addresses: [], devices: [], rules: [], sets: [], nftTables: [] },
  restored: [],
  kept: [],
  failed: [],
};

test('a clean node is told in one line', () => {
  expect(reportText(NOTHING)).toBe('nothing to remove\n');
});

test('each thing has a line, and the counts come last', () => {
  const jump = '-A INPUT -m comment --comment "kubernetes x" -j KUBE-NODE-PORT';
  const report: CleanupReport = {
    isDryRun: true,
    removed: {
      virtualServers: ['10.96.0.1:443/TCP'],
      addresses: ['10.96.0.1', 'fd00::1'],
      devices: ['kube-ipvs0'],
      rules: [
        {
          family: 'IPv4',
          variant: 'nft',
          table: 'filter',
          chains: ['KUBE-NODE-PORT'],
          jumps: [jump],
        },
        { family: 'IPv6', variant: 'plain', table: 'nat', chains: ['KUBE-SERVICES'], jumps: [] },
      ],
      sets: ['KUBE-CLUSTER-IP'],
      nftTables: ['ip kube-proxy'],
    },
    restored: [{ name: 'net/ipv4/vs/conntrack', from: '1', to: '0' }],
    kept: [{ what: 'ipset KUBE-IPVS-IPS', reason: 'a rule refers to it' }],
    failed: [{ what: 'addresses', error: 'EPERM' }],
  };
  expect(reportText(report)).toBe(`- virtual server 10.96.0.1:443/TCP
- address 10.96.0.1
- address fd00::1
- device kube-ipvs0
- chain IPv4 filter (nft) KUBE-NODE-PORT
- rule IPv4 filter (nft) ${jump}
- chain IPv6 nat KUBE-SERVICES
- ipset KUBE-CLUSTER-IP
- nftables table ip kube-proxy
~ sysctl net/ipv4/vs/conntrack 1 -> 0
= ipset KUBE-IPVS-IPS stays: a rule refers to it
! addresses: EPERM
would remove: virtual servers (1), addresses (2), devices (1), chains (2), rules (1), ipsets (1), nftables tables (1), sysctls put back (1); kept: 1; failed: 1
`);
});
