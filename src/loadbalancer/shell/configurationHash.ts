import { createHash } from 'node:crypto';
import type { LoadBalancerSettings } from '../../config/loadBalancer/settings.ts';

/** First 32 bits of what the settings come to: nodes that differ in it are told of. */
export function configurationHash(settings: LoadBalancerSettings): number {
  const text = JSON.stringify(settings, (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
  return createHash('sha256').update(text).digest().readUInt32BE(0);
}
