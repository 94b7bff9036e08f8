/**
 * The command line of a listing, by ipvsadm's rules: the first option is the command; options are checked one by one in their
 * order, then together. The result is a value; host and service names in it are looked up by the caller. Commands that change
 * the kernel are refused: `kube-ipvs list` never writes.
 */
import type { Family } from '../../net/family.ts';
import { type FoundOption, type OptionSpec, readCommandLine } from './popt.ts';
import { integerFrom, parseSelection, type ServiceSelection } from './selection.ts';
import type { Columns } from './table.ts';

export interface TableRequest {
  readonly command: 'table';
  readonly columns: Columns;
  readonly isExact: boolean;
  readonly isNumeric: boolean;
  /** false = the kernel's order */
  readonly isSorted: boolean;
  /** only this one, without the version line */
  readonly selection?: ServiceSelection;
}

export type ListRequest =
  | TableRequest
  | { readonly command: 'save'; readonly isNumeric: boolean }
  | {
      readonly command: 'connections';
      readonly isNumeric: boolean;
      readonly hasEngineColumns: boolean;
    }
  | { readonly command: 'timeouts' }
  | { readonly command: 'daemons' };

/** Bad input, in ipvsadm's words. */
export interface Refusal {
  readonly command: 'refused';
  readonly message: string;
  /** 255 where the options cannot be read, 2 where they make no sense */
  readonly exitCode: 255 | 2;
}

type Command = 'list' | 'save';

interface ListOption extends OptionSpec {
  /** what messages and checks call it; several options may share a name */
  readonly name?: string;
  /** 'other' = one of ipvsadm's that is not for listing */
  readonly command?: Command | 'other';
  /** IANA number */
  readonly protocol?: number;
}

const COMMANDS: readonly ListOption[] = [
  { long: 'list', short: 'L', command: 'list' },
  { long: 'list', short: 'l', command: 'list' },
  { long: 'save', short: 'S', command: 'save' },
  { long: 'add-service', short: 'A', command: 'other' },
  { long: 'edit-service', short: 'E', command: 'other' },
  { long: 'delete-service', short: 'D', command: 'other' },
  { long: 'clear', short: 'C', command: 'other' },
  { long: 'restore', short: 'R', command: 'other' },
  { long: 'add-server', short: 'a', command: 'other' },
  { long: 'edit-server', short: 'e', command: 'other' },
  { long: 'delete-server', short: 'd', command: 'other' },
  { long: 'zero', short: 'Z', command: 'other' },
  { long: 'set', command: 'other' },
  { long: 'start-daemon', value: 'needed', command: 'other' },
  { long: 'stop-daemon', value: 'needed', command: 'other' },
  { long: 'help', short: 'h', command: 'other' },
  { long: 'version', short: 'v', command: 'other' },
];

const OPTIONS: readonly ListOption[] = [
  { long: 'numeric', short: 'n', name: 'numeric' },
  { long: 'connection', short: 'c', name: 'connection' },
  { long: 'tcp-service', short: 't', value: 'needed', name: 'service-address', protocol: 6 },
  { long: 'udp-service', short: 'u', value: 'needed', name: 'service-address', protocol: 17 },
  { long: 'sctp-service', value: 'needed', name: 'service-address', protocol: 132 },
  { long: 'fwmark-service', short: 'f', value: 'needed', name: 'service-address' },
  { long: 'ipv6', short: '6' },
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
  { long: 'sort' },
  { long: 'syncid', value: 'needed', name: 'syncid' },
  { long: 'exact', short: 'X', name: 'exact' },
  { long: 'ops', short: 'o', name: 'ops' },
  { long: 'pe', value: 'needed', name: 'pe' },
  { long: 'sched-flags', short: 'b', value: 'needed', name: 'sched-flags' },
  { long: 'tun-info', name: 'tun-info' },
  { long: 'tun-type', value: 'needed', name: 'tun-type' },
  { long: 'tun-port', value: 'needed', name: 'tun-port' },
  { long: 'tun-nocsum', name: 'tun-nocsum' },
  { long: 'tun-csum', name: 'tun-csum' },
  { long: 'tun-remcsum', name: 'tun-remcsum' },
  { long: 'mcast-group', value: 'needed', name: 'mcast-group' },
  { long: 'mcast-port', value: 'needed', name: 'mcast-port' },
  { long: 'mcast-ttl', value: 'needed', name: 'mcast-ttl' },
  { long: 'sync-maxlen', value: 'needed', name: 'sync-maxlen' },
];

/** At most one of these, checked in this order. */
const EXCLUSIVE = ['connection', 'service-address', 'timeout', 'daemon'] as const;
/** The first that is given wins. */
const COLUMN_OPTIONS = ['stats', 'rate', 'thresholds', 'persistent-conn', 'tun-info'] as const;

