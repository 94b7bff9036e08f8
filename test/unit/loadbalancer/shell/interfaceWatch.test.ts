/** When interfaces are told; what the kernel lists and tells is played here, see test/kernel. */
import { constants } from 'node:os';
import { expect, test } from '@jest/globals';
import type { OpenSocket, RawReplies, RawSocket } from '../../../../src/kernel/addon.ts';
import { KernelError } from '../../../../src/kernel/errors.ts';
import { InterfaceWatch } from '../../../../src/loadbalancer/shell/interfaceWatch.ts';
import { ByteWriter } from '../../../../src/net/bytes.ts';
import * as c from '../../../../src/netlink/constants.ts';
import { encodeAddress } from '../../../../src/netlink/rtnlAddresses.ts';
import { encodeLink } from '../../../../src/netlink/rtnlLinks.ts';
import { encodeRoute } from '../../../../src/netlink/rtnlRoutes.ts';
import { answering, putDumpEnd } from '../../../support/kernel/fakeNetlink.ts';
import { FakeClock, settle } from '../../../support/program/fakeClock.ts';

const { ECANCELED, EPERM } = constants.errno;
const RUNNING = c.IFF_UP | c.IFF_LOWER_UP | c.IFF_RUNNING | c.IFF_BROADCAST;

/** A node with eth0, 192.0.2.11/24; it notes what is asked, and says what it is told to. */
class PlayedKernel {
  readonly asked: string[] = [];
  flags = RUNNING;
  refusal = 0;
  hasDefaultRoute = false;
  /** called when addresses are listed */
  onAddresses = (): void => undefined;
  #hear: ((replies: RawReplies) => void) | undefined;
  #end: ((error: unknown) => void) | undefined;

  readonly open: OpenSocket = ({ groups }) => (groups === undefined ? this.#lists : this.#tells);

  tell(put: (out: ByteWriter) => void, isOverrun = false): void {
    const out = new ByteWriter();
    put(out);
    this.#hear!({ bytes: out.written().slice(), isOverrun });
  }

  tellLink = (): void =>
    this.tell((out) => this.#putLink(out, { type: c.RTM_NEWLINK, flags: 0, sequence: 0 }));

  #putLink(out: ByteWriter, head: { type: number; flags: number; sequence: number }): void {
    const hardwareAddress = Uint8Array.of(2, 0, 0, 0, 0, 0x0b);
    const { flags } = this;
    encodeLink(out, head, { index: 2, name: 'eth0', flags, hardwareType: 1, hardwareAddress });
  }

  readonly #tells: RawSocket = {
    transact: () => Promise.reject(new Error('not asked for')),
    receive: () =>
      new Promise((resolve, reject) => {
        this.#hear = resolve;
        this.#end = reject;
      }),
    joinGroup: () => undefined,
    close: () => this.#end?.(new KernelError({ op: 'receive', errno: ECANCELED })),
  };

  readonly #lists = answering(({ type, sequence }, out) => {
    const head = { type: 0, flags: c.NLM_F_MULTI, sequence };
    if (type === c.RTM_GETLINK) {
      this.asked.push('links');
      this.#putLink(out, { ...head, type: c.RTM_NEWLINK });
    } else if (type === c.RTM_GETADDR) {
      this.onAddresses();
      const place = { index: 2, prefixLength: 24, scope: 0, flags: 0 };
      encodeAddress(
        out,
        { ...head, type: c.RTM_NEWADDR },
        {
          ...place,
          family: 'IPv4',
          address: '192.0.2.11',
        },
      );
    } else {
      this.asked.push('routes');
      if (this.hasDefaultRoute) encodeRoute(out, { ...head, type: c.RTM_NEWROUTE }, ROUTE);
    }
    putDumpEnd(out, sequence, this.refusal);
  });
}

const ROUTE = {
  family: 'IPv4',
  destinationLength: 0,
  table: c.RT_TABLE_MAIN,
  protocol: 4,
  scope: 0,
  type: c.RTN_UNICAST,
  nextHops: [{ outInterface: 2 }],
} as const;

async function watching(kernel = new PlayedKernel()) {
  const clock = new FakeClock();
  const told: string[] = [];
  const failures: unknown[] = [];
  const watch = await InterfaceWatch.open(
    {
      interfaces: ['*'],
      excludeInterfaces: [],
      internalAddresses: [],
      clock,
      onInterfaces: (all) =>
        told.push(all.map((each) => [each.name, ...each.defaultRoute].join(' ')).join()),
      onFailure: (error) => failures.push(error),
    },
    kernel.open,
  );
  return { kernel, clock, told, failures, watch };
}

test('what there is is told before it is open, and then each change, once', async () => {
  const { kernel, clock, told, watch } = await watching();
  expect(told).toEqual(['eth0']);
  kernel.flags = RUNNING & ~c.IFF_LOWER_UP;
  kernel.tellLink();
  await settle();
  kernel.tellLink();
  await clock.advance(20);
  expect(told).toEqual(['eth0', '']);
  kernel.tellLink();
  await clock.advance(20);
  expect(told).toEqual(['eth0', '']);
  // What a notification says is believed: nothing is listed again.
  expect(kernel.asked).toEqual(['links', 'routes', 'routes']);
  await watch.close();
});

test('after lost notifications everything is listed again', async () => {
  const { kernel, clock, told, watch } = await watching();
  kernel.flags = 0;
  kernel.tell(() => undefined, true);
  await clock.advance(20);
  expect(told).toEqual(['eth0', '']);
  await watch.close();
});

test('a default route that comes is read', async () => {
  const { kernel, clock, told, watch } = await watching();
  kernel.hasDefaultRoute = true;
  kernel.tell((out) => encodeRoute(out, { type: c.RTM_NEWROUTE, flags: 0, sequence: 0 }, ROUTE));
  await clock.advance(20);
  expect(told).toEqual(['eth0', 'eth0 IPv4']);
  expect(kernel.asked.filter((each) => each === 'links')).toHaveLength(1);
  await watch.close();
});

test('what is told while everything is listed is newer than the lists', async () => {
  const kernel = new PlayedKernel();
  kernel.onAddresses = () => {
    kernel.onAddresses = () => undefined;
    const { flags } = kernel;
    kernel.flags = 0;
    kernel.tellLink();
    kernel.flags = flags;
  };
  const { clock, told, watch } = await watching(kernel);
  await clock.advance(20);
  expect(told.at(-1)).toBe('');
  await watch.close();
});

test('a kernel that refuses is asked again, and both is told', async () => {
  const { kernel, clock, told, failures, watch } = await watching();
  kernel.refusal = EPERM;
  kernel.flags = 0;
  kernel.tell(() => undefined, true);
  await clock.advance(20);
  expect(failures).toEqual([expect.objectContaining({ code: 'EPERM' })]);
  expect(told).toEqual(['eth0']);
  await clock.advance(1000);
  expect(failures).toHaveLength(2);
  kernel.refusal = 0;
  await clock.advance(1000);
  expect(failures.slice(2)).toEqual([undefined]);
  expect(told).toEqual(['eth0', '']);
  await watch.close();
});

test('refused from the start it does not open, and leaves nothing open', async () => {
  const kernel = new PlayedKernel();
  kernel.refusal = EPERM;
  await expect(watching(kernel)).rejects.toMatchObject({ code: 'EPERM' });
});

test('a closed watch says nothing more, not even what was due', async () => {
  const { kernel, clock, told, watch } = await watching();
  kernel.flags = 0;
  kernel.tellLink();
  await settle();
  await watch.close();
  await clock.advance(1000);
  expect(told).toEqual(['eth0']);
});
