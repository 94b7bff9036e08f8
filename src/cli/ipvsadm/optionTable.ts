/**
 * The options of ipvsadm 1.31 and which of them go with which command. What a value means is
 * decided in values.ts, what they mean together in draft.ts.
 */
import type { OptionSpec } from './popt.ts';

/** Commands by the names that messages use. */
export type CommandName =
  | 'add-service'
  | 'edit-service'
  | 'delete-service'
  | 'flush'
  | 'list'
  | 'add-server'
  | 'delete-server'
  | 'edit-server'
  | 'set'
  | 'start-daemon'
  | 'stop-daemon'
  | 'restore'
  | 'save'
  | 'zero';

export interface IpvsadmOption extends OptionSpec {
  /** of options: what messages and the table below call it; several may share one */
  readonly name?: string;
  readonly command?: CommandName | 'help' | 'version';
}

export const COMMANDS: readonly IpvsadmOption[] = [
  { long: 'add-service', short: 'A', command: 'add-service' },
  { long: 'edit-service', short: 'E', command: 'edit-service' },
  { long: 'delete-service', short: 'D', command: 'delete-service' },
  { long: 'clear', short: 'C', command: 'flush' },
  { long: 'list', short: 'L', command: 'list' },
  { long: 'list', short: 'l', command: 'list' },
  { long: 'zero', short: 'Z', command: 'zero' },
  { long: 'add-server', short: 'a', command: 'add-server' },
  { long: 'edit-server', short: 'e', command: 'edit-server' },
  { long: 'delete-server', short: 'd', command: 'delete-server' },
  { long: 'set', command: 'set' },
  { long: 'help', short: 'h', command: 'help' },
  { long: 'version', short: 'v', command: 'version' },
  { long: 'restore', short: 'R', command: 'restore' },
  { long: 'save', short: 'S', command: 'save' },
  { long: 'start-daemon', value: 'needed', command: 'start-daemon' },
  { long: 'stop-daemon', value: 'needed', command: 'stop-daemon' },
];

/** In the order in which they are checked against the command. */
export const OPTIONS: readonly IpvsadmOption[] = [
  { long: 'numeric', short: 'n', name: 'numeric' },
  { long: 'connection', short: 'c', name: 'connection' },
  { long: 'tcp-service', short: 't', value: 'needed', name: 'service-address' },
  { long: 'udp-service', short: 'u', value: 'needed', name: 'service-address' },
  { long: 'sctp-service', value: 'needed', name: 'service-address' },
  { long: 'fwmark-service', short: 'f', value: 'needed', name: 'service-address' },
  { long: 'scheduler', short: 's', value: 'needed', name: 'scheduler' },
  { long: 'persistent', short: 'p', value: 'maybe', name: 'persistent' },
  { long: 'netmask', short: 'M', value: 'needed', name: 'netmask' },
  { long: 'real-server', short: 'r', value: 'needed', name: 'real-server' },
  { long: 'masquerading', short: 'm', name: 'forwarding-method' },
  { long: 'gatewaying', short: 'g', name: 'forwarding-method' },
  { long: 'ipip', short: 'i', name: 'forwarding-method' },
  { long: 'weight', short: 'w', value: 'needed', name: 'weight' },
  { long: 'u-threshold', short: 'x', value: 'needed', name: 'u-threshold' },
  { long: 'l-threshold', short: 'y', value: 'needed', name: 'l-threshold' },
  { long: 'mcast-interface', value: 'needed', name: 'mcast-interface' },
  { long: 'timeout', name: 'timeout' },
  { long: 'daemon', name: 'daemon' },
  { long: 'stats', name: 'stats' },
  { long: 'rate', name: 'rate' },
  { long: 'thresholds', name: 'thresholds' },
  { long: 'persistent-conn', name: 'persistent-conn' },
  { long: 'nosort', name: 'nosort' },
  { long: 'syncid', value: 'needed', name: 'syncid' },
  { long: 'exact', short: 'X', name: 'exact' },
  { long: 'ops', short: 'o', name: 'ops' },
  { long: 'pe', value: 'needed', name: 'pe' },
  { long: 'sched-flags', short: 'b', value: 'needed', name: 'sched-flags' },
  { long: 'mcast-group', value: 'needed', name: 'mcast-group' },
  { long: 'mcast-port', value: 'needed', name: 'mcast-port' },
  { long: 'mcast-ttl', value: 'needed', name: 'mcast-ttl' },
  { long: 'sync-maxlen', value: 'needed', name: 'sync-maxlen' },
  { long: 'tun-info', name: 'tun-info' },
  { long: 'tun-type', value: 'needed', name: 'tun-type' },
  { long: 'tun-port', value: 'needed', name: 'tun-port' },
  { long: 'tun-nocsum', name: 'tun-nocsum' },
  { long: 'tun-csum', name: 'tun-csum' },
  { long: 'tun-remcsum', name: 'tun-remcsum' },
];