const ALLOWED: Readonly<Record<Command, ReadonlySet<string>>> = {
  list: new Set(['numeric', ...EXCLUSIVE, ...COLUMN_OPTIONS, 'nosort', 'syncid', 'exact']),
  save: new Set(['numeric']),
};

/**
 * @param argv without the program's name; none at all, or none with a command first, lists
 * @param program as messages call it
 */
export function parseListOptions(argv: readonly string[], program: string): ListRequest | Refusal {
  const { options, rest, bad } = readCommandLine(argv, [...COMMANDS, ...OPTIONS]);
  const [first, ...others] = options;
  if (argv.length === 0) return request('list', new Map(), undefined);
  if (first?.spec.command === undefined) {
    return refused(255, `Try \`${program} -h' or '${program} --help' for more information.`);
  }
  if (first.spec.command === 'other') {
    return refused(2, `${program} only lists (-L) and saves (-S); it has no ${first.word}`);
  }
  const found = new FoundNames();
  for (const option of others) {
    const problem = found.take(option);
    if (problem !== undefined) return refused(2, problem);
  }
  if (bad !== undefined) return refused(255, `${bad.word}: ${bad.problem}`);
  if (rest[0] !== undefined) return refused(2, `unexpected argument ${rest[0]}`);
  const problem = checkTogether(first.spec.command, found.values);
  if (problem !== undefined) return refused(2, problem);
  return request(first.spec.command, found.values, found.selection);
}

/** What has been given so far, for the checks that depend on the order. */
class FoundNames {
  readonly values = new Map<string, string | undefined>();
  selection: ServiceSelection | undefined;

  /** @returns what is wrong with it */
  take({ spec, value, word }: FoundOption<ListOption>): string | undefined {
    if (spec.command !== undefined) return `invalid option \`${word}'`;
    if (spec.long === 'ipv6') return this.#useIpv6();
    const { name } = spec;
    if (name === undefined) return undefined;
    if (this.values.has(name)) return `multiple '${name}' options specified`;
    this.values.set(name, value);
    if (name === 'service-address') return this.#select(spec, value ?? '');
    if (name === 'syncid' && integerFrom(value ?? '', 0, 255) === undefined) {
      return 'illegal syncid specified';
    }
    return undefined;
  }

  #useIpv6(): string | undefined {
    if (this.selection?.kind !== 'mark') return '-6 used before -f\n';
    const family: Family = 'IPv6';
    this.selection = { ...this.selection, family };
    return undefined;
  }

  #select(spec: ListOption, value: string): string | undefined {
    if (spec.protocol !== undefined) {
      this.selection = parseSelection(value, spec.protocol);
      return this.selection === undefined ? ILLEGAL_SERVICE : undefined;
    }
    const fwmark = integerFrom(value, 1, 0xffff_ffff);
    if (fwmark === undefined) return `invalid fwmark value \`${value}' specified`;
    this.selection = { kind: 'mark', fwmark, family: 'IPv4' };
    return undefined;
  }
}

/** Also for a name that is not known. */
export const ILLEGAL_SERVICE = 'illegal virtual server address[:port] specified';

function checkTogether(command: Command, given: ReadonlyMap<string, unknown>): string | undefined {
  let other: string | undefined;
  for (const { name } of OPTIONS) {
    if (name === undefined || !given.has(name)) continue;
    if (!ALLOWED[command].has(name))
      return `Illegal '${name}' option with the '${command}' command`;
    if (!EXCLUSIVE.some((one) => one === name) || other === name) continue;
    if (other !== undefined) {
      return `The option '${name}' conflicts with the '${other}' option in the '${command}' command`;
    }
    other = name;
  }
  const has = (...names: readonly string[]) => names.some((name) => given.has(name));
  const isOther = has('connection', 'timeout', 'daemon');
  const isPersistentOfSetting = has('timeout', 'daemon') && has('persistent-conn');
  if ((isOther && has('stats', 'rate', 'thresholds')) || isPersistentOfSetting) {
    return 'options conflicts in the list command';
  }
  return undefined;
}

function request(
  command: Command,
  given: ReadonlyMap<string, unknown>,
  selection: ServiceSelection | undefined,
): ListRequest {
  const isNumeric = given.has('numeric');
  if (command === 'save') return { command, isNumeric };
  if (given.has('timeout')) return { command: 'timeouts' };
  if (given.has('daemon')) return { command: 'daemons' };
  if (given.has('connection')) {
    return { command: 'connections', isNumeric, hasEngineColumns: given.has('persistent-conn') };
  }
  return {
    command: 'table',
    columns: COLUMN_OPTIONS.find((name) => given.has(name)) ?? 'normal',
    isExact: given.has('exact'),
    isNumeric,
    isSorted: !given.has('nosort'),
    ...(selection !== undefined && { selection }),
  };
}

function refused(exitCode: Refusal['exitCode'], message: string): Refusal {
  return { command: 'refused', exitCode, message };
}
