/**
 * One line of a watch, and one page of a list, taken apart and checked as far as the reflector
 * relies on them.
 */
import { ApiError, errorFromStatus, isRecord } from './apiError.ts';

export type WatchEvent =
  | {
      readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
      readonly object: unknown;
      readonly resourceVersion: string;
    }
  | {
      readonly type: 'BOOKMARK';
      readonly resourceVersion: string;
      /** everything that existed when the watch was asked for has been sent (KEP-3157) */
      readonly endsInitialEvents: boolean;
    };

/**
 * @returns undefined for an event type of a later API
 * @throws ApiError for an ERROR event (with the status it carries) and for what is no event at all
 */
export function parseWatchEvent(line: string, url: string): WatchEvent | undefined {
  const event = parseLine(line, url);
  const { type, object } = event;
  if (type === 'ERROR') throw errorFromStatus(500, object, url);
  if (type !== 'ADDED' && type !== 'MODIFIED' && type !== 'DELETED' && type !== 'BOOKMARK')
    return undefined;
  const resourceVersion = versionOf(object);
  if (resourceVersion === '')
    throw protocolError('a watch event has no metadata.resourceVersion', url);
  if (type !== 'BOOKMARK') return { type, object, resourceVersion };
  const endsInitialEvents = annotationOf(object, 'k8s.io/initial-events-end') === 'true';
  return { type, resourceVersion, endsInitialEvents };
}

export interface ListPage {
  readonly items: readonly unknown[];
  readonly resourceVersion: string;
  /** empty on the last page */
  readonly continueToken: string;
}

/** @throws ApiError when `body` is not a list */
export function parseListPage(body: unknown, url: string): ListPage {
  const fields = isRecord(body) ? body : {};
  // Go writes an empty list as `items: null` in old versions.
  const items = fields['items'] ?? [];
  const resourceVersion = versionOf(body);
  if (!Array.isArray(items) || resourceVersion === '') {
    throw protocolError('the answer to a list is no list with metadata.resourceVersion', url);
  }
  const token = metadataOf(body)['continue'];
  return { items, resourceVersion, continueToken: typeof token === 'string' ? token : '' };
}

function parseLine(line: string, url: string): Readonly<Record<string, unknown>> {
  try {
    const event: unknown = JSON.parse(line);
    if (isRecord(event)) return event;
  } catch {
    // told below, with the line
  }
  throw protocolError(`a watch event is not JSON: ${line.slice(0, 80)}`, url);
}

function versionOf(object: unknown): string {
  const version = metadataOf(object)['resourceVersion'];
  return typeof version === 'string' ? version : '';
}

function annotationOf(object: unknown, name: string): unknown {
  const annotations = metadataOf(object)['annotations'];
  return isRecord(annotations) ? annotations[name] : undefined;
}

function metadataOf(object: unknown): Readonly<Record<string, unknown>> {
  return isRecord(object) && isRecord(object['metadata']) ? object['metadata'] : {};
}

function protocolError(message: string, url: string): ApiError {
  return new ApiError({ status: 0, reason: 'Protocol', message, url });
}
