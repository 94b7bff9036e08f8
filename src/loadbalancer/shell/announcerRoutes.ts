/** What `kube-ipvs lb status` and `lb release` ask the running announcer. */
import type { RouteBook } from '../../feature/feature.ts';
import { parseAddress } from '../../net/address.ts';
import { type HttpAnswer, refusal, type Route } from '../../ops/httpListener.ts';
import { LOAD_BALANCER_PATH, type LoadBalancerReport, RELEASE_PATH } from '../announcerPaths.ts';
import type { NotOurs } from '../notOurs.ts';
import type { AnnouncerHandle } from './announcerHandle.ts';

/** @param others what is not ours, as the cluster is at this moment */
export function announcerRoutes(
  routes: RouteBook,
  handle: Pick<AnnouncerHandle, 'report' | 'release'>,
  others: () => readonly NotOurs[],
): void {
  const report = async (): Promise<LoadBalancerReport> => ({
    ...(await handle.report()),
    notOurs: others(),
  });
  routes.serve(LOAD_BALANCER_PATH, async () => answering(report));
  const release: Route = async ({ query }) => {
    const typed = query.getAll('address');
    const wanted = typed.flatMap((text) => parseAddress(text) ?? []);
    if (wanted.length < typed.length) return refusal(400, 'an address is no IP address');
    return answering(async () => ({
      stay: await handle.release(wanted.length === 0 ? undefined : wanted),
    }));
  };
  routes.serve(RELEASE_PATH, Object.assign(release, { method: 'POST' as const }));
}

async function answering(answer: () => Promise<unknown>): Promise<HttpAnswer> {
  try {
    const body = `${JSON.stringify(await answer())}\n`;
    return { status: 200, contentType: 'application/json', body };
  } catch (error) {
    return refusal(503, error instanceof Error ? error.message : String(error));
  }
}
