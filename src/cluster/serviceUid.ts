/**
 * The uid of a Service as it is now, for an Event about it: Services are kept without, since
 * nothing else asks for it. By a list of one, for our role may list Services and not get them.
 */
import { isRecord } from './apiError.ts';
import type { ServiceSubject } from './events.ts';
import type { ApiTransport } from './transport.ts';

/** @returns undefined when there is none of the name; @throws ApiError */
export async function serviceUid(
  transport: Pick<ApiTransport, 'getJson'>,
  { namespace, name }: ServiceSubject,
  signal: AbortSignal,
): Promise<string | undefined> {
  const query = { fieldSelector: `metadata.name=${name}`, limit: '1' };
  const path = `/api/v1/namespaces/${namespace}/services`;
  const list = await transport.getJson(path, query, { signal });
  const items = isRecord(list) && Array.isArray(list['items']) ? (list['items'] as unknown[]) : [];
  const [found] = items;
  const metadata = isRecord(found) && isRecord(found['metadata']) ? found['metadata'] : {};
  const { uid } = metadata;
  return typeof uid === 'string' ? uid : undefined;
}
