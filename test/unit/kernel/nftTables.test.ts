import { constants } from 'node:os';
import { expect, test } from '@jest/globals';
import { deleteNftTable } from '../../../src/kernel/nftTables.ts';
import * as c from '../../../src/netlink/constants.ts';
import { decodeTable } from '../../../src/netlink/nftables.ts';
import { answering, putControl } from '../../support/kernel/fakeNetlink.ts';

const { ENOENT, EPERM } = constants.errno;
const TABLE = { addressFamily: c.AF_INET, name: 'kube-proxy' };
const DELETION = (c.NFNL_SUBSYS_NFTABLES << 8) | c.NFT_MSG_DELTABLE;

/** A kernel that answers the change, and as of Linux 6.10 the end of the transaction as well. */
function kernel(errno: number, answersEnd: boolean) {
  const types: number[] = [];
  const tables: object[] = [];
  const open = () =>
    answering((message, out) => {
      types.push(message.type);
      if (message.type === DELETION) {
        tables.push(decodeTable(message));
        putControl(out, c.NLMSG_ERROR, message.sequence, errno);
      }
      if (message.type === c.NFNL_MSG_BATCH_END && answersEnd)
        putControl(out, c.NLMSG_ERROR, message.sequence, 0);
    });
  return { types, tables, remove: () => deleteNftTable(TABLE, open) };
}

test.each([true, false])('a table is deleted in a transaction (end answered: %s)', async (ends) => {
  const { types, tables, remove } = kernel(0, ends);
  await remove();
  expect(types).toEqual([c.NFNL_MSG_BATCH_BEGIN, DELETION, c.NFNL_MSG_BATCH_END]);
  expect(tables).toEqual([TABLE]);
});

test.each([true, false])('one that is gone is success, a refusal is none', async (ends) => {
  await expect(kernel(ENOENT, ends).remove()).resolves.toBeUndefined();
  await expect(kernel(EPERM, ends).remove()).rejects.toThrow(
    'delete nftables table kube-proxy: EPERM',
  );
});
