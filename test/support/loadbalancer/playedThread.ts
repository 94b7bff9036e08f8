/** A thread that answers as the announcer's does, and breaks when it is told of members. */
import { parentPort } from 'node:worker_threads';
import type { Order } from '../../../src/loadbalancer/announcer/messages.ts';

const port = parentPort!;
const post = (news: object) => port.postMessage(news);

post({ news: 'begun' });
port.on('message', (order: Order) => {
  if (order.order === 'report') post({ news: 'report', id: order.id, report: { node: 'n1' } });
  if (order.order === 'release')
    post({ news: 'released', id: order.id, stay: order.addresses ?? [] });
  if (order.order === 'members') throw new Error('cannot go on');
  if (order.order === 'leave') port.close();
});
