import { defineCondition } from '../../ops/conditions.ts';

/** Subject: the Service's port and the place, `shop/web:http 127.0.0.1:30080`. */
export const LOCALHOST_PORT_NOT_SERVED = defineCondition({
  code: 'LocalhostPortNotServed',
  severity: 'error',
  affectsHealth: false,
  title: 'a nodePort cannot be listened on at a loopback address',
  end: 'the nodePort is listened on at the loopback address',
});
