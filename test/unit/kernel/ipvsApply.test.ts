import { constants } from 'node:os';
import { beforeEach, expect, test } from '@jest/globals';
import type { Destination } from '../../../src/dataplane/state.ts';
import { KernelError } from '../../../src/kernel/errors.ts';
import {
  applyIpvs,
  batches,
  type IpvsOperation,
  isIpvsOperation,
} from '../../../src/kernel/ipvsApply.ts';
import { IpvsClient } from '../../../src/kernel/ipvsClient.ts';
import type { ServerSpec } from '../../../src/dataplane/operations.ts';
import { FakeIpvs } from '../../support/kernel/fakeNetlink.ts';

const web: ServerSpec = {
  address: '10.96.0.1',
  port: 80,
  protocol: 'TCP',
  scheduler: 'rr',
  flags: [],
};
const key = '10.96.0.1:80/TCP';
const pod = (n: number, weight = 1): Destination => ({
  address: `10.244.0.${n}`,
  port: 8080,
  weight,
});

const addServer = (server = web): IpvsOperation => ({ op: 'addServer', server });
const onDestination =
  (op: Extract<IpvsOperation['op'], `${string}Destination`>) =>
  (destination: Destination, server = web): IpvsOperation => ({ op, server, destination });
const add = onDestination('addDestination');
const update = onDestination('updateDestination');
const drain = onDestination('drainDestination');
const remove = onDestination('removeDestination');

let kernel: FakeIpvs;
let port: IpvsClient;

beforeEach(() => {
  kernel = new FakeIpvs();
  port = new IpvsClient({}, kernel.open);
});

/** @returns codes of the failures, by position */
const apply = async (...run: IpvsOperation[]) => {
  const { outcomes, ...rest } = await port.apply(run);
  return { ...rest, codes: outcomes.map((outcome) => outcome?.code) };
};

test('a run becomes one send, in order', async () => {
  const { codes, kernelWrites } = await apply(addServer(), add(pod(1)), add(pod(2, 5)));
  expect(codes).toEqual([undefined, undefined, undefined]);
  expect(kernelWrites).toBe(3);
  expect(kernel.sends).toEqual([1, 3]); // the first looks up the family
  expect(kernel.dump()).toEqual([
    '10.96.0.1:80/6 rr -> 10.244.0.1:8080 w1',
    '10.96.0.1:80/6 rr -> 10.244.0.2:8080 w5',
  ]);
});

test('an empty run touches nothing', async () => {
  expect(await port.apply([])).toEqual({ outcomes: [], draining: [], kernelWrites: 0 });
  expect(kernel.opened).toBe(0);
});

test('what is present gets the wanted settings with a second message for itself alone', async () => {
  await apply(addServer({ ...web, scheduler: 'wrr' }), add(pod(1, 9)));
  const { codes, kernelWrites } = await apply(addServer(), add(pod(1)), add(pod(2)));
  expect(codes).toEqual([undefined, undefined, undefined]);
  expect(kernelWrites).toBe(5);
  expect(kernel.dump()).toEqual([
    '10.96.0.1:80/6 rr -> 10.244.0.1:8080 w1',
    '10.96.0.1:80/6 rr -> 10.244.0.2:8080 w1',
  ]);
});

test('an update of the missing adds it, with what follows on it', async () => {
  const { codes } = await apply({ op: 'updateServer', server: web }, update(pod(1)), add(pod(2)));
  expect(codes).toEqual([undefined, undefined, undefined]);
  expect(kernel.dump()).toHaveLength(2);
});

test('a destination without its server fails: the server has other destinations that nobody would add', async () => {
  expect((await apply(add(pod(1)), update(pod(2)))).codes).toEqual(['ESRCH', 'ESRCH']);
});

test('removing the missing is success', async () => {
  const { codes } = await apply(remove(pod(1)), { op: 'removeServer', server: web });
  expect(codes).toEqual([undefined, undefined]);
  await apply(addServer());
  expect((await apply(remove(pod(1)))).codes).toEqual([undefined]);
});

test('a refusal concerns one operation and says what to do', async () => {
  const odd = { ...web, port: 81, scheduler: 'nosuch' };
  const { outcomes } = await port.apply([addServer(odd), addServer(), add(pod(1))]);
  expect(outcomes.map((outcome) => outcome?.code)).toEqual(['ENOENT', undefined, undefined]);
  expect(outcomes[0]!.message).toBe(
    'add server 10.96.0.1:81/TCP: ENOENT, no such file or directory (scheduler nosuch is unknown: load its module ip_vs_nosuch)',
  );
});

