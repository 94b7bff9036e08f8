/**
 * What the options of one command line add up to, taken one by one in their order: some depend on
 * what came before (a mask means something else behind an IPv6 address, a server without a port
 * takes the service's). What is asked for with it is concluded in conclude.ts.
 */
import type { Family } from '../../net/family.ts';
import { type Address, familyOf } from '../../net/address.ts';
import * as c from '../../netlink/constants.ts';
import {
  type DestinationIdentity,
  type DestinationRequest,
  hostNetmask,
  type ServiceIdentity,
  type ServiceRequest,
  type SyncDaemon,
} from '../../netlink/ipvs.ts';
import { TUNNEL_TYPES } from '../listing/serviceText.ts';
import { checkTunnelOptions, type IpvsadmOption } from './optionTable.ts';
import { parseSchedulerFlags } from './schedulerFlags.ts';
import {
  BadValue,
  firstBytes,
  type KnownNames,
  leadingInteger,
  maskNumber,
  numberIn,
  parseHost,
  parseMulticastGroup,
  parseSocket,
  timeoutIn,
} from './values.ts';

const INT_MAX = 0x7fff_ffff;
const DEFAULT_PERSISTENCE_SEC = 360;
const DEFAULT_SCHEDULER = 'wlc';
const DEFAULT_INTERFACE = 'eth0';
/** A datagram's, without the headers of IPv4 and UDP. */
const MAX_SYNC_LENGTH = 65_535 - 20 - 8;
/** What ipvsadm keeps of the name of a scheduler, engine or interface, and the kernel takes. */
const NAME_LENGTH = 15;
const PROTOCOLS: Readonly<Record<string, number>> = {
  'tcp-service': 6,
  'udp-service': 17,
  'sctp-service': 132,
};
const FORWARDING: Readonly<Record<string, number>> = {
  masquerading: c.IP_VS_CONN_F_MASQ,
  gatewaying: c.IP_VS_CONN_F_DROUTE,
  ipip: c.IP_VS_CONN_F_TUNNEL,
};
const CHECKSUM_FLAGS: Readonly<Record<string, number>> = {
  'tun-nocsum': 0,
  'tun-csum': 1,
  'tun-remcsum': 2,
};

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export class Draft {
  readonly given = new Set<string>();
  readonly #names: KnownNames;
  /** 0 = none yet */
  #fwmark = 0;
  #family: Family = 'IPv4';
  #protocol = 0;
  #address: Address | undefined;
  #port = 0;
  #scheduler = '';
  #flags = 0;
  #timeoutSec = 0;
  #netmask = hostNetmask('IPv4');
  #engine = '';
  #schedulerFlags: string | undefined;
  #server: DestinationIdentity | undefined;
  #forwarding: number = c.IP_VS_CONN_F_DROUTE;
  #weight = 1;
  #upperThreshold = 0;
  #lowerThreshold = 0;
  readonly #tunnel = { type: 0, port: 0, flags: 0 };
  readonly #daemon: Mutable<SyncDaemon> = { state: 0, multicastInterface: '', syncId: 0 };

  constructor(names: KnownNames) {
    this.#names = names;
  }

  /** The word behind --start-daemon or --stop-daemon. */
  setDaemonState(word: string, problem: string): void {
    const states = { master: c.IP_VS_STATE_MASTER, backup: c.IP_VS_STATE_BACKUP };
    const state = Object.hasOwn(states, word) ? states[word as keyof typeof states] : undefined;
    if (state === undefined) throw new BadValue(problem);
    this.#daemon.state = state;
  }

  /** @throws BadValue */
  take({ long, name }: IpvsadmOption, value?: string): void {
    if (long === 'ipv6') return this.#useIpv6();
    if (name === undefined) return;
    if (this.given.has(name)) throw new BadValue(`multiple '${name}' options specified`);
    this.given.add(name);
    if (name === 'persistent') this.#setPersistent(value);
    else this.#takeValue(long, value ?? '');
  }

  #setPersistent(value: string | undefined): void {
    this.#flags |= c.IP_VS_SVC_F_PERSISTENT;
    this.#timeoutSec = value === undefined ? DEFAULT_PERSISTENCE_SEC : timeoutIn(value, 1);
  }

  #takeValue(long: string, value: string): void {
    this.#takeService(long, value);
    this.#takeServer(long, value);
    this.#takeDaemon(long, value);
  }

  #takeService(long: string, value: string): void {
    switch (long) {
      case 'tcp-service':
      case 'udp-service':
      case 'sctp-service':
        return this.#setServiceAddress(PROTOCOLS[long]!, value);
      case 'fwmark-service':
        this.#fwmark = numberIn(
          value,
          1,
          0xffff_ffff,
          `invalid fwmark value \`${value}' specified`,
        );
        this.#family = 'IPv4';
        this.#protocol = 6;
        return;
      case 'scheduler':
        this.#scheduler = firstBytes(value, NAME_LENGTH);
        return;
      case 'netmask':
        this.#netmask = this.#maskFrom(value);
        return;
      case 'ops':
        this.#flags |= c.IP_VS_SVC_F_ONEPACKET;
        return;
      case 'pe':
        this.#engine = firstBytes(value, NAME_LENGTH);
        return;
      case 'sched-flags':
        this.#schedulerFlags = value;
    }
  }

  #setServiceAddress(protocol: number, value: string): void {
    this.#protocol = protocol;
    const socket = parseSocket(value, protocol, this.#names);
    if (socket === undefined) {
      throw new BadValue('illegal virtual server address[:port] specified');
    }
    this.#address = socket.address;
    this.#port = socket.port ?? 0;
    this.#family = familyOf(socket.address);
    if (this.#family === 'IPv6') this.#netmask = hostNetmask('IPv6');
  }

  #useIpv6(): void {
    if (this.#fwmark === 0) throw new BadValue('-6 used before -f\n');
    this.#family = 'IPv6';
    this.#netmask = hostNetmask('IPv6');
  }

  #maskFrom(value: string): number {
    if (this.#family === 'IPv6') {
      const length = leadingInteger(value);
      if (length < 1 || length > 128) throw new BadValue('illegal ipv6 netmask specified');
      return length;
    }
    const mask = parseHost(value, this.#names);
    if (mask === undefined) throw new BadValue('illegal virtual server persistent mask specified');
    return maskNumber(mask);
  }

  #takeServer(long: string, value: string): void {
    switch (long) {
      case 'real-server':
        return this.#setServer(value);
      case 'masquerading':
      case 'gatewaying':
      case 'ipip':
        this.#forwarding = FORWARDING[long]!;
        return;
      case 'weight':
        this.#weight = numberIn(value, 0, INT_MAX, 'illegal weight specified');
        return;
      case 'u-threshold':
        this.#upperThreshold = numberIn(value, 0, INT_MAX, 'illegal u_threshold specified');
        return;
      case 'l-threshold':
        this.#lowerThreshold = numberIn(value, 0, INT_MAX, 'illegal l_threshold specified');
        return;
      case 'tun-type':
        this.#tunnel.type = TUNNEL_TYPES.indexOf(value);
        if (this.#tunnel.type < 0) throw new BadValue('illegal tunnel type specified');
        return;
      case 'tun-port':
        this.#tunnel.port = numberIn(value, 1, 65_535, 'illegal tunnel port specified');
        return;
      case 'tun-nocsum':
      case 'tun-csum':
      case 'tun-remcsum':
        this.#tunnel.flags |= CHECKSUM_FLAGS[long]!;
    }
  }

  #setServer(value: string): void {
    const socket = parseSocket(value, this.#protocol, this.#names);
    if (socket === undefined) throw new BadValue('illegal real server address[:port] specified');
    const { address, port = this.#port } = socket;
    this.#server = { family: familyOf(address), address, port };
  }

  #takeDaemon(long: string, value: string): void {
    switch (long) {
      case 'mcast-interface':
        this.#daemon.multicastInterface = firstBytes(value, NAME_LENGTH);
        return;
      case 'syncid':
        this.#daemon.syncId = numberIn(value, 0, 255, 'illegal syncid specified');
        return;
      case 'mcast-group': {
        const family = value.includes(':') ? 'IPv6' : 'IPv4';
        const group = parseMulticastGroup(value);
        if (group === undefined) throw new BadValue(`invalid ${family} mcast-group \`${value}'`);
        this.#daemon.multicastGroup = group;
        return;
      }
      case 'mcast-port':
        this.#daemon.multicastPort = numberIn(value, 1, 65_535, 'illegal mcast-port specified');
        return;
      case 'mcast-ttl':
        this.#daemon.multicastTtl = numberIn(value, 1, 255, 'illegal mcast-ttl specified');
        return;
      case 'sync-maxlen':
        this.#daemon.maxLength = numberIn(
          value,
          1,
          MAX_SYNC_LENGTH,
          'illegal sync-maxlen specified',
        );
    }
  }

  /**
   * Names of flags count for the scheduler that was given, so they are read when all options are
   * known. @throws BadValue
   */
  settleSchedulerFlags(): void {
    if (this.#schedulerFlags === undefined) return;
    const result = parseSchedulerFlags(this.#schedulerFlags, this.#scheduler);
    if ('problem' in result) throw new BadValue(result.problem);
    this.#flags |= result.flags;
  }

  /** @returns undefined when no service was named */
  identity(): ServiceIdentity | undefined {
    const family = this.#family;
    if (this.#fwmark !== 0) return { family, fwmark: this.#fwmark };
    if (this.#address === undefined) return undefined;
    return { family, protocol: this.#protocol, address: this.#address, port: this.#port };
  }

  /** @throws BadValue */
  service(): ServiceRequest {
    const isMark = this.#fwmark !== 0;
    if (!isMark && this.#port === 0 && (this.#flags & c.IP_VS_SVC_F_PERSISTENT) === 0) {
      throw new BadValue('Zero port specified for non-persistent service');
    }
    if ((this.#flags & c.IP_VS_SVC_F_ONEPACKET) !== 0 && !isMark && this.#protocol !== 17) {
      throw new BadValue('One-Packet Scheduling is only for UDP virtual services');
    }
    return {
      ...this.identity()!,
      scheduler: this.#scheduler === '' ? DEFAULT_SCHEDULER : this.#scheduler,
      flags: this.#flags,
      timeoutSec: this.#timeoutSec,
      netmask: this.#netmask,
      ...(this.#engine !== '' && { peName: this.#engine }),
    };
  }

  server(): DestinationIdentity {
    return this.#server!;
  }

  /** @throws BadValue */
  destination(): DestinationRequest {
    const { family, address, port } = this.#server!;
    const isTunnel = this.#forwarding === c.IP_VS_CONN_F_TUNNEL;
    if (family !== this.#family && !isTunnel) {
      throw new BadValue('Different address family is allowed only for tunneling servers');
    }
    const hasTunnelOption = [...this.given].some((name) => /^tun-(?!info)/.test(name));
    if (hasTunnelOption && !isTunnel) {
      throw new BadValue('Tunnel options conflict with forward method');
    }
    const { type } = this.#tunnel;
    const problem = checkTunnelOptions(type, TUNNEL_TYPES[type]!, this.given);
    if (problem !== undefined) throw new BadValue(problem);
    // Without rewriting, the server sees the service's port; a mark has none.
    const isPortFixed = this.#fwmark === 0 && this.#forwarding !== c.IP_VS_CONN_F_MASQ;
    return {
      family,
      address,
      port: isPortFixed ? this.#port : port,
      forwarding: this.#forwarding,
      weight: this.#weight,
      upperThreshold: this.#upperThreshold,
      lowerThreshold: this.#lowerThreshold,
      tunnel: { ...this.#tunnel },
    };
  }

  daemon(): SyncDaemon {
    const { multicastInterface } = this.#daemon;
    return { ...this.#daemon, multicastInterface: multicastInterface || DEFAULT_INTERFACE };
  }
}
