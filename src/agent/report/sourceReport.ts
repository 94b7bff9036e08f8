/**
 * What is told of the source of Services. It repeats itself at every attempt; only a new state of
 * affairs is worth a line.
 */
import type { SourceStatus } from '../../cluster/source.ts';
import type { Conditions } from '../../ops/conditions.ts';
import type { Logger } from '../../ops/log.ts';
import { SOURCE_NOT_CONNECTED } from '../conditions.ts';

/** There is one. */
const SOURCE = 'source';

export function reportSource(
  { log, conditions }: { readonly log: Logger; readonly conditions: Conditions },
  { isConnected, isFailing, detail }: SourceStatus,
): void {
  const otherwise = { message: 'source not connected', fields: { status: detail } };
  if (isConnected) {
    conditions.clear(SOURCE_NOT_CONNECTED, SOURCE);
    log.info('source connected', { status: detail });
  } else if (isFailing) {
    const reason = withoutCountdown(detail);
    const message = `source not connected: ${detail}`;
    conditions.set(SOURCE_NOT_CONNECTED, SOURCE, { message, reason, otherwise });
  } else log.verbose(2, otherwise.message, otherwise.fields);
}

/** The same failure reads different each time only by it. */
function withoutCountdown(detail: string): string {
  return detail.replace(/retry in [\d.]+ s/g, '');
}
