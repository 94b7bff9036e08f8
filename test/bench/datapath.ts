/**
 * What traffic through a Service costs, beside how many Services: both proxies in one lab. The
 * second one finds the first one's virtual servers, sets and addresses and takes them over (which
 * spares it minutes), and no rules. What is measured then in turns is the rules of the one and of
 * the other, so that what else the machine does meets both.
 */
import { ApiServer } from '../support/e2e/apiServer.ts';
import { Lab } from '../support/lab/lab.ts';
import { endingBy } from './breakOff.ts';
import type * as InLab from './datapathInLab.ts';
import { createObjects, logOf, type Proxy } from './measure.ts';
import { median, type Path, type Speed } from './paths.ts';
import { Session } from './session.ts';
import { TARGET_PORTS, targetService, targetSlice } from './target.ts';

type Exports = Omit<typeof InLab, 'default'>;

const ROUNDS = 7;
/** Of each figure in each round. */
const ROUND_MS = 1_500;

/** @param services that there are; one of them is measured */
export async function measurePaths(
  proxies: readonly Proxy[],
  services: number,
): Promise<readonly Path[]> {
  const namespace = `bench-${process.pid}`;
  const size = { services: services - 1, endpoints: 1 };
  const api = await ApiServer.start({ namespace });
  return endingBy(
    () => api.stop(),
    async () => {
      await createObjects(api, size);
      await api.objects.createAll([targetService, targetSlice]);
      const lab = await Lab.start({ namespace, timeoutSec: 1200 });
      const open = (proxy: Proxy) =>
        new Session({ api, lab, size, log: logOf(proxy), command: proxy.command });
      return endingBy(
        () => lab.close(),
        () => measureIn(lab, proxies, open),
      );
    },
  );
}

async function measureIn(
  lab: Lab,
  proxies: readonly Proxy[],
  open: (proxy: Proxy) => Session,
): Promise<readonly Path[]> {
  const inLab = <Name extends keyof Exports>(
    name: Name,
    ...args: Parameters<Exports[Name]>
  ): Promise<Awaited<ReturnType<Exports[Name]>>> =>
    lab.call('test/bench/datapathInLab.ts', name, ...(args as never[])) as never;
  await inLab('layPods');
  const sessions = proxies.map((proxy) => ({ name: proxy.name, session: open(proxy) }));
  for (const { name, session } of sessions) {
    session.servers += Object.keys(TARGET_PORTS).length;
    await inLab('clearRules');
    const { firstSyncMs } = await session.start();
    await session.inLab('stop');
    await inLab('keepRules', name);
    console.error(`${name}, ${session.size.services + 1}: synced after ${firstSyncMs} ms`);
  }
  const [address = ''] = (await sessions[0]!.session.serverOf('target')).split(':');
  const speeds = new Map<string, Speed[]>(sessions.map(({ name }) => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, ofProxy] of speeds) {
      await inLab('useRules', name);
      ofProxy.push(await inLab('speed', address, ROUND_MS));
    }
  }
  const paths: Path[] = [];
  for (const { name, session } of sessions) {
    await inLab('useRules', name);
    const rules = await inLab('rules', address);
    const services = session.size.services + 1;
    paths.push({ proxy: name, services, ...median(speeds.get(name)!), rules });
  }
  return paths;
}
