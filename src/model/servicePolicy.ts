/**
 * What a Service asks for of its virtual servers, beyond addresses and endpoints. Read at the door
 * and carried whole to each of its ports, so that a further wish is read here and heeded where
 * servers are made (desired/virtualServer.ts), and passes nobody else.
 */
import type { Fields } from './fields.ts';

export interface ServicePolicy {
  /**
   * seconds for which a client stays with its endpoint; only for sessionAffinity ClientIP, 10800
   * where it gives none
   */
  readonly affinityTimeoutSec?: number;
}

/** Shared by all that ask for nothing. */
const NO_POLICY: ServicePolicy = {};

const AFFINITIES = ['None', 'ClientIP'] as const;
const DEFAULT_AFFINITY_SEC = 10_800;
const MAX_AFFINITY_SEC = 86_400;

/** @see k8s.io/api/core/v1 SessionAffinityConfig */
export function readPolicy(spec: Fields): ServicePolicy {
  if (spec.choice('sessionAffinity', AFFINITIES, 'None') === 'None') return NO_POLICY;
  const clientIP = spec.object('sessionAffinityConfig').object('clientIP');
  const timeoutSec = clientIP.integer('timeoutSeconds', 1, MAX_AFFINITY_SEC);
  return { affinityTimeoutSec: timeoutSec ?? DEFAULT_AFFINITY_SEC };
}
