/** A Service that is ours and may have addresses: what it holds and what it asks for, read once. */
import type { BalancedService, Wish } from '../../model/balancedService.ts';
import { type Address, familyOf } from '../../net/address.ts';
import type { Family } from '../../net/family.ts';
import { parseSloppyAddress } from '../../net/sloppy.ts';
import { type Failure, failure } from './cause.ts';
import { sharerOf, type Sharer } from './sharing.ts';
import { addressesInStatus } from './readLists.ts';

export interface Claimant {
  readonly service: BalancedService;
  /** `ns/name` */
  readonly key: string;
  /** wanted, in order; one or two */
  readonly families: readonly Family[];
  readonly needsAll: boolean;
  readonly request: Request;
  readonly sharer: Sharer;
}

/** What a Service asks for by annotations and fields. */
export interface Request {
  readonly addresses: ReadonlyMap<Family, Address>;
  /** in order; empty: any */
  readonly pools: readonly string[];
  /** why it cannot be met whatever is free; nothing of it counts then */
  readonly failure?: Failure;
}

const NO_REQUEST: Request = { addresses: new Map(), pools: [] };

/** A Service, and its `ns/name`. */
export interface Claiming {
  readonly key: string;
  readonly service: BalancedService;
}

export function claimantOf(key: string, service: BalancedService): Claimant {
  const { familyPolicy } = service;
  const families = service.isDeleting ? familiesOfLeaving(service) : service.families;
  const isSingle = familyPolicy === 'SingleStack' && !service.isDeleting && families.length > 1;
  const wanted = isSingle ? families.slice(0, 1) : families;
  return {
    service,
    key,
    families: wanted,
    needsAll: familyPolicy === 'RequireDualStack',
    request: requestOf(service, wanted),
    sharer: sharerOf(key, service),
  };
}

/** It keeps what it has, wanted or not. */
function familiesOfLeaving(service: BalancedService): readonly Family[] {
  const had = addressesInStatus(service).map(familyOf);
  return had.length === 0 ? service.families : [...new Set(had)];
}

export function keyOf({ namespace, name }: BalancedService): string {
  return `${namespace}/${name}`;
}

/** Older first; without a time of creation: before all others. */
export function compareAge(a: Claiming, b: Claiming): number {
  return compareText(a.service.createdAt, b.service.createdAt) || compareText(a.key, b.key);
}

export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** The entries of a comma list, without blanks around them. */
export function listed(wish: Wish | undefined): readonly string[] {
  return wish === undefined ? [] : wish.value.split(',').map((entry) => entry.trim());
}

function requestOf(service: BalancedService, families: readonly Family[]): Request {
  const { wantedAddresses, loadBalancerIP, wantedPools, familyPolicy } = service;
  if (familyPolicy === 'RequireDualStack' && families.length < 2)
    return refused(oneFamily(families));
  if (!wantedAddresses && !loadBalancerIP && !wantedPools) return NO_REQUEST;
  const addresses = addressesOf(wantedAddresses ?? loadBalancerIP);
  if ('cause' in addresses) return refused(addresses);
  const field = addressesOf(loadBalancerIP);
  if ('cause' in field) return refused(field);
  for (const [family, address] of field) {
    if (addresses.get(family) !== address)
      return refused(contradiction(wantedAddresses!, loadBalancerIP!));
  }
  for (const [family, address] of addresses) {
    if (!families.includes(family)) return refused(mismatch(address, family, families));
  }
  return { addresses, pools: listed(wantedPools).filter((name) => name !== '') };
}

function refused(why: Failure): Request {
  return { ...NO_REQUEST, failure: why };
}

function addressesOf(wish: Wish | undefined): ReadonlyMap<Family, Address> | Failure {
  const found = new Map<Family, Address>();
  for (const text of listed(wish)) {
    const place = `${wish!.field} (${JSON.stringify(wish!.value)})`;
    const address = parseSloppyAddress(text);
    if (address === undefined)
      return failure('InvalidRequest', `${place}: ${JSON.stringify(text)} is not an IP address`);
    if (address === '0.0.0.0' || address === '::')
      return failure(
        'InvalidRequest',
        `${place}: ${address} asks for DHCP, which there is none of`,
      );
    const family = familyOf(address);
    const other = found.get(family);
    if (other !== undefined && other !== address) {
      const both = `${other} and ${address} are two of ${family}, and there is one of each at most`;
      return failure('InvalidRequest', `${place}: ${both}`);
    }
    found.set(family, address);
  }
  return found;
}

function contradiction(annotation: Wish, field: Wish): Failure {
  const [one, other] = [annotation, field].map((wish) => `${wish.field} (${wish.value})`);
  return failure('InvalidRequest', `${one} and ${other} ask for different addresses`);
}

function mismatch(address: Address, family: Family, families: readonly Family[]): Failure {
  const own = families.join(' and ');
  return failure('FamilyMismatch', `${address} is ${family}, and the Service is ${own}`);
}

function oneFamily(families: readonly Family[]): Failure {
  const own = families.join(' and ');
  const cure = 'give it both in spec.ipFamilies, or another ipFamilyPolicy';
  return failure(
    'DualStackImpossible',
    `ipFamilyPolicy is RequireDualStack, but it has ${own} only: ${cure}`,
  );
}
