/**
 * The seam at which features shape the dataplane, with a contributor that has one thing of
 * everything.
 */
import { beforeEach, describe, expect, test } from '@jest/globals';
import { isUntouched } from '../../../src/dataplane/touched.ts';
import { DesiredCluster } from '../../support/objects/desiredCluster.ts';
import {
  member,
  TEST_CHAIN,
  TEST_SET,
  TestContributor,
} from '../../support/objects/testContributor.ts';

const JUMP = `-m comment --comment "a test" -j ${TEST_CHAIN}`;
const VIP = '10.96.0.10:80/TCP';

let contributor: TestContributor;
let cluster: DesiredCluster;

beforeEach(() => {
  contributor = new TestContributor();
  cluster = new DesiredCluster({}, {}, [contributor]);
});

const web = (externalIPs: readonly string[] = []) =>
  cluster
    .service('web', { externalIPs })
    .slice('web', ['10.244.1.5@node-1', '10.244.2.5@node-2'])
    .builder.settle();

describe('rules, sets and sysctls', () => {
  test('stand in their slots: before those of the Services where the slot says so', () => {
    const { raw, mangle, nat, filter } = cluster.builder.state.iptables.IPv4;
    expect([...raw!]).toEqual([
      ['PREROUTING', [`-A PREROUTING ${JUMP}`]],
      [TEST_CHAIN, [`-A ${TEST_CHAIN} -m set --match-set ${TEST_SET} dst,dst -j RETURN`]],
    ]);
    expect([...mangle!.keys()]).toEqual(['OUTPUT', TEST_CHAIN]);
    const targets = (rules: readonly string[] = []) => rules.map((rule) => rule.split(' ').at(-1));
    expect(targets(nat.get('OUTPUT'))).toEqual(['KUBE-SERVICES', TEST_CHAIN]);
    expect(targets(filter.get('INPUT'))).toEqual([
      TEST_CHAIN,
      'KUBE-IPVS-FILTER',
      'KUBE-PROXY-FIREWALL',
      'KUBE-NODE-PORT',
    ]);
    expect(targets(filter.get('FORWARD'))[0]).toBe(TEST_CHAIN);
  });

  test('use no table that nobody has anything in', () => {
    const { IPv4, IPv6 } = new DesiredCluster().builder.state.iptables;
    for (const tables of [IPv4, IPv6]) expect(Object.keys(tables)).toEqual(['nat', 'filter']);
  });

  test('come in each family that the host has', () => {
    const { state } = new DesiredCluster({ families: ['IPv6'] }, {}, [
      new TestContributor(['IPv6']),
    ]).builder;
    expect('raw' in state.iptables.IPv4).toBe(false);
    expect(state.iptables.IPv6.raw!.get(TEST_CHAIN)![0]).toContain('KUBE-6-IPVS-TEST dst,dst');
    expect([...state.ipsets.keys()].filter((name) => name.endsWith('TEST'))).toEqual([
      'KUBE-6-IPVS-TEST',
    ]);
  });

  test('stand beside those of the Services, whose word on a sysctl comes first', () => {
    const { state } = cluster.builder;
    expect(state.ipsets.get(TEST_SET)).toMatchObject({ type: 'hash:ip,port', family: 'IPv4' });
    expect(cluster.entries(TEST_SET)).toEqual(['10.96.0.10,tcp:80']);
    expect(state.sysctls.get('net/ipv4/conf/all/arp_ignore')).toBe('1');
    expect(state.sysctls.get('net/ipv4/vs/conntrack')).toBe('1');
  });

  test('are asked for again when the contributor says so, and then all fixed parts are compared', () => {
    contributor.target = 'DROP';
    expect(isUntouched(cluster.builder.settle())).toBe(true);
    contributor.renew({ hasNewRules: true });
    const touched = cluster.builder.settle();
    expect([touched.hasNewRules, isUntouched(touched)]).toEqual([true, false]);
    const { filter } = cluster.builder.state.iptables.IPv4;
    expect(filter.get(TEST_CHAIN)![0]).toMatch(/ -j DROP$/);
    expect(cluster.builder.settle().hasNewRules).toBeUndefined();
  });
});

