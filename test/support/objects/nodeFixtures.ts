/**
 * A node and a configuration to start tests from: kube-proxy's defaults on a dual-stack host with
 * one interface.
 */
import type { DataplaneOptions } from '../../../src/dataplane/options.ts';
import type { HostNetwork } from '../../../src/model/host.ts';

export function hostNetwork(overrides: Partial<HostNetwork> = {}): HostNetwork {
  return {
    nodeName: 'node-1',
    interfaces: [
      { name: 'lo', isUp: true, addresses: ['127.0.0.1/8', '::1/128'] },
      {
        name: 'eth0',
        isUp: true,
        addresses: ['192.168.0.1/24', 'fd00:168::1/64', 'fe80::1/64'],
      },
    ],
    defaultGateways: ['192.168.0.254'],
    families: ['IPv4', 'IPv6'],
    kernelVersion: '6.1.0',
    hasRandomFully: true,
    apiServerAddresses: [],
    ...overrides,
  };
}

export function dataplaneOptions(overrides: Partial<DataplaneOptions> = {}): DataplaneOptions {
  return {
    scheduler: 'rr',
    masqueradeAll: false,
    masqueradeBit: 14,
    strictArp: false,
    allowsExternalIPs: true,
    excludeCidrs: [],
    nodePortAddresses: [],
    detectLocal: { IPv4: { kind: 'none' }, IPv6: { kind: 'none' } },
    timeoutsSec: { tcp: 0, tcpFin: 0, udp: 0 },
    ...overrides,
  };
}
