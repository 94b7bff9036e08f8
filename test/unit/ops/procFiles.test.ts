import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import {
  addressSpaceLimit,
  conntrackUse,
  ipvsTableRows,
  namespaceOctets,
} from '../../../src/ops/procFiles.ts';
import { Scratch } from '../../support/program/command.ts';

let scratch: Scratch;
beforeEach(async () => {
  scratch = await Scratch.make();
});
afterEach(() => scratch.remove());

async function write(path: string, text: string): Promise<void> {
  const file = join(scratch.path, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}

test('bytes are found by the name of their column', async () => {
  await write(
    'self/net/netstat',
    'TcpExt: InOctets OutOctets\nTcpExt: 1 2\nIpExt: InNoRoutes InOctets OutOctets\nIpExt: 3 400 500\n',
  );
  expect(namespaceOctets(scratch.path)).toEqual({ in: 400, out: 500 });
});

test('a limit is a number, and none is what Go calls it', async () => {
  await write('self/limits', 'Max cpu time 1 1\nMax address space    4096   8192   bytes \n');
  expect(addressSpaceLimit(scratch.path)).toBe(4096);
  await write('self/limits', 'Max address space    unlimited   unlimited   bytes \n');
  expect(addressSpaceLimit(scratch.path)).toBe(2 ** 64);
});

test('what is not there is undefined', async () => {
  expect(namespaceOctets(scratch.path)).toBeUndefined();
  expect(addressSpaceLimit(scratch.path)).toBeUndefined();
  await write('self/net/netstat', 'IpExt: Other\nIpExt: 1\n');
  await write('self/limits', 'Max cpu time 1 1\n');
  expect(namespaceOctets(scratch.path)).toBeUndefined();
  expect(addressSpaceLimit(scratch.path)).toBeUndefined();
});

test('connection tracking has its count and its limit, or is not there', async () => {
  expect(conntrackUse(scratch.path)).toBeUndefined();
  await write('sys/net/netfilter/nf_conntrack_count', '123\n');
  expect(conntrackUse(scratch.path)).toBeUndefined();
  await write('sys/net/netfilter/nf_conntrack_max', '65536\n');
  expect(conntrackUse(scratch.path)).toEqual({ entries: 123, limit: 65_536 });
});

test('rows of the table of IPVS follow from its bits', async () => {
  expect(ipvsTableRows(scratch.path)).toBeUndefined();
  await write('module/ip_vs/parameters/conn_tab_bits', '12\n');
  expect(ipvsTableRows(scratch.path)).toBe(4_096);
});
