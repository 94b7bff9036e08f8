/**
 * The load balancer's responder as a process of its own, in a worker thread as in the product,
 * which a test starts in the network namespace of a station (responderOn.ts) and tells what to do.
 */
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import type { CarrierInterface } from '../../../src/loadbalancer/responder/carrierInterfaces.ts';
import { Responder } from '../../../src/loadbalancer/shell/responder.ts';
import type {
  ForeignClaim,
  ResponderOptions,
} from '../../../src/loadbalancer/shell/responderParts.ts';
import { SystemClock } from '../../../src/ops/clock.ts';

/** What a test asks for: a method of the responder with its arguments. */
export interface Call {
  readonly id: number;
  readonly method: string;
  readonly args: readonly unknown[];
}

export type Told =
  | { readonly told: 'interfaces'; readonly interfaces: readonly CarrierInterface[] }
  | { readonly told: 'foreign'; readonly seen: ForeignClaim }
  | { readonly told: 'failure'; readonly subject: string; readonly error: string | undefined }
  | { readonly told: 'done'; readonly id: number; readonly result: unknown };

if (isMainThread) passOn();
else await respond();

function passOn(): void {
  const worker = new Worker(new URL(import.meta.url), { argv: process.argv.slice(2) });
  worker.on('message', (message: Told) => process.send!(message));
  worker.on('error', (error) => {
    throw error;
  });
  process.on('message', (call: Call) => {
    if (call.method === 'terminate') void worker.terminate().then(() => process.exit(0));
    else worker.postMessage(call, []);
  });
  process.once('disconnect', () => process.exit());
}

async function respond(): Promise<void> {
  const tell = (message: Told): void => parentPort!.postMessage(message, []);
  const settings = JSON.parse(process.argv[2]!) as Pick<
    ResponderOptions,
    'settings' | 'internalAddresses'
  >;
  const responder = await Responder.open({
    ...settings,
    clock: new SystemClock(),
    random: Math.random,
    listener: {
      onInterfaces: (interfaces) => tell({ told: 'interfaces', interfaces }),
      onForeign: (seen) => tell({ told: 'foreign', seen }),
      onFailure: (subject, error) => {
        const text = error instanceof Error ? error.message : undefined;
        tell({ told: 'failure', subject, error: text });
      },
    },
  });
  parentPort!.on('message', (call: Call) => {
    void perform(responder, call).then((result) => tell({ told: 'done', id: call.id, result }));
  });
}

async function perform(responder: Responder, { method, args }: Call): Promise<unknown> {
  switch (method) {
    case 'setKnown':
      return responder.setKnown(new Set(args as string[]));
    case 'answerAll':
      for (const address of args[0] as string[]) responder.answer(address, args[1] as string[]);
      return undefined;
    case 'announceAll':
      for (const address of args[0] as string[]) responder.announce(address);
      return undefined;
    case 'silence':
      return responder.silence(args[0] as string);
    case 'defend':
      return responder.defend(...(args as Parameters<Responder['defend']>));
    case 'probe':
      return responder.probe(...(args as Parameters<Responder['probe']>));
    case 'counters': {
      const { announcements, requests, packetDrops } = responder.counters();
      const { IPv4, IPv6 } = requests;
      return {
        announcements,
        IPv4: Object.fromEntries(IPv4),
        IPv6: Object.fromEntries(IPv6),
        packetDrops: Object.fromEntries(packetDrops),
      };
    }
    case 'close':
      return responder.close();
    default:
      throw new Error(`no such method: ${method}`);
  }
}
