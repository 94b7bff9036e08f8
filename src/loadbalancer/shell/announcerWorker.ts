/** The announcer's thread from its beginning to its end: opens what it works with, and obeys. */
import { randomBytes } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { SystemClock } from '../../ops/clock.ts';
import type { News, Order, ThreadStart } from '../announcer/messages.ts';
import { AnnouncerThread } from './announcerThread.ts';
import { HeartbeatLink } from './heartbeatLink.ts';
import { Responder } from './responder.ts';
import { wireOf } from './wireOf.ts';

/** @throws Error where sockets cannot be opened or the key cannot be read: the thread ends */
export async function runAnnouncerWorker(): Promise<void> {
  const port = parentPort;
  if (port === null) throw new Error('runs in a thread of kube-ipvs only');
  const start = workerData as ThreadStart;
  const clock = new SystemClock();
  const post = (news: News) => port.postMessage(news);
  const random = Math.random;
  const bootId = randomBytes(8).readBigUInt64BE() || 1n;
  const thread = new AnnouncerThread({ start, clock, post, bootId, random });
  const onFailure = (subject: string, error: unknown) =>
    post({
      news: 'failure',
      subject,
      ...(error !== undefined && { message: messageOf(error) }),
    });
  const { announcer } = start.settings;
  const responder = await Responder.open({
    settings: announcer,
    clock,
    random,
    internalAddresses: start.internalAddresses,
    listener: {
      isStale: () => thread.checkPause(),
      onInterfaces: (interfaces) => thread.interfacesChanged(interfaces),
      onForeign: (seen) => thread.heardForeign(seen),
      onFailure,
    },
  });
  const link = await HeartbeatLink.open({
    ...announcer.heartbeat,
    // Others believe only what comes from an InternalIP of this Node.
    ...(start.internalAddresses.length > 0 && { addresses: start.internalAddresses }),
    clock,
    onHeartbeat: (heartbeat, from) => thread.heartbeat(heartbeat, from),
    onDropped: (reason) => thread.beatDropped(reason),
    onSendFailure: (code) => thread.beatUnsent(code),
    onFailure,
  });
  thread.begin({ wire: wireOf(responder, clock), link });
  port.on('message', (order: Order) => thread.obey(order));
  await thread.left;
  port.close();
  await Promise.all([responder.close(), link.close()]);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
