/**
 * Services as the API server has them at this moment, where what the watch has told may be old: at
 * the beginning of a term, and after a conflict. By lists, for our role may list Services and not
 * get them.
 */
import { Selection } from '../../cluster/selection.ts';
import type { ApiTransport, Query } from '../../cluster/transport.ts';
import { type ListPage, parseListPage } from '../../cluster/watchEvent.ts';
import type { BalancedService } from '../../model/balancedService.ts';
import { KINDS, type Need, pathOf } from '../../model/kinds.ts';
import type { ObjectKey } from '../../model/resources.ts';
import { slimBalancedService } from '../../model/slimBalancedService.ts';
import { keyOf } from '../allocation/claimant.ts';

type Reader = Pick<ApiTransport, 'getJson'>;

const PAGE = '500';

/** @throws ApiError */
export async function readServices(
  api: Reader,
  needs: ReadonlySet<Need>,
  signal: AbortSignal,
): Promise<ReadonlyMap<ObjectKey, BalancedService>> {
  const path = pathOf(KINDS.Service);
  const selection = new Selection(KINDS.Service.selectors({ nodeName: '', needs }));
  const found = new Map<ObjectKey, BalancedService>();
  let position: Query = {};
  for (;;) {
    const isContinuation = Object.hasOwn(position, 'continue');
    const page: ListPage = await selection.apply(async (selectors) => {
      const query = { ...selectors, ...position, limit: PAGE };
      return parseListPage(await api.getJson(path, query, { signal, isContinuation }), path);
    });
    for (const raw of page.items) {
      const { object } = slimBalancedService(raw);
      if (object !== undefined) found.set(keyOf(object), object);
    }
    if (page.continueToken === '') return found;
    position = { continue: page.continueToken };
  }
}

/** @returns undefined: there is none; @throws ApiError */
export async function readService(
  api: Reader,
  { namespace, name }: Pick<BalancedService, 'namespace' | 'name'>,
  signal: AbortSignal,
): Promise<BalancedService | undefined> {
  const path = `/api/v1/namespaces/${namespace}/services`;
  const query = { fieldSelector: `metadata.name=${name}`, limit: '1' };
  const { items } = parseListPage(await api.getJson(path, query, { signal }), path);
  return items.length === 0 ? undefined : slimBalancedService(items[0]).object;
}
