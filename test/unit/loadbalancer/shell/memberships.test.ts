/** Which groups are joined by which socket; that the kernel reports them is in test/kernel. */
import { expect, test } from '@jest/globals';
import { Memberships } from '../../../../src/loadbalancer/shell/memberships.ts';
import { FakeClock } from '../../../support/program/fakeClock.ts';

const GROUP = 'ff02::1:ff00:64';
const group = (i: number) => `ff02::1:ff00:${i}`;

/** A kernel whose sockets hold `room` groups each. */
function joining(room = Infinity) {
  const clock = new FakeClock();
  const sockets: Set<string>[] = [];
  const failures: string[] = [];
  const kernel = { error: undefined as string | undefined, room };
  const memberships = new Memberships({
    clock,
    onFailure: (subject, error) =>
      failures.push(`${subject}: ${error === undefined ? 'works' : (error as Error).message}`),
    openMembershipSocket: () => {
      const joined = new Set<string>();
      sockets.push(joined);
      return {
        addMembership: (address, place) => {
          const code = kernel.error ?? (joined.size >= kernel.room ? 'ENOMEM' : undefined);
          if (code !== undefined) throw Object.assign(new Error(code), { code });
          joined.add(`${address} ${place}`);
        },
        dropMembership: (address, place) => {
          if (!joined.delete(`${address} ${place}`)) throw new Error('EADDRNOTAVAIL');
        },
        close: () => sockets.splice(sockets.indexOf(joined), 1),
      };
    },
  });
  const joined = async () => {
    await clock.advance(0);
    return sockets.map((each) => [...each]);
  };
  return { clock, failures, kernel, memberships, joined };
}

const carrier = (
  name: string,
  ifindex: number,
  neighborSource: string | undefined = 'fe80::b',
) => ({
  name,
  ifindex,
  mac: '02:00:00:00:00:0b',
  addresses: [],
  prefixes: [],
  defaultRoute: [],
  neighborSource,
});

test('a group is joined once on each interface, and left with the last that needs it', async () => {
  const { memberships, joined } = joining();
  memberships.setCarriers([carrier('eth0', 2), carrier('eth1', 3)]);
  memberships.join(GROUP, 'eth0');
  memberships.join(GROUP, 'eth0');
  memberships.join(GROUP, 'eth1');
  memberships.join(group(1), 'eth0');
  expect(await joined()).toEqual([
    [`${GROUP} ::%eth0`, `${group(1)} ::%eth0`],
    [`${GROUP} ::%eth1`],
  ]);
  memberships.leave(GROUP, 'eth0');
  memberships.leave(GROUP, 'eth1');
  expect(await joined()).toEqual([[`${GROUP} ::%eth0`, `${group(1)} ::%eth0`]]);
  memberships.leave(GROUP, 'eth0');
  memberships.leave(GROUP, 'eth0');
  memberships.leave(GROUP, 'eth7');
  expect(await joined()).toEqual([[`${group(1)} ::%eth0`]]);
  memberships.close();
  expect(await joined()).toEqual([]);
});

test('a socket that is full is joined by another one', async () => {
  const { memberships, joined, failures } = joining(2);
  memberships.setCarriers([carrier('eth0', 2)]);
  for (let i = 1; i <= 5; i++) memberships.join(group(i), 'eth0');
  expect((await joined()).map(({ length }) => length)).toEqual([2, 2, 1]);
  expect(failures).toEqual([]);
  for (const i of [3, 4]) memberships.leave(group(i), 'eth0');
  expect((await joined()).flat()).toEqual([1, 2, 5].map((i) => `${group(i)} ::%eth0`));
  memberships.close();
});

test('an interface is joined on when it is there and has IPv6, and anew when it is another', async () => {
  const { memberships, joined } = joining();
  memberships.join(GROUP, 'eth0');
  memberships.setCarriers([{ ...carrier('eth0', 2), neighborSource: undefined }]);
  expect(await joined()).toEqual([]);
  memberships.setCarriers([carrier('eth0', 2)]);
  memberships.setCarriers([carrier('eth0', 2)]);
  expect(await joined()).toEqual([[`${GROUP} ::%eth0`]]);
  memberships.setCarriers([]);
  expect(await joined()).toEqual([]);
  memberships.setCarriers([carrier('eth0', 2)]);
  memberships.setCarriers([carrier('eth0', 7)]);
  expect(await joined()).toEqual([[`${GROUP} ::%eth0`]]);
  memberships.close();
});

test('what is refused is told once, tried again, and told when all of it works', async () => {
  const { clock, memberships, kernel, joined, failures } = joining();
  kernel.error = 'ENODEV';
  memberships.setCarriers([carrier('eth0', 2)]);
  memberships.join(group(1), 'eth0');
  memberships.join(group(2), 'eth0');
  await clock.advance(15_000);
  expect(failures).toEqual(['multicast groups on eth0: ENODEV']);
  expect(await joined()).toEqual([]);
  kernel.error = undefined;
  await clock.advance(5000);
  expect((await joined()).flat()).toHaveLength(2);
  expect(failures.slice(1)).toEqual(['multicast groups on eth0: works']);
  await clock.advance(60_000);
  expect(clock.nextDueMs).toBeUndefined();
  memberships.close();
});

test('a group that is refused and not wanted any more is no failure', async () => {
  const { clock, memberships, kernel, failures } = joining();
  kernel.error = 'ENOMEM';
  memberships.setCarriers([carrier('eth0', 2)]);
  memberships.join(GROUP, 'eth0');
  await clock.advance(0);
  memberships.leave(GROUP, 'eth0');
  await clock.advance(0);
  expect(failures).toEqual(['multicast groups on eth0: ENOMEM', 'multicast groups on eth0: works']);
  memberships.join(GROUP, 'eth0');
  await clock.advance(0);
  memberships.setCarriers([]);
  expect(failures.slice(2)).toEqual([
    'multicast groups on eth0: ENOMEM',
    'multicast groups on eth0: works',
  ]);
  await clock.advance(60_000);
  memberships.close();
  expect(failures).toHaveLength(4);
});

test('what is joined and left in one turn is neither', async () => {
  const { memberships, kernel, joined, failures } = joining();
  kernel.error = 'ENODEV';
  memberships.setCarriers([carrier('eth0', 2)]);
  memberships.join(GROUP, 'eth0');
  memberships.leave(GROUP, 'eth0');
  expect(await joined()).toEqual([]);
  expect(failures).toEqual([]);
  memberships.close();
});

test('many are joined a few at a time, and closed in between none is any more', async () => {
  const { clock, memberships, joined } = joining();
  memberships.setCarriers([carrier('eth0', 2)]);
  for (let i = 1000; i < 1100; i++) memberships.join(group(i), 'eth0');
  expect((await joined()).flat()).toHaveLength(100);
  expect(clock.sleeps).toHaveLength(Math.ceil(100 / 8));
  for (let i = 2000; i < 2100; i++) memberships.join(group(i), 'eth0');
  memberships.close();
  expect(await joined()).toEqual([]);
});
