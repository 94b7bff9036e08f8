import { defineCondition } from '../../ops/conditions.ts';

/** Subject: the Service and the place, `shop/web 0.0.0.0:31070`. */
export const HEALTH_CHECK_PORT_NOT_SERVED = defineCondition({
  code: 'HealthCheckPortNotServed',
  severity: 'error',
  affectsHealth: false,
  title: 'the health-check node port of a Service cannot be listened on',
});
