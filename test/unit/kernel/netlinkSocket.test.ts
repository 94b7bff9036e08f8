import { expect, test } from '@jest/globals';
import type { OpenSocket, RawReplies } from '../../../src/kernel/addon.ts';
import { KernelError } from '../../../src/kernel/errors.ts';
import { type NetlinkRequest, NetlinkSocket } from '../../../src/kernel/netlinkSocket.ts';
import { ByteWriter, DecodeError } from '../../../src/net/bytes.ts';
import * as c from '../../../src/netlink/constants.ts';
import { beginMessage, endMessage, MessageCursor } from '../../../src/netlink/message.ts';
import { putControl } from '../../support/kernel/fakeNetlink.ts';

interface Seen {
  readonly flags: number;
  readonly sequence: number;
}

/** A kernel that answers each send by a function of its messages. */
function kernel(answer: (out: ByteWriter, seen: readonly Seen[], send: number) => boolean | void) {
  const sends: Seen[][] = [];
  const calls = { opened: 0, closed: 0, running: 0, atOnce: 0 };
  const open: OpenSocket = () => {
    calls.opened += 1;
    return {
      transact: async (request): Promise<RawReplies> => {
        calls.running += 1;
        calls.atOnce = Math.max(calls.atOnce, calls.running);
        const seen: Seen[] = [];
        const message = new MessageCursor(request.slice());
        while (message.next()) seen.push({ flags: message.flags, sequence: message.sequence });
        sends.push(seen);
        await Promise.resolve();
        const out = new ByteWriter();
        try {
          const isOverrun = answer(out, seen, sends.length) === true;
          return { bytes: out.written().slice(), isOverrun };
        } finally {
          calls.running -= 1;
        }
      },
      receive: () => Promise.reject(new Error('not asked for')),
      joinGroup: () => undefined,
      close: () => {
        calls.closed += 1;
      },
    };
  };
  return { open, sends, calls };
}

const DATA_TYPE = 30;
const request: NetlinkRequest = {
  type: DATA_TYPE,
  encode: (out, head) => {
    endMessage(out, beginMessage(out, head));
  },
};
const requests = (count: number) => Array.from({ length: count }, () => request);

function putNumber(out: ByteWriter, sequence: number, value: number, flags = c.NLM_F_MULTI): void {
  const start = beginMessage(out, { type: DATA_TYPE, flags, sequence });
  out.u32(value);
  endMessage(out, start);
}

const readNumber = (message: MessageCursor) => message.reader.u32(message.start);
const ackLast = (out: ByteWriter, seen: readonly Seen[]) => {
  putControl(out, c.NLMSG_ERROR, seen.at(-1)!.sequence, 0);
};
const socketOn = (open: OpenSocket) => new NetlinkSocket({ protocol: c.NETLINK_ROUTE }, open);

test('changes go out in batches; only the last of each asks for an acknowledgement', async () => {
  const { open, sends } = kernel(ackLast);
  const outcomes = await socketOn(open).execute(requests(600));
  expect(outcomes).toHaveLength(600);
  expect(outcomes.every(({ errno }) => errno === 0)).toBe(true);
  expect(sends.map((send) => send.length)).toEqual([256, 256, 88]);
  for (const send of sends) {
    expect(send.at(-1)!.flags).toBe(c.NLM_F_REQUEST | c.NLM_F_ACK);
    expect(send.slice(0, -1).every(({ flags }) => flags === c.NLM_F_REQUEST)).toBe(true);
  }
});

test('errors are mapped to their requests by sequence number', async () => {
  const { open } = kernel((out, seen) => {
    putControl(out, c.NLMSG_ERROR, seen[1]!.sequence, 17);
    putControl(out, c.NLMSG_ERROR, 0xffff_0000, 1);
    putControl(out, c.NLMSG_ERROR, seen[3]!.sequence, 2);
  });
  const outcomes = await socketOn(open).execute(requests(4));
  expect(outcomes.map(({ errno }) => errno)).toEqual([0, 17, 0, 2]);
});

test('after lost answers silence is not success', async () => {
  const { open } = kernel((out, seen) => {
    putControl(out, c.NLMSG_ERROR, seen[0]!.sequence, 17);
    return true;
  });
  const outcomes = await socketOn(open).execute(requests(3));
  expect(outcomes.map(({ errno }) => errno)).toEqual([17, 105, 105]);
});

test('a batch without its last acknowledgement is an error, not success', async () => {
  const { open } = kernel(() => undefined);
  await expect(socketOn(open).execute(requests(2))).rejects.toBeInstanceOf(DecodeError);
});

test('one exchange at a time, in the order of the calls', async () => {
  const { open, calls, sends } = kernel(ackLast);
  const socket = socketOn(open);
  await Promise.all([1, 2, 3, 4].map((count) => socket.execute(requests(count))));
  expect(calls).toMatchObject({ atOnce: 1, opened: 1 });
  expect(sends.map((send) => send.length)).toEqual([1, 2, 3, 4]);
});