/** Accepted anywhere and any number of times. */
const UNNAMED_OPTIONS: readonly IpvsadmOption[] = [{ long: 'ipv6', short: '6' }, { long: 'sort' }];

export const ALL_OPTIONS: readonly IpvsadmOption[] = [...COMMANDS, ...OPTIONS, ...UNNAMED_OPTIONS];

export interface OptionRules {
  readonly needed?: readonly string[];
  readonly allowed?: readonly string[];
  /** at most one of these */
  readonly exclusive?: readonly string[];
}

const OF_A_SERVICE = ['scheduler', 'persistent', 'netmask', 'ops', 'pe', 'sched-flags'];
const OF_A_TUNNEL = ['tun-type', 'tun-port', 'tun-nocsum', 'tun-csum', 'tun-remcsum'];
const OF_A_SERVER = ['forwarding-method', 'weight', 'u-threshold', 'l-threshold', ...OF_A_TUNNEL];
const WHICH_SERVER = ['service-address', 'real-server'];

export const COMMAND_RULES: Readonly<Record<CommandName, OptionRules>> = {
  'add-service': { needed: ['service-address'], allowed: OF_A_SERVICE },
  'edit-service': { needed: ['service-address'], allowed: OF_A_SERVICE },
  'delete-service': { needed: ['service-address'] },
  flush: {},
  list: {
    allowed: [
      'numeric',
      'stats',
      'rate',
      'thresholds',
      'persistent-conn',
      'nosort',
      'syncid',
      'exact',
      'tun-info',
    ],
    exclusive: ['connection', 'service-address', 'timeout', 'daemon'],
  },
  'add-server': { needed: WHICH_SERVER, allowed: OF_A_SERVER },
  'delete-server': { needed: WHICH_SERVER },
  'edit-server': { needed: WHICH_SERVER, allowed: OF_A_SERVER },
  set: {},
  'start-daemon': {
    allowed: ['mcast-interface', 'syncid', 'mcast-group', 'mcast-port', 'mcast-ttl', 'sync-maxlen'],
  },
  'stop-daemon': { allowed: ['syncid'] },
  restore: {},
  save: { allowed: ['numeric'] },
  zero: { allowed: ['service-address'] },
};

/** By the kernel's number of the type. */
export const TUNNEL_RULES: readonly OptionRules[] = [
  {},
  { needed: ['tun-port'], exclusive: ['tun-nocsum', 'tun-csum', 'tun-remcsum'] },
  { exclusive: ['tun-nocsum', 'tun-csum'] },
];

const OPTION_NAMES: readonly string[] = [
  ...new Set(OPTIONS.map(({ name }) => name).filter((name) => name !== undefined)),
];
const TUNNEL_OPTION_NAMES = OF_A_TUNNEL.filter((name) => name !== 'tun-type');

/** @returns the first option that is missing, out of place or one too many */
export function checkCommandOptions(
  command: CommandName,
  given: ReadonlySet<string>,
): string | undefined {
  return checkRules(COMMAND_RULES[command], OPTION_NAMES, given, `'${command}' command`);
}

/** @param type the kernel's number */
export function checkTunnelOptions(
  type: number,
  typeName: string,
  given: ReadonlySet<string>,
): string | undefined {
  return checkRules(TUNNEL_RULES[type]!, TUNNEL_OPTION_NAMES, given, `'${typeName}' tunnel type`);
}

function checkRules(
  { needed = [], allowed = [], exclusive = [] }: OptionRules,
  names: readonly string[],
  given: ReadonlySet<string>,
  subject: string,
): string | undefined {
  let other: string | undefined;
  for (const name of names) {
    if (!given.has(name)) {
      if (needed.includes(name)) {
        return `You need to supply the '${name}' option for the ${subject}`;
      }
      continue;
    }
    if (exclusive.includes(name)) {
      if (other !== undefined) {
        return `The option '${name}' conflicts with the '${other}' option in the ${subject}`;
      }
      other = name;
    } else if (!needed.includes(name) && !allowed.includes(name)) {
      return `Illegal '${name}' option with the ${subject}`;
    }
  }
  return undefined;
}
