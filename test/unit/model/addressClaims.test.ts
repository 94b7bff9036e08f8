import { describe, expect, test } from '@jest/globals';
import { AddressClaims, claimedBy, withoutClaims } from '../../../src/model/addressClaims.ts';
import type { ServiceResource } from '../../../src/model/resources.ts';
import { slimService } from '../../../src/model/slimService.ts';
import { parsePrefix } from '../../../src/net/prefix.ts';

function service(externalIPs: readonly string[], ingress: readonly object[] = []): ServiceResource {
  const { object } = slimService({
    metadata: { namespace: 'shop', name: 'web' },
    spec: {
      clusterIP: '10.96.0.1',
      clusterIPs: ['10.96.0.1', 'fd00:10:96::1'],
      externalIPs,
      ports: [{ port: 80 }],
    },
    status: { loadBalancer: { ingress } },
  });
  return object!;
}

const range = (text: string) => parsePrefix(text)!;

describe('what a Service asks for that nobody allocated', () => {
  test('is its externalIPs and what a load balancer binds, in canonical form', () => {
    const web = service(
      ['192.0.2.1', 'FD00::A', '10.96.0.1', '127.0.0.1', 'x'],
      [{ ip: '198.51.100.1' }, { ip: '198.51.100.2', ipMode: 'Proxy' }, { hostname: 'lb' }],
    );
    expect([...claimedBy(web)].toSorted()).toEqual(['192.0.2.1', '198.51.100.1', 'fd00::a']);
    expect(claimedBy(service([]))).toEqual(new Set());
    expect(claimedBy(undefined)).toEqual(new Set());
  });

  test('can be left out of it, however it is spelled', () => {
    const web = service(['192.0.2.1', 'FD00::A'], [{ ip: '198.51.100.1' }, { hostname: 'lb' }]);
    const without = withoutClaims(web, new Set(['fd00::a', '198.51.100.1']));
    expect(without.externalIPs).toEqual(['192.0.2.1']);
    expect(without.loadBalancerIngress.map(({ ip }) => ip)).toEqual([undefined]);
    expect(without.clusterIPs).toEqual(web.clusterIPs);
  });
});

describe('AddressClaims', () => {
  test('tells what is new, and forgets what the last Service lets go', () => {
    const claims = new AddressClaims();
    const [a, both] = [service(['192.0.2.1']), service(['192.0.2.1', '192.0.2.2'])];
    expect(claims.replace(undefined, a)).toEqual({ came: ['192.0.2.1'], went: [] });
    expect(claims.replace(undefined, both)).toEqual({ came: ['192.0.2.2'], went: [] });
    expect(claims.replace(a, undefined)).toEqual({ came: [], went: [] });
    expect([claims.has('192.0.2.1'), claims.size]).toEqual([true, 2]);
    expect(claims.replace(both, both)).toEqual({ came: [], went: [] });
    expect(claims.replace(both, service(['192.0.2.3']))).toEqual({
      came: ['192.0.2.3'],
      went: ['192.0.2.1', '192.0.2.2'],
    });
    expect(claims.replace(service(['192.0.2.3']), service([])).went).toEqual(['192.0.2.3']);
    expect([claims.has('192.0.2.1'), claims.size]).toEqual([false, 0]);
  });

  test('knows the ranges that hold one, of each length and family', () => {
    const claims = new AddressClaims();
    const web = service(['10.244.3.77', 'fd00:244::77']);
    claims.replace(undefined, web);
    expect(claims.hasIn(range('10.244.3.0/24'))).toBe(true);
    expect(claims.hasIn(range('10.244.0.0/16'))).toBe(true);
    expect(claims.hasIn(range('fd00:244::/64'))).toBe(true);
    expect(claims.hasIn(range('10.244.4.0/24'))).toBe(false);
    // It says nothing about where anybody is.
    expect(claims.hasIn(range('0.0.0.0/0'))).toBe(false);
    claims.replace(web, service(['10.244.4.77']));
    expect(claims.hasIn(range('10.244.3.0/24'))).toBe(false);
    expect(claims.hasIn(range('10.244.4.0/24'))).toBe(true);
  });
});
