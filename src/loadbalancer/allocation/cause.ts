/** Why a Service has no address, or not the one that it asks for. */

export const CAUSES = [
  'NoPools',
  'NoPoolForService',
  'PoolsExhausted',
  'UnknownPool',
  'PoolNotAllowed',
  'PoolMismatch',
  'AddressNotInPools',
  'AddressReserved',
  'AddressInUse',
  'SharingRefused',
  'PortInUse',
  'FamilyMismatch',
  'FamilyUnavailable',
  'DualStackImpossible',
  'InvalidRequest',
] as const;

export type Cause = (typeof CAUSES)[number];

export interface Failure {
  readonly cause: Cause;
  /** what is in the way, and what to do where that is not plain */
  readonly message: string;
}

export function failure(cause: Cause, message: string): Failure {
  return { cause, message };
}
