/** One proxy at one size: a new API server and a new lab, so that none finds what others left. */
import { join } from 'node:path';
import { checkout } from '../../packaging/machine.mjs';
import { ApiServer } from '../support/e2e/apiServer.ts';
import { Lab } from '../support/lab/lab.ts';
import { endingBy } from './breakOff.ts';
import type { Figures } from './figures.ts';
import {
  benchNode,
  benchNodeStatus,
  benchService,
  benchSlice,
  criticalObjects,
  type Size,
} from './objects.ts';
import type { Quantity } from './options.mjs';
import { audits, burst, rate } from './pressure.ts';
import { changes, creations, type Effort, idling, replacements, restart } from './quantities.ts';
import { Session } from './session.ts';

export interface Proxy {
  readonly name: string;
  readonly command: readonly string[];
}

type Measurement = (session: Session, effort: Effort) => Promise<Partial<Figures>>;

/** What is measured of a proxy that has started. */
const MEASUREMENTS: Readonly<Partial<Record<Quantity, Measurement>>> = {
  change: changes,
  create: creations,
  replace: replacements,
  burst,
  rate,
  idle: idling,
  audit: audits,
  restart,
};

export async function measure(
  proxy: Proxy,
  size: Size,
  quantities: readonly Quantity[],
  effort: Effort,
): Promise<Figures> {
  const tell = (text: string) =>
    console.error(`${proxy.name}, ${size.services} × ${size.endpoints}: ${text}`);
  const namespace = `bench-${process.pid}`;
  const api = await ApiServer.start({ namespace });
  return endingBy(
    () => api.stop(),
    async () => {
      tell('API server is up, creating objects');
      await createObjects(api, size);
      const lab = await Lab.start({ namespace, timeoutSec: 3600 });
      const session = new Session({ api, lab, size, log: logOf(proxy), command: proxy.command });
      return endingBy(
        () => lab.close(),
        async () => {
          const figures = await measureIn(session, quantities, effort, tell);
          return { proxy: proxy.name, ...size, ...figures };
        },
      );
    },
  );
}

async function measureIn(
  session: Session,
  quantities: readonly Quantity[],
  effort: Effort,
  tell: (text: string) => void,
): Promise<Omit<Figures, 'proxy' | keyof Size>> {
  await session.inLab('prepareNode');
  let figures: Omit<Figures, 'proxy' | keyof Size> = await session.start();
  tell(`first sync after ${figures.firstSyncMs} ms`);
  for (const quantity of quantities) {
    const found = await MEASUREMENTS[quantity]?.(session, effort);
    if (found !== undefined) tell(JSON.stringify(found));
    figures = { ...figures, ...found };
  }
  await session.inLab('stop');
  return figures;
}

export function logOf({ name }: Proxy): string {
  return join(checkout, '.cache', `bench-${name}.log`);
}

export async function createObjects(api: ApiServer, size: Size): Promise<void> {
  const indexes = Array.from({ length: size.services }, (_, i) => i);
  await api.objects.create(benchNode);
  await api.objects.patch(benchNode, benchNodeStatus, 'status');
  await api.objects.createAll(criticalObjects);
  await api.objects.createAll(indexes.map(benchService));
  await api.objects.createAll(indexes.map((index) => benchSlice(index, size)));
}
