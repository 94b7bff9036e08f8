/**
 * A reading completed from what was known before: the parts that it could not read are as they
 * were.
 */
import {
  ADDRESSES_PART,
  type Part,
  type PartKind,
  rulesPart,
  SERVERS_PART,
  setPart,
  sysctlPart,
} from '../../dataplane/part.ts';
import type { ActualState, DataplaneState } from '../../dataplane/state.ts';
import { mapTables, tablesIn } from '../../dataplane/tables.ts';
import { FAMILIES, type Family } from '../../net/family.ts';

/**
 * @param before nothing was known: what could not be read is unknown
 * @returns shares with both
 */
export function keepingKnown(reading: ActualState, before: ActualState | undefined): ActualState {
  if (before === undefined || reading.unknown.size === 0) return reading;
  const isKept = (part: Part) => reading.unknown.has(part) && !before.unknown.has(part);
  const kept = (kind: PartKind) => {
    const parts = [...reading.unknown.keys()].filter((part) => part.kind === kind && isKept(part));
    return new Set(parts.map(({ name }) => name));
  };
  const { virtualServers, foreignServers, connections } = isKept(SERVERS_PART) ? before : reading;
  const { hasDummyDevice, addresses } = isKept(ADDRESSES_PART) ? before : reading;
  return {
    virtualServers,
    foreignServers,
    ...(connections === undefined ? {} : { connections }),
    hasDummyDevice,
    addresses,
    ipsets: withKept(reading.ipsets, before.ipsets, kept('ipset')),
    iptables: rulesOf(reading, before, isKept),
    sysctls: withKept(reading.sysctls, before.sysctls, kept('sysctl')),
    unconfirmed: reading.unconfirmed,
    unknown: new Map([...reading.unknown].filter(([part]) => before.unknown.has(part))),
  };
}

/** Everything that a reading can be without. */
export function partsOf({ ipsets, iptables, sysctls }: ActualState): readonly Part[] {
  const rules = FAMILIES.flatMap((family) =>
    tablesIn(iptables[family]).map(([table]) => rulesPart(family, table)),
  );
  const sets = [...ipsets.keys()].map(setPart);
  return [SERVERS_PART, ADDRESSES_PART, ...sets, ...rules, ...[...sysctls.keys()].map(sysctlPart)];
}

function withKept<T>(
  read: ReadonlyMap<string, T>,
  before: ReadonlyMap<string, T>,
  kept: ReadonlySet<string>,
): ReadonlyMap<string, T> {
  return new Map([...read, ...[...before].filter(([name]) => kept.has(name))]);
}

function rulesOf(
  reading: ActualState,
  before: ActualState,
  isKept: (part: Part) => boolean,
): DataplaneState['iptables'] {
  const tablesOf = (family: Family) =>
    mapTables(reading.iptables[family], (read, table) =>
      isKept(rulesPart(family, table)) ? (before.iptables[family][table] ?? read) : read,
    );
  return { IPv4: tablesOf('IPv4'), IPv6: tablesOf('IPv6') };
}
