/**
 * What of ours is in the kernel beside rules. Which virtual servers are ours is judged as the proxy
 * judges it at its start: by their address, by the ledger, by the sets.
 */
import type { Family } from '../../net/family.ts';
import { type Operation } from '../../dataplane/operations.ts';
import { emptyState, type IpSet } from '../../dataplane/state.ts';
import type { Tables } from '../../dataplane/tables.ts';
import { isUnknownSubsystem } from '../../kernel/errors.ts';
import type { IpsetClient } from '../../kernel/ipset.ts';
import type { Look } from '../../kernel/iptablesSurvey.ts';
import type { IpvsClient } from '../../kernel/ipvsClient.ts';
import { Ledger } from '../../kernel/ledger.ts';
import type { DummyState } from '../../dataplane/dataplane.ts';
import type { LinkClient } from '../../kernel/linkClient.ts';
import type { Address } from '../../net/address.ts';
import { difference } from '../../plan/difference.ts';
import { ownership, takeOver } from '../../plan/ownership.ts';
import type { CleanupWish } from './cleanup.ts';
import type { Findings } from './findings.ts';
import type { NftKernel } from './otherModes.ts';
import type { SysctlParts } from './sysctls.ts';

/** This machine; tests have another. */
export interface CleanupParts extends SysctlParts {
  readonly ipvs: Pick<IpvsClient, 'read' | 'apply'>;
  /** looked at before IPVS is: asking for it would load its module */
  readonly hasIpvs: () => Promise<boolean>;
  readonly links: Pick<LinkClient, 'read' | 'deleteDevice'>;
  readonly sets: Pick<IpsetClient, 'read' | 'apply'>;
  readonly look: Look;
  readonly nft: NftKernel;
  /** what a proxy puts into the built-in chains */
  readonly jumps: Readonly<Record<Family, Tables>>;
  /** of this node, without those of the dummy device */
  readonly nodeAddresses: () => Promise<ReadonlySet<Address>>;
  readonly ledgerFile: string;
  readonly sleep: (ms: number) => Promise<void>;
}

export type ServerRemoval = Extract<Operation, { readonly op: 'removeServer' }>;

export interface FoundState {
  readonly dummy: DummyState;
  readonly sets: ReadonlyMap<string, IpSet>;
  readonly servers: readonly ServerRemoval[];
}

export async function readState(
  { names, excludeCidrs }: CleanupWish,
  { ipvs, hasIpvs, links, sets, ledgerFile, nodeAddresses }: CleanupParts,
  to: Findings,
): Promise<FoundState> {
  const noDummy: DummyState = { hasDummyDevice: false, addresses: new Set() };
  const dummy = await to.attempt('addresses', () => links.read(), noDummy);
  const readSets = () => sets.read(names.sets).catch(noneWithoutModule);
  const ipsets = await to.attempt('ipsets', readSets, new Map<string, IpSet>());
  const servers = await to.attempt(
    'virtual servers',
    async () => {
      if (!(await hasIpvs())) return [];
      const { virtualServers, foreignServers } = await ipvs.read();
      if (virtualServers.size === 0) return [];
      const { addresses } = dummy;
      const actual = { ...emptyState(), virtualServers, foreignServers, addresses, ipsets };
      const ledger = await Ledger.open(ledgerFile);
      const own = await nodeAddresses();
      takeOver(actual, emptyState(), ledger, (address) => own.has(address));
      const isOwned = ownership(actual, ledger);
      return difference(emptyState(), actual, { isOwned, excludeCidrs }).filter(isServerRemoval);
    },
    [],
  );
  return { dummy, sets: ipsets, servers };
}

function isServerRemoval(operation: Operation): operation is ServerRemoval {
  return operation.op === 'removeServer';
}

function noneWithoutModule(error: unknown): ReadonlyMap<string, IpSet> {
  if (isUnknownSubsystem(error)) return new Map();
  throw error;
}
