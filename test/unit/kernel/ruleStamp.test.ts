import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { OpenSocket, ReadOption } from '../../../src/kernel/addon.ts';
import { KernelError } from '../../../src/kernel/errors.ts';
import { ruleStamp } from '../../../src/kernel/ruleStamp.ts';
import { beginNetfilter } from '../../../src/netlink/netfilter.ts';
import * as c from '../../../src/netlink/constants.ts';
import { endMessage } from '../../../src/netlink/message.ts';
import { answering, putControl } from '../../support/kernel/fakeNetlink.ts';
import { entriesAnswer, type PlayedRule } from '../../support/kernel/xtablesAnswers.ts';

const { EAGAIN, EINVAL, EPERM } = constants.errno;

let procNet: string;
beforeEach(() => {
  procNet = mkdtempSync(join(tmpdir(), 'proc-net-'));
});
afterEach(() => rmSync(procNet, { recursive: true }));

/** @param generation a number, or the errno that is answered instead */
function nft(generation: number | { readonly errno: number }): OpenSocket {
  return () =>
    answering(({ sequence }, out) => {
      if (typeof generation === 'number') {
        const kind = {
          subsystem: c.NFNL_SUBSYS_NFTABLES,
          type: c.NFT_MSG_NEWGEN,
          addressFamily: 0,
        };
        const start = beginNetfilter(out, kind, { type: 0, flags: 0, sequence });
        out.u16(8);
        out.u16(c.NFTA_GEN_ID);
        out.u32be(generation);
        endMessage(out, start);
      }
      putControl(
        out,
        c.NLMSG_ERROR,
        sequence,
        typeof generation === 'number' ? 0 : generation.errno,
      );
    });
}

/** Room that was given, and that it takes. */
const asked: (readonly [number, number])[] = [];

/** Tables of iptables-legacy by name. */
function legacy(tables: Readonly<Record<string, readonly PlayedRule[]>>): ReadOption {
  writeFileSync(
    join(procNet, 'ip_tables_names'),
    Object.keys(tables)
      .map((name) => `${name}\n`)
      .join(''),
  );
  return ({ domain, level, name }, request, bytes) => {
    expect([domain, level]).toEqual([c.AF_INET, 0]);
    const table = Buffer.from(request.subarray(0, 32)).toString().replace(/\0+$/, '');
    const answer = entriesAnswer('IPv4', tables[table]!);
    asked.push([bytes, name === c.IPT_SO_GET_ENTRIES ? answer.length : 84]);
    if (name === c.IPT_SO_GET_ENTRIES) return answer;
    const info = new Uint8Array(84);
    new DataView(info.buffer).setUint32(80, answer.length - 40, true);
    return info;
  };
}

const none: ReadOption = () => {
  throw new Error('there are no such tables');
};

test('a change of nftables is another stamp', async () => {
  const at = (generation: number) =>
    ruleStamp({ open: nft(generation), readOption: none, procNet });
  const first = await at(5);
  expect(first).toContain('nft=5');
  expect(await at(5)).toBe(first);
  expect(await at(6)).not.toBe(first);
});

test('a change of a legacy table is another stamp, traffic is none', async () => {
  const open = nft({ errno: EINVAL });
  const stampOf = (...tables: Parameters<typeof legacy>) =>
    ruleStamp({ open, readOption: legacy(...tables), procNet });
  const rule = { mark: 1, packets: 0 };
  const first = await stampOf({ nat: [rule], filter: [] });
  expect(first).toContain('nft=none');
  expect(await stampOf({ filter: [], nat: [{ ...rule, packets: 8 }] })).toBe(first);
  expect(await stampOf({ nat: [{ ...rule, mark: 2 }], filter: [] })).not.toBe(first);
  expect(await stampOf({ nat: [], filter: [rule] })).not.toBe(first);
  expect(await stampOf({ nat: [rule] })).not.toBe(first);
  expect(asked.map(([given]) => given)).toEqual(asked.map(([, taken]) => taken));
});

test('what cannot be told is no stamp', async () => {
  expect(
    await ruleStamp({ open: nft({ errno: EPERM }), readOption: none, procNet }),
  ).toBeUndefined();
  writeFileSync(join(procNet, 'ip6_tables_names'), 'nat\n');
  // Rules came between its size and its entries.
  const changed: ReadOption = () => {
    throw new KernelError({ op: 'read option 65 of level 41', errno: EAGAIN });
  };
  expect(await ruleStamp({ open: nft(1), readOption: changed, procNet })).toBeUndefined();
  const nonsense: ReadOption = () => new Uint8Array(3);
  expect(await ruleStamp({ open: nft(1), readOption: nonsense, procNet })).toBeUndefined();
  expect(await ruleStamp({ open: nft(1), readOption: none, procNet: '/dev/null' })).toBeUndefined();
});
