/** A reading completed from what was known before: the parts that it could not read are as they were. */
import type { ActualState, DataplaneState, Part, TableName } from '../dataplane/state.ts';
import { FAMILIES, type Family } from '../net/family.ts';

const TABLES: readonly TableName[] = ['nat', 'filter'];

/**
 * @param before nothing was known: what could not be read is unknown
 * @returns shares with both
 */
export function keepingKnown(reading: ActualState, before: ActualState | undefined): ActualState {
  if (before === undefined || reading.unknown.size === 0) return reading;
  const isKept = (part: Part) => reading.unknown.has(part) && !before.unknown.has(part);
  const { virtualServers, foreignServers } = isKept('virtual servers') ? before : reading;
  const { hasDummyDevice, addresses } = isKept('addresses') ? before : reading;
  return {
    virtualServers,
    foreignServers,
    hasDummyDevice,
    addresses,
    ipsets: withKept(reading.ipsets, before.ipsets, (name) => isKept(`ipset ${name}`)),
    iptables: rulesOf(reading, before, isKept),
    sysctls: withKept(reading.sysctls, before.sysctls, (name) => isKept(`sysctl ${name}`)),
    unconfirmed: reading.unconfirmed,
    unknown: new Map([...reading.unknown].filter(([part]) => before.unknown.has(part))),
  };
}

/** Everything that a reading can be without. */
export function partsOf(state: ActualState): readonly Part[] {
  const rules = FAMILIES.flatMap((family) =>
    TABLES.map((table): Part => `rules ${family} ${table}`),
  );
  const sets = [...state.ipsets.keys()].map((name): Part => `ipset ${name}`);
  const sysctls = [...state.sysctls.keys()].map((name): Part => `sysctl ${name}`);
  return ['virtual servers', 'addresses', ...sets, ...rules, ...sysctls];
}

function withKept<T>(
  read: ReadonlyMap<string, T>,
  before: ReadonlyMap<string, T>,
  isKept: (name: string) => boolean,
): ReadonlyMap<string, T> {
  return new Map([...read, ...[...before].filter(([name]) => isKept(name))]);
}

function rulesOf(
  reading: ActualState,
  before: ActualState,
  isKept: (part: Part) => boolean,
): DataplaneState['iptables'] {
  const tableOf = (family: Family, table: TableName) => {
    const source = isKept(`rules ${family} ${table}`) ? before : reading;
    return source.iptables[family][table];
  };
  const [IPv4, IPv6] = FAMILIES.map((family) => ({
    nat: tableOf(family, 'nat'),
    filter: tableOf(family, 'filter'),
  }));
  return { IPv4: IPv4!, IPv6: IPv6! };
}