test('dumps come back by request, with the index of the request to decode by', async () => {
  const { open, sends } = kernel((out, seen) => {
    for (const { sequence } of seen) {
      putNumber(out, sequence, sequence);
      putNumber(out, sequence, sequence + 1000);
      putControl(out, c.NLMSG_DONE, sequence, 0);
    }
  });
  const indices: number[] = [];
  const lists = await socketOn(open).dump('list', requests(300), (message, index) => {
    indices.push(index);
    return readNumber(message);
  });
  expect(lists).toHaveLength(300);
  expect(lists[299]).toEqual([300, 1300]);
  expect(indices.at(-1)).toBe(299);
  expect(sends).toHaveLength(2);
  expect(sends[0]![0]!.flags).toBe(c.NLM_F_REQUEST | c.NLM_F_DUMP);
});

test('only what came torn is asked for again', async () => {
  const { open, sends } = kernel((out, seen, send) => {
    for (const { sequence } of seen) {
      const isTorn = send === 1 && sequence === 2;
      putNumber(out, sequence, send, isTorn ? c.NLM_F_MULTI | c.NLM_F_DUMP_INTR : c.NLM_F_MULTI);
      putControl(out, c.NLMSG_DONE, sequence, 0);
    }
  });
  expect(await socketOn(open).dump('list', requests(3), readNumber)).toEqual([[1], [2], [1]]);
  expect(sends.map((send) => send.length)).toEqual([3, 1]);
});

test('a table that never holds still is an error in the end', async () => {
  const { open, sends } = kernel((out, seen) => {
    putNumber(out, seen[0]!.sequence, 1, c.NLM_F_MULTI | c.NLM_F_DUMP_INTR);
    putControl(out, c.NLMSG_DONE, seen[0]!.sequence, 0);
  });
  await expect(socketOn(open).dump('list links', [request], readNumber)).rejects.toMatchObject({
    code: 'EAGAIN',
    op: 'list links',
  });
  expect(sends.length).toBeGreaterThan(3);
});

test('replies that were lost are asked for again', async () => {
  const { open } = kernel((out, seen, send) => {
    putNumber(out, seen[0]!.sequence, 7);
    if (send === 1) return true;
    putControl(out, c.NLMSG_DONE, seen[0]!.sequence, 0);
    return false;
  });
  expect(await socketOn(open).dump('list', [request], readNumber)).toEqual([[7]]);
});

test('between the replies of a large dump others have their turn', async () => {
  const COUNT = 30_000;
  const { open } = kernel((out, [{ sequence } = { sequence: 0 }]) => {
    for (let value = 0; value < COUNT; value++) putNumber(out, sequence, value);
    putControl(out, c.NLMSG_DONE, sequence, 0);
  });
  let decoded = 0;
  const turns = new Set<number>();
  let isOver = false;
  const look = () => {
    turns.add(decoded);
    if (!isOver) setImmediate(look);
  };
  look();
  const [numbers] = await socketOn(open).dump('read', [request], (message) => {
    decoded += 1;
    return readNumber(message);
  });
  isOver = true;
  expect(numbers).toHaveLength(COUNT);
  expect(numbers!.at(-1)).toBe(COUNT - 1);
  const seen = [...turns].toSorted((a, b) => a - b);
  expect(Math.max(...seen.slice(1).map((count, i) => count - seen[i]!))).toBeLessThan(COUNT / 3);
});

test('a dump that breaks off is not taken for a short list', async () => {
  const { open } = kernel((out, seen) => {
    putNumber(out, seen[0]!.sequence, 7);
  });
  await expect(socketOn(open).dump('list', [request], readNumber)).rejects.toMatchObject({
    code: 'EPROTO',
    message: expect.stringMatching(/^list: EPROTO.*the reply has no end/),
  });
});

test('an error at the end of a dump is not taken for an empty list', async () => {
  const { open } = kernel((out, seen) => {
    putControl(out, c.NLMSG_DONE, seen[0]!.sequence, 22);
  });
  await expect(socketOn(open).dump('list', [request], readNumber)).rejects.toMatchObject({
    code: 'EINVAL',
    op: 'list',
  });
});

test('a plain request returns its message, or the refusal', async () => {
  const { open } = kernel((out, seen, send) => {
    if (send === 1) putNumber(out, seen[0]!.sequence, 42, 0);
    putControl(out, c.NLMSG_ERROR, seen[0]!.sequence, send === 2 ? 19 : 0);
  });
  const socket = socketOn(open);
  expect(await socket.get('look', request, readNumber)).toBe(42);
  await expect(socket.get('look', request, readNumber)).rejects.toMatchObject({ code: 'ENODEV' });
  await expect(socket.get('look', request, readNumber)).rejects.toMatchObject({ code: 'EPROTO' });
});

test('a socket that failed is replaced, and the queue goes on', async () => {
  const { open, calls } = kernel((out, seen, send) => {
    if (send === 1) throw new KernelError({ op: 'exchange', errno: 110 });
    ackLast(out, seen);
  });
  const socket = socketOn(open);
  await expect(socket.execute(requests(1))).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  expect(await socket.execute(requests(1))).toEqual([{ errno: 0, extack: undefined }]);
  expect(calls).toMatchObject({ opened: 2, closed: 1 });
});

test('nothing goes through a closed socket', async () => {
  const { open, calls } = kernel(ackLast);
  const socket = socketOn(open);
  await socket.execute(requests(1));
  socket.close();
  socket.close();
  await expect(socket.execute(requests(1))).rejects.toMatchObject({ code: 'EBADF' });
  expect(calls).toMatchObject({ opened: 1, closed: 1 });
});