describe('members', () => {
  test('are put in and taken out as the contributor says, at the cost of what changed', () => {
    contributor.renew({
      came: [member('IPv4', '10.96.0.11,tcp:80')],
      went: [member('IPv4', '10.96.0.10,tcp:80')],
    });
    expect(cluster.touched()).toEqual({
      servers: [],
      addresses: [],
      entries: { [TEST_SET]: ['10.96.0.10,tcp:80', '10.96.0.11,tcp:80'] },
    });
    expect(cluster.entries(TEST_SET)).toEqual(['10.96.0.11,tcp:80']);
    expect(isUntouched(cluster.builder.settle())).toBe(true);
  });

  test('are decided from changes of the cluster, all of which are told', () => {
    web();
    cluster.remove('web').builder.settle();
    expect(contributor.changes.map(({ kind, object }) => [kind, object !== undefined])).toEqual([
      ['Service', true],
      ['EndpointSlice', true],
      ['Service', false],
    ]);
  });
});

describe('a judgement', () => {
  test('that says nothing changes nothing', () => {
    web();
    expect(cluster.destinations(VIP)).toEqual(['10.244.1.5:8080', '10.244.2.5:8080']);
  });

  test('leaves an endpoint out as if no slice listed it, and says why', () => {
    contributor.judgement = {
      endpoint: ({ address }) => (address === '10.244.1.5' ? 'is another tenant’s' : undefined),
    };
    web();
    expect(cluster.destinations(VIP)).toEqual(['10.244.2.5:8080']);
    expect(cluster.entries('KUBE-LOOP-BACK')).toEqual([]);
    const [port] = cluster.builder.service('default/web')!.ports;
    expect(port!.choice.excluded).toEqual([
      {
        endpoint: expect.objectContaining({ address: '10.244.1.5' }),
        reason: 'is another tenant’s',
      },
    ]);
  });

  test('withholds a frontend: neither bound nor served, and its Service is told', () => {
    contributor.judgement = {
      frontend: ({ kind }) =>
        kind === 'externalIP' ? { effect: 'withheld', problem: 'is not granted' } : undefined,
    };
    web(['80.11.12.10']);
    const { state, problems } = cluster.builder;
    expect([...state.virtualServers.keys()]).toEqual([VIP]);
    expect([...state.addresses]).toEqual(['10.96.0.10']);
    expect(cluster.entries('KUBE-EXTERNAL-IP')).toEqual([]);
    expect(problems.all()).toEqual([
      expect.objectContaining({
        path: 'Service/default/web.spec.externalIPs[0]',
        value: '80.11.12.10',
        consequence: 'AddressNotServed',
      }),
    ]);
  });

  test('leaves a frontend to a program of this node: bound, in its sets, without virtual server or refusal', () => {
    contributor.judgement = { frontend: () => ({ effect: 'answered' }) };
    cluster.service('web').builder.settle();
    const { state } = cluster.builder;
    expect(state.virtualServers.size).toBe(0);
    expect([...state.addresses]).toEqual(['10.96.0.10']);
    expect(cluster.entries('KUBE-CLUSTER-IP')).toEqual(['10.96.0.10,tcp:80']);
    expect(cluster.entries('KUBE-IPVS-REJECT')).toEqual([]);
  });

  test('is asked for again when the contributor names the Service, and a frontend goes and comes whole', () => {
    web();
    contributor.judgement = { frontend: () => ({ effect: 'answered' }) };
    contributor.renew({ services: ['default/web'] });
    expect(cluster.touched()).toEqual({ servers: [VIP], addresses: [], entries: {} });
    expect(cluster.destinations(VIP)).toBeUndefined();
    contributor.judgement = undefined;
    contributor.renew({ services: ['default/web'] });
    expect(cluster.touched().servers).toEqual([VIP]);
    expect(cluster.destinations(VIP)).toEqual(['10.244.1.5:8080', '10.244.2.5:8080']);
  });

  test('of several contributors lets nothing in that one leaves out; the first gives the reason', () => {
    const second = new TestContributor([]);
    Object.assign(second, { sets: [], rules: undefined });
    cluster = new DesiredCluster({}, {}, [contributor, second]);
    const refusing = (address: string, reason: string) => ({
      endpoint: (endpoint: { readonly address: string }) =>
        endpoint.address === address ? reason : undefined,
    });
    contributor.judgement = refusing('10.244.1.5', 'first');
    second.judgement = {
      endpoint: ({ address }) => (address === '10.244.1.5' ? 'second' : undefined),
      frontend: () => ({ effect: 'withheld', problem: 'is withheld' }),
    };
    web();
    expect(cluster.builder.state.virtualServers.size).toBe(0);
    const [port] = cluster.builder.service('default/web')!.ports;
    expect(port!.choice.excluded.map(({ reason }) => reason)).toEqual(['first']);
  });
});
