import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { OpenSocket } from '../../../src/kernel/addon.ts';
import {
  askPrograms,
  legacyFamilies,
  nftFamilies,
  tablesInUse,
} from '../../../src/kernel/tablesInUse.ts';
import * as c from '../../../src/netlink/constants.ts';
import { encodeTable, type NftTable } from '../../../src/netlink/nftables.ts';
import { answering, putDumpEnd } from '../../support/kernel/fakeNetlink.ts';

const NFPROTO_INET = 1;

/** A kernel that has these tables, or refuses to list them. */
function kernel(tables: readonly NftTable[], errno = 0): OpenSocket {
  return ({ protocol }) => {
    expect(protocol).toBe(c.NETLINK_NETFILTER);
    return answering(({ type, sequence }, out) => {
      expect(type).toBe((c.NFNL_SUBSYS_NFTABLES << 8) | c.NFT_MSG_GETTABLE);
      const head = { type: 0, flags: c.NLM_F_MULTI, sequence };
      for (const table of tables) encodeTable(out, head, table);
      putDumpEnd(out, sequence, errno);
    });
  };
}

test('tables of iptables-nft are told from those of nft', async () => {
  const table = (addressFamily: number, name: string) => ({ addressFamily, name });
  expect(await nftFamilies(kernel([]))).toEqual([]);
  expect(await nftFamilies(kernel([table(c.AF_INET, 'nat'), table(c.AF_INET, 'filter')]))).toEqual([
    'IPv4',
  ]);
  expect(await nftFamilies(kernel([table(c.AF_INET6, 'mangle')]))).toEqual(['IPv6']);
  expect(await nftFamilies(kernel([table(c.AF_INET, 'kube-proxy')]))).toEqual([]);
  expect(await nftFamilies(kernel([table(NFPROTO_INET, 'filter')]))).toEqual([]);
});

test('a kernel without nf_tables is told from one that does not answer', async () => {
  const { EINVAL, EPERM } = constants.errno;
  expect(await nftFamilies(kernel([], EINVAL))).toBeUndefined();
  expect(await nftFamilies(kernel([], EPERM))).toEqual(['IPv4', 'IPv6']);
});

test('legacy tables: a missing file is none, one that cannot be read may be any', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'proc-net-'));
  expect(await legacyFamilies(folder)).toEqual([]);
  writeFileSync(join(folder, 'ip_tables_names'), '');
  writeFileSync(join(folder, 'ip6_tables_names'), 'mangle\n');
  expect(await legacyFamilies(folder)).toEqual(['IPv6']);
  rmSync(join(folder, 'ip_tables_names'));
  mkdirSync(join(folder, 'ip_tables_names'));
  expect(await legacyFamilies(folder)).toEqual(['IPv4', 'IPv6']);
  rmSync(folder, { recursive: true });
});

test('where the programs have no variant in their names they are asked', async () => {
  expect(await tablesInUse('plain')).toEqual(['IPv4', 'IPv6']);
  expect(await askPrograms('nft')).toEqual(['IPv4', 'IPv6']);
});
