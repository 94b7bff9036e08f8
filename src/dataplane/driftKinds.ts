/** Kinds of what somebody else can change in the dataplane behind our back. */
export const DRIFT_KINDS = [
  'address',
  'device',
  'server',
  'scheduler',
  'destination',
  'weight',
  'set',
  'entry',
  'chain',
  'jump',
  'sysctl',
] as const;

export type DriftKind = (typeof DRIFT_KINDS)[number];

export type DriftCounts = ReadonlyMap<DriftKind, number>;
