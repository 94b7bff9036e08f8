/**
 * `ipvsadm -S`: the rules that restore a state. Thresholds are not among them, and a mark from 2^31
 * on is not restorable.
 */
import * as c from '../../netlink/constants.ts';
import type { IpvsDestination, IpvsService } from '../../netlink/ipvs.ts';
import { type Names, socketName } from './names.ts';
import {
  forwardingMethod,
  isOnePacket,
  isPersistent,
  markText,
  maskText,
  schedulerFlags,
  TUNNEL_TYPES,
  tunnelOf,
} from './serviceText.ts';
import type { ListedService } from './table.ts';

/** @param services in the order to be printed, their destinations too */
export function formatRules(services: readonly ListedService[], names: Names): string {
  const lines = services.flatMap(({ service, destinations }) => {
    const which = serviceOption(service, names);
    const protocol = service.fwmark === undefined ? service.protocol : 0;
    return [
      `-A ${which} ${settings(service).join(' ')}`,
      ...destinations.map((one) => {
        const server = socketName(one.address, one.port, protocol, names);
        return `-a ${which} -r ${server} ${destinationSettings(one).join(' ')}`;
      }),
    ];
  });
  return lines.map((line) => `${line}\n`).join('');
}

function serviceOption(service: IpvsService, names: Names): string {
  if (service.fwmark !== undefined) {
    return `-f ${markText(service.fwmark)}${service.family === 'IPv6' ? ' -6' : ''}`;
  }
  const { protocol, address, port } = service;
  return `${PROTOCOL_OPTIONS.get(protocol) ?? UNKNOWN_PROTOCOL} ${socketName(address, port, protocol, names)}`;
}

const PROTOCOL_OPTIONS: ReadonlyMap<number, string> = new Map([
  [6, '-t'],
  [17, '-u'],
  [132, '--sctp-service'],
]);
/** Not an option of ipvsadm, but what it writes. */
const UNKNOWN_PROTOCOL = '--xxx-service';

function settings(service: IpvsService): string[] {
  const words = ['-s', service.scheduler];
  if (isPersistent(service)) {
    words.push('-p', String(service.timeoutSec));
    const mask = maskText(service);
    if (mask !== undefined) words.push('-M', mask);
  }
  if (service.peName !== undefined) words.push('--pe', service.peName);
  if (isOnePacket(service)) words.push('-o');
  const flags = schedulerFlags(service);
  if (flags !== undefined) words.push('-b', flags);
  return words;
}

const FORWARDING_OPTIONS: readonly string[] = ['-m', '-g', '-i', '-g'];
const CHECKSUM_OPTIONS: readonly string[] = ['--tun-nocsum', '--tun-csum', '--tun-remcsum'];

function destinationSettings(destination: IpvsDestination): string[] {
  const method = forwardingMethod(destination);
  const words = [FORWARDING_OPTIONS[method] ?? '(null)', '-w', String(destination.weight)];
  if (method !== c.IP_VS_CONN_F_TUNNEL) return words;
  const { type, port, flags } = tunnelOf(destination);
  words.push('--tun-type', TUNNEL_TYPES[type] ?? '(null)');
  if (type === c.IP_VS_CONN_F_TUNNEL_TYPE_GUE) words.push('--tun-port', String(port));
  if (type !== c.IP_VS_CONN_F_TUNNEL_TYPE_IPIP) words.push(CHECKSUM_OPTIONS[flags] ?? '');
  return words;
}
