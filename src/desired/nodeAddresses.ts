/**
 * Which addresses of this node serve NodePorts (`nodePortAddresses`), and which of its addresses
 * stand for the node when a source range is asked whether it admits it. Addresses of kube-ipvs0 are
 * never among them: HostNetwork leaves that device out, so a range that also covers Service
 * addresses makes no NodePort answer there (kubernetes issues 93674, 75443).
 */
import type { HostNetwork } from '../model/host.ts';
import {
  type Address,
  compareAddresses,
  familyOf,
  isLinkLocal,
  isLoopback,
  parseAddress,
} from '../net/address.ts';
import { type Family, FAMILIES } from '../net/family.ts';
import { prefixContains } from '../net/prefix.ts';
import type { DataplaneOptions } from '../dataplane/options.ts';

export type ByFamily<T> = Readonly<Record<Family, T>>;

type Choices = DataplaneOptions['nodePortAddresses'];

/**
 * @param own addresses of this Node object, internal first; the first of a family is what `primary`
 * means
 * @returns sorted, without duplicates, loopback and IPv6 link-local addresses. No choice for a
 * family means all of it.
 * @see kubernetes pkg/proxy/util/nodeport_addresses.go
 */
export function nodePortAddresses(
  choices: Choices,
  host: HostNetwork,
  own: readonly Address[],
): ByFamily<readonly Address[]> {
  return byFamily((family) => {
    if (!host.families.includes(family)) return [];
    return chosenAddresses(choices, family, host, own).filter((address) => !isLoopback(address));
  });
}

/** Whether `nodePortAddresses` leaves nothing out in this family, what comes later included. */
export function isEveryAddressChosen(choices: Choices, family: Family): boolean {
  const ofFamily = choicesOf(choices, family);
  return ofFamily.length === 0 || ofFamily.some((each) => each !== 'primary' && each.length === 0);
}

/** As {@link nodePortAddresses}, and loopback addresses too, where they are chosen. */
export function chosenAddresses(
  choices: Choices,
  family: Family,
  host: HostNetwork,
  own: readonly Address[],
): readonly Address[] {
  const ofFamily = choicesOf(choices, family);
  const primary = own.find((address) => familyOf(address) === family);
  const isWanted = (address: Address) =>
    ofFamily.length === 0 ||
    ofFamily.some((choice) =>
      choice === 'primary' ? address === primary : prefixContains(choice, address),
    );
  const candidates = interfaceAddresses(host).filter(
    (address) => familyOf(address) === family && canBeReached(address) && isWanted(address),
  );
  return [...new Set(candidates)].toSorted(compareAddresses);
}

function choicesOf(choices: Choices, family: Family): Choices {
  return choices.filter((choice) => choice === 'primary' || choice.family === family);
}

/** One address a family from the Node object; without that, whatever the interfaces have. */
export function nodeIps(host: HostNetwork, own: readonly Address[]): ByFamily<readonly Address[]> {
  return byFamily((family) => {
    const ofNode = own.filter((address) => familyOf(address) === family);
    if (ofNode.length > 0) return ofNode.slice(0, 1);
    const found = interfaceAddresses(host).filter(
      (address) => familyOf(address) === family && canBeReached(address) && !isLoopback(address),
    );
    return [...new Set(found)].toSorted(compareAddresses);
  });
}

export function interfaceAddresses(host: HostNetwork): readonly Address[] {
  return host.interfaces.flatMap(({ addresses }) =>
    addresses
      .map((text) => parseAddress(text.split('/')[0]!))
      .filter((address) => address !== undefined),
  );
}

function canBeReached(address: Address): boolean {
  return !(familyOf(address) === 'IPv6' && isLinkLocal(address));
}

function byFamily<T>(of: (family: Family) => T): ByFamily<T> {
  return Object.fromEntries(FAMILIES.map((family) => [family, of(family)])) as Record<Family, T>;
}
