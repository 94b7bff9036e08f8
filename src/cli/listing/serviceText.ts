/**
 * What a listing says of a service and of how a destination is reached, apart from columns: names
 * of flags, masks, forwarding methods and tunnels. The table (table.ts) and the rules to restore
 * (save.ts) share it.
 */
import * as c from '../../netlink/constants.ts';
import {
  type DestinationSettings,
  hostNetmask,
  type IpvsService,
  type Tunnel,
} from '../../netlink/ipvs.ts';

const SCHEDULER_FLAGS = [c.IP_VS_SVC_F_SCHED1, c.IP_VS_SVC_F_SCHED2, c.IP_VS_SVC_F_SCHED3] as const;

const FLAG_NAMES: Readonly<Record<string, readonly string[]>> = {
  sh: ['sh-fallback', 'sh-port'],
  mh: ['mh-fallback', 'mh-port'],
};
const PLAIN_FLAG_NAMES: readonly string[] = ['flag-1', 'flag-2', 'flag-3'];

/**
 * `sh-fallback,sh-port`; empty when a flag has no name with this scheduler. @returns undefined
 * without any flag
 */
export function schedulerFlags(service: IpvsService): string | undefined {
  const set = SCHEDULER_FLAGS.map((flag) => (service.flags & flag) !== 0);
  if (!set.includes(true)) return undefined;
  const names = FLAG_NAMES[service.scheduler] ?? PLAIN_FLAG_NAMES;
  return names.filter((_, i) => set[i]).join(',');
}

export function isPersistent(service: IpvsService): boolean {
  return (service.flags & c.IP_VS_SVC_F_PERSISTENT) !== 0;
}

export function isOnePacket(service: IpvsService): boolean {
  return (service.flags & c.IP_VS_SVC_F_ONEPACKET) !== 0;
}

/** `255.255.255.0` or `64`. @returns undefined for whole addresses, which are not mentioned */
export function maskText({ family, netmask }: IpvsService): string | undefined {
  if (netmask === hostNetmask(family)) return undefined;
  if (family === 'IPv6') return String(netmask);
  return [24, 16, 8, 0].map((shift) => (netmask >>> shift) & 0xff).join('.');
}

/** The mark as the signed number that ipvsadm makes of it. */
export function markText(fwmark: number): string {
  return String(fwmark | 0);
}

export function forwardingMethod(destination: DestinationSettings): number {
  return destination.forwarding & c.IP_VS_CONN_F_FWD_MASK;
}

export const TUNNEL_TYPES: readonly string[] = ['ipip', 'gue', 'gre'];
const TUNNEL_FLAGS: readonly string[] = ['-c', '+c', 'r+c'];
const NO_TUNNEL: Tunnel = { type: 0, port: 0, flags: 0 };

export function tunnelOf(destination: DestinationSettings): Tunnel {
  return destination.tunnel ?? NO_TUNNEL;
}

/** `n/a`, `ipip`, `gue:6080:+c`, `gre:-c` */
export function tunnelText(destination: DestinationSettings): string {
  if (forwardingMethod(destination) !== c.IP_VS_CONN_F_TUNNEL) return 'n/a';
  const { type, port, flags } = tunnelOf(destination);
  const name = TUNNEL_TYPES[type] ?? '(null)';
  const checksum = TUNNEL_FLAGS[flags] ?? '';
  if (type === c.IP_VS_CONN_F_TUNNEL_TYPE_GUE) return `${name}:${port}:${checksum}`;
  return type === c.IP_VS_CONN_F_TUNNEL_TYPE_GRE ? `${name}:${checksum}` : name;
}