test('without the capability every operation says so', async () => {
  kernel.isPermitted = false;
  const { outcomes } = await port.apply([addServer(), add(pod(1)), drain(pod(2))]);
  expect(outcomes.map((outcome) => outcome?.code)).toEqual(['EPERM', 'EPERM', 'EPERM']);
  expect(outcomes[0]!.message).toContain('CAP_NET_ADMIN');
});

test('a refusal is told with what it means in IPVS', async () => {
  const { ENOENT, EINVAL, ENOBUFS, EPERM, ESRCH } = constants.errno;
  const messageOf = async (operation: IpvsOperation, errno: number) => {
    const writer = { countConnections: async () => [] };
    const execute = async (commands: readonly unknown[]) => commands.map(() => ({ errno }));
    return (await applyIpvs([operation], { ...writer, execute })).outcomes[0]!.message;
  };
  expect(await messageOf(addServer(), EPERM)).toMatch(/\(IPVS wants CAP_NET_ADMIN in .*\)$/);
  expect(await messageOf(addServer(), ENOBUFS)).toMatch(/\(the answer was lost, .*\)$/);
  const sh = { ...web, scheduler: 'sh' };
  expect(await messageOf({ op: 'updateServer', server: sh }, ENOENT)).toMatch(
    /\(scheduler sh is unknown: load its module ip_vs_sh\)$/,
  );
  const noServer =
    /^\w+ destination 10\.96\.0\.1:80\/TCP -> 10\.244\.0\.1:8080: ESRCH.*\(its virtual server does not exist\)$/;
  expect(await messageOf(add(pod(1)), ESRCH)).toMatch(noServer);
  expect(await messageOf(update(pod(1)), ESRCH)).toMatch(noServer);
  expect(await messageOf(add(pod(1)), EINVAL)).toMatch(/\(not a unicast address of the family/);
  // What the hints are not about has none.
  for (const [operation, errno] of [
    [addServer(), EINVAL],
    [update(pod(1)), EINVAL],
    [addServer(), constants.errno.ENOMEM],
  ] as const)
    expect(await messageOf(operation, errno)).not.toContain('(');
});

test('connections that cannot be counted fail the drains alone', async () => {
  const error = new KernelError({ op: 'list destinations', errno: constants.errno.EIO });
  const report = await applyIpvs([add(pod(2)), drain(pod(1))], {
    execute: async (commands) => commands.map(() => ({ errno: 0 })),
    countConnections: () => Promise.reject(error),
  });
  expect(report.draining).toEqual([]);
  expect(report.outcomes).toMatchObject([
    undefined,
    { code: 'EIO', message: expect.stringContaining('list destinations: EIO'), cause: error },
  ]);
});

test('an idle destination that cannot be removed is a failure, one that is gone meanwhile is not', async () => {
  const { EBUSY, ENOENT } = constants.errno;
  const idle = (n: number) => ({
    server: key,
    destination: pod(n, 0),
    activeConnections: 0,
    inactiveConnections: 0,
  });
  let sends = 0;
  const report = await applyIpvs([drain(pod(1)), drain(pod(2))], {
    execute: async (commands) =>
      ++sends === 1 ? commands.map(() => ({ errno: 0 })) : [{ errno: EBUSY }, { errno: ENOENT }],
    countConnections: async () => [idle(1), idle(2)],
  });
  expect(report).toMatchObject({ draining: [], kernelWrites: 4 });
  expect(report.outcomes).toMatchObject([{ code: 'EBUSY' }, undefined]);
});

test('a socket that breaks fails what was sent, with its reason', async () => {
  const report = await applyIpvs([addServer(), add(pod(1))], {
    execute: () => Promise.reject(new TypeError('odd')),
    countConnections: async () => [],
  });
  for (const outcome of report.outcomes)
    expect(outcome).toMatchObject({ code: 'EPROTO', message: expect.stringContaining('(odd)') });
});

test('an operation whose answer was lost is sent again, and its being there already is fine', async () => {
  await port.version();
  await apply(addServer({ ...web, port: 1 })); // looks up the family
  kernel.lostAnswers = 1;
  const { codes } = await apply(addServer(), add(pod(1)), remove(pod(2)));
  expect(codes).toEqual([undefined, undefined, undefined]);
  expect(kernel.dump()).toContain('10.96.0.1:80/6 rr -> 10.244.0.1:8080 w1');
});

test('answers that are always lost end as unknown, not in a loop', async () => {
  await apply(addServer({ ...web, port: 1 }));
  kernel.lostAnswers = 1000;
  expect((await apply(addServer())).codes).toEqual(['ENOBUFS']);
  expect(kernel.sends.length).toBeLessThan(10);
});

test('a family number that went stale is looked up again', async () => {
  await apply(addServer());
  await port.read();
  kernel.familyId = 31;
  kernel.served.clear(); // the module was reloaded
  expect((await apply(addServer(), add(pod(1)))).codes).toEqual([undefined, undefined]);
  kernel.familyId = 32;
  expect((await port.read()).virtualServers.size).toBe(1);
});

test('an honest ENOENT is believed after one look', async () => {
  await apply(addServer());
  const before = kernel.sends.length;
  expect((await apply(addServer({ ...web, port: 5, scheduler: 'nosuch' }))).codes).toEqual([
    'ENOENT',
  ]);
  expect(kernel.sends.length - before).toBe(2); // the command and the look-up
});

test('an idle destination drains at once', async () => {
  await apply(addServer(), add(pod(1)), add(pod(2)));
  const { draining, kernelWrites } = await apply(drain(pod(1)));
  expect(draining).toEqual([]);
  expect(kernelWrites).toBe(2);
  expect(kernel.dump()).toEqual(['10.96.0.1:80/6 rr -> 10.244.0.2:8080 w1']);
});

test('a destination with connections stays at weight 0 and is reported as it was given', async () => {
  await apply(addServer(), add(pod(1)), add(pod(2)));
  kernel.setConnections('10.96.0.1:80/6', '10.244.0.1:8080', 3);
  const { draining } = await apply(drain({ ...pod(1), node: 'n1' }), drain(pod(2)));
  expect(draining).toEqual([
    {
      server: key,
      destination: { ...pod(1, 0), node: 'n1' },
      activeConnections: 3,
      inactiveConnections: 0,
    },
  ]);
  expect(kernel.dump()).toEqual(['10.96.0.1:80/6 rr -> 10.244.0.1:8080 w0']);
  expect(await port.connections([key])).toEqual([{ ...draining[0], destination: pod(1, 0) }]);
});

test('draining what is gone is success; what the same run wants back stays', async () => {
  await apply(addServer(), add(pod(1)));
  const { codes, draining } = await apply(
    drain(pod(9)),
    drain(pod(1), { ...web, port: 99 }),
    drain(pod(1)),
    add(pod(1)),
  );
  expect(codes).toEqual([undefined, undefined, undefined, undefined]);
  expect(draining).toEqual([]);
  expect(kernel.dump()).toEqual(['10.96.0.1:80/6 rr -> 10.244.0.1:8080 w1']);
});

test('destinations of one server are counted with one dump', async () => {
  const pods = Array.from({ length: 20 }, (_, i) => pod(i + 1));
  await apply(addServer(), ...pods.map((one) => add(one)));
  await port.connections([key]); // looks up the family of the reading socket
  const before = kernel.sends.length;
  await apply(...pods.map((one) => drain(one)));
  expect(kernel.sends.slice(before)).toEqual([20, 1, 20]);
});

test('batches are cut only where folding an earlier operation could overtake a later one', () => {
  const other = { ...web, port: 81 };
  const removeServer: IpvsOperation = { op: 'removeServer', server: web };
  expect(batches([addServer(), add(pod(1)), addServer(other)])).toEqual([[0, 1, 2]]);
  expect(batches([remove(pod(1)), remove(pod(2)), removeServer])).toEqual([[0, 1, 2]]);
  expect(batches([addServer(), removeServer, addServer()])).toEqual([[0], [1], [2]]);
  expect(batches([drain(pod(1)), add(pod(1))])).toEqual([[0], [1]]);
  expect(batches([update(pod(1)), removeServer])).toEqual([[0], [1]]);
  // What an earlier batch did to a server is through.
  const touched = [add(pod(1)), drain(pod(1)), removeServer];
  expect(batches(touched)).toEqual([[0], [1], [2]]);
  const elsewhere = [add(pod(1), other), drain(pod(1), other), removeServer];
  expect(batches(elsewhere)).toEqual([[0], [1, 2]]);
  expect(batches([add(pod(1)), add(pod(2), other), drain(pod(2), other), removeServer])).toEqual([
    [0, 1],
    [2, 3],
  ]);
  const many = Array.from({ length: 600 }, (_, i) => addServer({ ...web, port: i + 1 }));
  expect(batches(many).map((batch) => batch.length)).toEqual([256, 256, 88]);
});

test('mh goes in small batches, for its table is rebuilt each time', async () => {
  const mh = { ...web, scheduler: 'mh' };
  await apply(addServer(mh));
  const before = kernel.sends.length;
  await apply(...Array.from({ length: 70 }, (_, i) => add(pod(i + 1), mh)));
  expect(kernel.sends.slice(before)).toEqual([32, 32, 6]);
});

test('only operations on servers and destinations are ours', () => {
  expect(isIpvsOperation(drain(pod(1)))).toBe(true);
  expect(isIpvsOperation({ op: 'bindAddress', address: '10.96.0.1' })).toBe(false);
});
