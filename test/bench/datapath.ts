/**
 * What traffic through a Service costs, beside how many Services: both proxies in one lab, one
 * after the other. The second one finds the first one's virtual servers, sets and addresses and
 * takes them over (which spares it minutes), and no rules.
 */
import { ApiServer } from '../support/e2e/apiServer.ts';
import { Lab } from '../support/lab/lab.ts';
import type * as InLab from './datapathInLab.ts';
import { createObjects, logOf, type Proxy } from './measure.ts';
import type { Path } from './paths.ts';
import { Session } from './session.ts';
import { TARGET_PORTS, targetService, targetSlice } from './target.ts';

type Exports = Omit<typeof InLab, 'default'>;

/** @param services that there are; one of them is measured */
export async function measurePaths(
  proxies: readonly Proxy[],
  services: number,
  forMs: number,
): Promise<readonly Path[]> {
  const namespace = `bench-${process.pid}`;
  const size = { services: services - 1, endpoints: 1 };
  const api = await ApiServer.start({ namespace });
  try {
    await createObjects(api, size);
    await api.objects.createAll([targetService, targetSlice]);
    const lab = await Lab.start({ namespace, timeoutSec: 1200 });
    try {
      return await measureIn(lab, proxies, forMs, (proxy) => {
        return new Session({ api, lab, size, log: logOf(proxy), command: proxy.command });
      });
    } finally {
      await lab.close();
    }
  } finally {
    await api.stop();
  }
}

async function measureIn(
  lab: Lab,
  proxies: readonly Proxy[],
  forMs: number,
  open: (proxy: Proxy) => Session,
): Promise<readonly Path[]> {
  const inLab = <Name extends keyof Exports>(
    name: Name,
    ...args: Parameters<Exports[Name]>
  ): Promise<Awaited<ReturnType<Exports[Name]>>> =>
    lab.call('test/bench/datapathInLab.ts', name, ...(args as never[])) as never;
  await inLab('layPods');
  const paths: Path[] = [];
  for (const proxy of proxies) {
    const session = open(proxy);
    session.servers += Object.keys(TARGET_PORTS).length;
    await inLab('clearRules');
    const { firstSyncMs } = await session.start();
    await session.inLab('stop');
    const [address = ''] = (await session.serverOf('target')).split(':');
    const found = await inLab('path', address, forMs);
    const services = session.size.services + 1;
    paths.push({ proxy: proxy.name, services, ...found });
    console.error(`${proxy.name}, ${services}: synced after ${firstSyncMs} ms`, found);
  }
  return paths;
}
