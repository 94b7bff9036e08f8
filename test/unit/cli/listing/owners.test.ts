/** Lines with their Services, and the same as JSON. */
import { describe, expect, test } from '@jest/globals';
import { decoration } from '../../../../src/cli/listing/annotate.ts';
import { listHead, serverToJson } from '../../../../src/cli/listing/json.ts';
import { Owners, serviceName } from '../../../../src/cli/listing/owners.ts';
import * as c from '../../../../src/netlink/constants.ts';
import type { IpvsDestination, IpvsService } from '../../../../src/netlink/ipvs.ts';

const owners = new Owners('agent', [
  {
    server: '10.96.0.1:80/TCP',
    service: 'shop/web:http',
    destinations: [
      {
        destination: '10.244.0.1:8080',
        endpoint: 'shop/web-abc#0',
        target: 'Pod shop/web-1',
        node: 'node1',
      },
      { destination: '192.0.2.1:8080', endpoint: 'shop/web-abc#1' },
    ],
  },
]);

const service = {
  family: 'IPv4',
  protocol: 6,
  address: '10.96.0.1',
  port: 80,
  scheduler: 'rr',
  flags: c.IP_VS_SVC_F_HASHED,
  timeoutSec: 0,
  netmask: 0xffff_ffff,
} satisfies IpvsService;
const foreign: IpvsService = { ...service, protocol: 17 };

const destination = (address: string, weight = 1): IpvsDestination => ({
  family: 'IPv4',
  address,
  port: 8080,
  forwarding: c.IP_VS_CONN_F_MASQ,
  weight,
  upperThreshold: 0,
  lowerThreshold: 0,
  activeConnections: 3,
  inactiveConnections: 4,
  persistentConnections: 0,
});

describe('lines', () => {
  const decorate = decoration(owners, false)!;

  test('name the Service, the pod and the node', () => {
    expect(decorate('TCP  10.96.0.1:80 rr', service)).toBe('TCP  10.96.0.1:80 rr # shop/web:http');
    expect(decorate('  -> a', service, destination('10.244.0.1'))).toBe(
      '  -> a # Pod shop/web-1 on node1 (shop/web-abc#0)',
    );
    expect(decorate('  -> b', service, destination('192.0.2.1'))).toBe('  -> b # shop/web-abc#1');
  });

  test('say what is nobody’s', () => {
    expect(decorate('x', service, destination('10.244.0.9'))).toBe(
      'x # no endpoint of the Service now',
    );
    expect(decorate('x', foreign)).toBe('x # no Service');
    expect(decorate('x', foreign, destination('10.244.0.1'))).toBe('x # unknown');
  });

  test('have colour on a terminal: what drains stands out', () => {
    expect(decoration(undefined, false)).toBeUndefined();
    const painted = decoration(owners, true)!;
    expect(painted('x', service)).toBe('x \u001B[36m# shop/web:http\u001B[0m');
    expect(painted('x', service, destination('192.0.2.1', 0))).toBe(
      '\u001B[33mx\u001B[0m \u001B[2m# shop/web-abc#1\u001B[0m',
    );
    const plain = decoration(undefined, true)!;
    expect(plain('x', service, destination('192.0.2.1'))).toBe('x');
  });
});

describe('JSON', () => {
  test('has everything, with its Service', () => {
    const listed = { service, destinations: [destination('10.244.0.1'), destination('10.9.9.9')] };
    expect(serverToJson(listed, owners)).toEqual({
      family: 'IPv4',
      protocol: 'TCP',
      address: '10.96.0.1',
      port: 80,
      service: { namespace: 'shop', name: 'web', port: 'http' },
      scheduler: 'rr',
      flags: [],
      destinations: [
        {
          address: '10.244.0.1',
          port: 8080,
          endpoint: 'shop/web-abc#0',
          target: 'Pod shop/web-1',
          node: 'node1',
          forwarding: 'masquerade',
          weight: 1,
          upperThreshold: 0,
          lowerThreshold: 0,
          activeConnections: 3,
          inactiveConnections: 4,
          persistentConnections: 0,
        },
        expect.objectContaining({ address: '10.9.9.9', endpoint: null }),
      ],
    });
    expect(serverToJson({ service: foreign, destinations: [] }, owners)['service']).toBeNull();
  });

  test('without Services does not speak of them', () => {
    const listed = serverToJson({ service, destinations: [destination('10.244.0.1')] }, undefined);
    expect(listed).not.toHaveProperty('service');
    expect(listed['destinations']).toEqual([
      expect.not.objectContaining({ endpoint: expect.anything() }),
    ]);
    expect(listHead({ version: 0x010201, connectionTableSize: 4096 }, undefined)).toEqual({
      schema: 'kube-ipvs.io/list/v1',
      kind: 'virtualServers',
      ipvs: { version: '1.2.1', connectionTableSize: 4096 },
    });
  });

  test('flags, persistence, marks, tunnels and counters', () => {
    const counters = {
      connections: 1n,
      inPackets: 2n,
      outPackets: 3n,
      inBytes: 2n ** 40n,
      outBytes: 5n,
      connectionsPerSec: 6n,
      inPacketsPerSec: 7n,
      outPacketsPerSec: 8n,
      inBytesPerSec: 9n,
      outBytesPerSec: 10n,
    };
    const marked: IpvsService = {
      family: 'IPv6',
      fwmark: 7,
      scheduler: 'mh',
      flags: c.IP_VS_SVC_F_PERSISTENT | c.IP_VS_SVC_F_ONEPACKET | c.IP_VS_SVC_F_SCHED2,
      timeoutSec: 60,
      netmask: 64,
      peName: 'sip',
      counters,
    };
    const tunnel: IpvsDestination = {
      ...destination('10.9.9.9'),
      forwarding: c.IP_VS_CONN_F_TUNNEL,
      tunnel: { type: 1, port: 6080, flags: 2 },
    };
    expect(serverToJson({ service: marked, destinations: [tunnel] }, undefined)).toMatchObject({
      fwmark: 7,
      flags: ['persistent', 'one-packet', 'mh-port'],
      persistenceTimeoutSec: 60,
      persistenceMask: 64,
      persistenceEngine: 'sip',
      counters: { connections: 1, inBytes: 1_099_511_627_776 },
      perSecond: { connections: 6, outBytes: 10 },
      destinations: [
        { forwarding: 'tunnel', tunnel: { type: 'gue', port: 6080, checksum: 'remote' } },
      ],
    });
  });
});

test('the name of an unnamed port is empty', () => {
  expect(serviceName('shop/web')).toEqual({ namespace: 'shop', name: 'web', port: '' });
});
