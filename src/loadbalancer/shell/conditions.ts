import { defineCondition } from '../../ops/conditions.ts';

/** Subject: the Lease. */
export const ALLOCATOR_NOT_ELECTED = defineCondition({
  code: 'AllocatorNotElected',
  severity: 'warning',
  affectsHealth: false,
  title: 'the Lease of who gives out load balancer addresses can be neither read nor written',
  end: 'the Lease of who gives out load balancer addresses can be read and written again',
});

/** Subject: the Service, or all of them. */
export const ADDRESS_NOT_WRITTEN = defineCondition({
  code: 'AddressNotWritten',
  severity: 'error',
  affectsHealth: false,
  title: 'the status of a Service cannot be written: it waits for its load balancer address',
});

/** Subject: the pool and the family. */
export const ADDRESS_POOL_FULL = defineCondition({
  code: 'AddressPoolFull',
  severity: 'warning',
  affectsHealth: false,
  isSteady: true,
  title: 'at least nine in ten of the addresses of a pool are given',
});
