import { expect, test } from '@jest/globals';
import { setName } from '../../../src/dataplane/setNames.ts';
import { SERVICE_SETS, setCapacity } from '../../../src/desired/ipsets.ts';

test('no two sets share a name in either family, and no retired name is used', () => {
  const names = SERVICE_SETS.flatMap(({ name }) => [setName(name, 'IPv4'), setName(name, 'IPv6')]);
  expect(new Set(names).size).toBe(2 * SERVICE_SETS.length);
  expect(names.filter((name) => name.length > 31)).toEqual([]);
  expect(names).not.toContain('KUBE-NODE-PORT-SCTP');
  expect(names).not.toContain('KUBE-NODE-PORT-LOCAL-SCTP');
});

test("the first seventeen are kube-proxy's", () => {
  expect(SERVICE_SETS.slice(0, 17).map(({ name, type }) => `${name} ${type}`)).toEqual([
    'KUBE-LOOP-BACK hash:ip,port,ip',
    'KUBE-CLUSTER-IP hash:ip,port',
    'KUBE-EXTERNAL-IP hash:ip,port',
    'KUBE-EXTERNAL-IP-LOCAL hash:ip,port',
    'KUBE-LOAD-BALANCER hash:ip,port',
    'KUBE-LOAD-BALANCER-LOCAL hash:ip,port',
    'KUBE-LOAD-BALANCER-FW hash:ip,port',
    'KUBE-LOAD-BALANCER-SOURCE-IP hash:ip,port,ip',
    'KUBE-LOAD-BALANCER-SOURCE-CIDR hash:ip,port,net',
    'KUBE-NODE-PORT-TCP bitmap:port',
    'KUBE-NODE-PORT-LOCAL-TCP bitmap:port',
    'KUBE-NODE-PORT-UDP bitmap:port',
    'KUBE-NODE-PORT-LOCAL-UDP bitmap:port',
    'KUBE-NODE-PORT-SCTP-HASH hash:ip,port',
    'KUBE-NODE-PORT-LOCAL-SCTP-HASH hash:ip,port',
    'KUBE-HEALTH-CHECK-NODE-PORT bitmap:port',
    'KUBE-IPVS-IPS hash:ip',
  ]);
});

test('capacity starts where kube-proxy has it and leaves half as much again to grow', () => {
  expect(setCapacity('hash:ip,port', 0)).toBe(65_536);
  expect(setCapacity('hash:ip,port', 43_690)).toBe(65_536);
  expect(setCapacity('hash:ip,port', 43_691)).toBe(131_072);
  expect(setCapacity('hash:ip', 1_000_000)).toBe(2_097_152);
  expect(setCapacity('bitmap:port', 1_000_000)).toBeUndefined();
});
