/** What is others' on the node: nobody else touches it. */
import * as c from '../../../src/netlink/constants.ts';
import type { TroubledKernel } from '../../support/kernel/troubledKernel.ts';
import { compared } from './compared.ts';

/** Of this node, in the fixtures; loopback addresses serve no NodePort. */
export const NODE_ADDRESS = '192.168.0.1';

/** In FakeIpvs' words. */
export const FOREIGN_SERVERS = ['203.0.113.9:80/6 wrr -> 203.0.113.10:80 w3', 'fwmark:7 rr'];

const TCP = 6;

export function putForeign(kernel: TroubledKernel): void {
  const { ipvs, rtnl, others } = kernel;
  const identity = { family: 'IPv4', protocol: TCP, address: '203.0.113.9', port: 80 } as const;
  const settings = { scheduler: 'wrr', flags: c.IP_VS_SVC_F_HASHED, timeoutSec: 0, netmask: 0 };
  const destination = {
    family: 'IPv4',
    address: '203.0.113.10',
    port: 80,
    forwarding: c.IP_VS_CONN_F_MASQ,
    weight: 3,
    upperThreshold: 0,
    lowerThreshold: 0,
    activeConnections: 0,
    inactiveConnections: 0,
    persistentConnections: 0,
  } as const;
  ipvs.served.set('203.0.113.9:80/6', {
    service: { ...identity, ...settings },
    destinations: new Map([['203.0.113.10:80', destination]]),
  });
  const mark = { family: 'IPv4', fwmark: 7 } as const;
  const marked = { ...mark, ...settings, scheduler: 'rr' };
  ipvs.served.set('fwmark:7', { service: marked, destinations: new Map() });
  const eth0 = rtnl.add('eth0', 'veth');
  const scope = 0;
  const flags = c.IFA_F_PERMANENT;
  const address = { family: 'IPv4', address: NODE_ADDRESS, prefixLength: 24 } as const;
  rtnl.addresses.push({ ...address, index: eth0.index, scope, flags });
  const entries = new Set(['10.9.0.1']);
  others.state.ipsets.set('cali40', { name: 'cali40', type: 'hash:ip', family: 'IPv4', entries });
  others.state.sysctls.set('net/ipv4/conf/eth0/rp_filter', '2');
}

/** Servers are compared with all others. */
export function foreignDifferences({ rtnl, others }: TroubledKernel): readonly string[] {
  const eth0 = rtnl.links.find(({ name }) => name === 'eth0');
  const onEth0 = rtnl.addresses.filter(({ index }) => index === eth0?.index);
  const addresses = onEth0.map(({ address }) => address);
  const entries = others.state.ipsets.get('cali40')?.entries ?? [];
  const sysctl = others.state.sysctls.get('net/ipv4/conf/eth0/rp_filter') ?? 'none';
  return [
    ...compared('address of eth0', addresses, [NODE_ADDRESS]),
    ...compared('entry of cali40', entries, ['10.9.0.1']),
    ...compared('rp_filter', [sysctl], ['2']),
  ];
}
