/** Values of every kind that the codec carries, over the whole range that the fields hold. */
import * as fc from 'fast-check';
import { type Address, addressFromBytes } from '../../../src/net/address.ts';
import type { Family } from '../../../src/net/family.ts';
import type { ConntrackEntry } from '../../../src/netlink/conntrack.ts';
import type { GenericFamily } from '../../../src/netlink/genl.ts';
import type {
  Counters,
  DestinationRequest,
  IpvsDestination,
  IpvsService,
  ServiceIdentity,
  SyncDaemon,
} from '../../../src/netlink/ipvs.ts';
import type { SetElement, SetHeader, SetPart } from '../../../src/netlink/ipset.ts';
import type { NftTable } from '../../../src/netlink/nftables.ts';
import type { InterfaceAddress } from '../../../src/netlink/rtnlAddresses.ts';
import type { Link } from '../../../src/netlink/rtnlLinks.ts';
import type { Route } from '../../../src/netlink/rtnlRoutes.ts';

export const u8 = fc.integer({ min: 0, max: 0xff });
export const u16 = fc.integer({ min: 0, max: 0xffff });
export const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const mark = fc.integer({ min: 1, max: 0xffff_ffff });
const index = fc.integer({ min: 1, max: 0x7fff_ffff });
const u64 = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });
export const family = fc.constantFrom<Family>('IPv4', 'IPv6');
/** No NUL; everything else, non-ASCII included, must survive. */
export const name = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 15 })
  .filter((text) => !text.includes('\0') && text.isWellFormed());

export function address(of: Family): fc.Arbitrary<Address> {
  const bytes = of === 'IPv4' ? 4 : 16;
  // Zeros in runs: the shortened forms of IPv6.
  return fc
    .array(fc.oneof(fc.constant(0), u8), { minLength: bytes, maxLength: bytes })
    .map((list) => addressFromBytes(Uint8Array.from(list)));
}

/** What is undefined is left out, as decoders leave it out. */
function record<T extends object>(model: { [K in keyof T]-?: fc.Arbitrary<T[K]> }) {
  return fc
    .record(model as Record<string, fc.Arbitrary<unknown>>)
    .map(
      (value) => Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as T,
    );
}

const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

export const counters: fc.Arbitrary<Counters> = fc.record({
  connections: u64,
  inPackets: u64,
  outPackets: u64,
  inBytes: u64,
  outBytes: u64,
  connectionsPerSec: u64,
  inPacketsPerSec: u64,
  outPacketsPerSec: u64,
  inBytesPerSec: u64,
  outBytesPerSec: u64,
});

export const serviceIdentity: fc.Arbitrary<ServiceIdentity> = family.chain((of) =>
  fc.oneof(
    fc.record({ family: fc.constant(of), protocol: u16, address: address(of), port: u16 }),
    fc.record({ family: fc.constant(of), fwmark: mark }),
  ),
);

export const service: fc.Arbitrary<IpvsService> = fc
  .tuple(
    serviceIdentity,
    record({ scheduler: name, flags: u32, timeoutSec: u32, netmask: u32, peName: maybe(name) }),
    maybe(counters),
  )
  .map(([identity, settings, found]) => ({
    ...identity,
    ...(settings as Pick<IpvsService, 'scheduler' | 'flags' | 'timeoutSec' | 'netmask'>),
    ...(found && { counters: found }),
  }));

export const destinationRequest: fc.Arbitrary<DestinationRequest> = family.chain((of) =>
  record({
    family: fc.constant(of),
    address: address(of),
    port: u16,
    forwarding: u32,
    weight: fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }),
    upperThreshold: u32,
    lowerThreshold: u32,
    tunnel: maybe(
      fc
        .record({ type: u8, port: u16, flags: u16 })
        .filter(({ type, port, flags }) => type + port + flags > 0),
    ),
  }),
) as fc.Arbitrary<DestinationRequest>;

export const destination: fc.Arbitrary<IpvsDestination> = fc
  .tuple(
    destinationRequest,
    fc.record({ activeConnections: u32, inactiveConnections: u32, persistentConnections: u32 }),
    maybe(counters),
  )
  .map(([request, connections, found]) => ({
    ...request,
    ...connections,
    ...(found && { counters: found }),
  }));

export const daemon = record({
  state: u32,
  multicastInterface: name,
  syncId: u32,
  maxLength: maybe(u16),
  multicastGroup: maybe(family.chain(address)),
  multicastPort: maybe(u16),
  multicastTtl: maybe(u8),
}) as fc.Arbitrary<SyncDaemon>;

export const genericFamily: fc.Arbitrary<GenericFamily> = fc.record({
  id: u16,
  name,
  version: u32,
  headerBytes: u32,
  maxAttribute: u32,
  operations: fc.array(fc.tuple(u32, u32), { maxLength: 20 }).map((list) => new Map(list)),
  groups: fc.array(fc.tuple(name, u32), { maxLength: 5 }).map((list) => new Map(list)),
});

export const link = record({
  index,
  name,
  flags: u32,
  hardwareType: u16,
  mtu: maybe(u32),
  kind: maybe(name),
  master: maybe(u32),
  parent: maybe(u32),
  operationalState: maybe(u8),
  hardwareAddress: maybe(fc.uint8Array({ minLength: 1, maxLength: 20 })),
}) as fc.Arbitrary<Link>;

export const interfaceAddress: fc.Arbitrary<InterfaceAddress> = family
  .chain((of) =>
    record({
      family: fc.constant(of),
      index: u32,
      address: address(of),
      peer: maybe(address(of)),
      prefixLength: u8,
      scope: u8,
      flags: u32,
      label: maybe(name),
      origin: maybe(u8),
    }),
  )
  .filter((value) => value['peer'] !== value['address']) as fc.Arbitrary<InterfaceAddress>;

export const route: fc.Arbitrary<Route> = family.chain((of) => {
  const hop = fc.record({ gateway: address(of), outInterface: index }, { requiredKeys: [] });
  const usable = hop.filter((value) => Object.keys(value).length > 0);
  return record({
    family: fc.constant(of),
    destination: maybe(address(of)),
    destinationLength: u8,
    table: u32,
    protocol: u8,
    scope: u8,
    type: u8,
    priority: maybe(u32),
    preferredSource: maybe(address(of)),
    nextHops: fc.oneof(
      fc.array(usable, { maxLength: 1 }),
      fc.array(hop, { minLength: 2, maxLength: 5 }),
    ),
  });
}) as fc.Arbitrary<Route>;

const tuple = (of: Family) =>
  fc.record({
    source: address(of),
    sourcePort: u16,
    destination: address(of),
    destinationPort: u16,
  });

export const conntrackEntry: fc.Arbitrary<ConntrackEntry> = family.chain((of) =>
  fc.record({ protocol: u8, original: tuple(of), reply: tuple(of), id: u32, zone: u16 }),
);

export const nftTable: fc.Arbitrary<NftTable> = fc.record({ addressFamily: u8, name });

const setElement = family.chain((of) =>
  record<SetElement>({
    address: maybe(address(of)),
    prefixLength: maybe(u8),
    protocol: maybe(u8),
    port: maybe(u16),
    secondAddress: maybe(address(of)),
    secondPrefixLength: maybe(u8),
  }),
);

const setHeader = record<SetHeader>({
  type: name,
  addressFamily: u8,
  maxElements: maybe(u32),
  elementCount: maybe(u32),
});

export const setPart = record<SetPart>({
  name,
  header: maybe(setHeader),
  elements: fc.array(setElement, { maxLength: 5 }),
});
