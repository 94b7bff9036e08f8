/**
 * Our condition in the status of a Service: whether an address is assigned, and why not. It is
 * written together with the addresses and its message names them, so it also says whose a status
 * is: what others write after us is not named.
 */
import type { BalancedService, StatusCondition } from '../model/balancedService.ts';
import type { Address } from '../net/address.ts';

export const CONDITION_TYPE = 'kube-ipvs.io/AddressAssigned';

type Status = Pick<BalancedService, 'conditions' | 'ingress'>;

export interface NamedAddress {
  readonly address: Address;
  /** name; undefined: out of pool */
  readonly pool: string | undefined;
}

/** `192.0.2.64 from pool office`: what a message begins with. */
export function namingText(addresses: readonly NamedAddress[]): string {
  return addresses
    .map(
      ({ address, pool }) =>
        `${address} ${pool === undefined ? 'of no pool' : `from pool ${pool}`}`,
    )
    .join(', ');
}

export function ourCondition(conditions: readonly StatusCondition[]): StatusCondition | undefined {
  return conditions.find(({ type }) => type === CONDITION_TYPE);
}

/** That we wrote the addresses in the status, and nobody else has written since. */
export function isMarked({ conditions, ingress }: Status): boolean {
  const condition = ourCondition(conditions);
  if (condition?.status !== 'True' || ingress.length === 0) return false;
  const words = ` ${condition.message ?? ''}`;
  return ingress.every(({ ip }) => ip !== undefined && words.includes(` ${ip} `));
}

/** That somebody else wrote the status after us, or it was cleared. */
export function isStale({ conditions, ingress }: Status): boolean {
  const condition = ourCondition(conditions);
  if (condition === undefined) return false;
  if (condition.status === 'True') return !isMarked({ conditions, ingress });
  return ingress.length > 0;
}
